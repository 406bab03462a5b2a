"""Tokens that must not be accepted, and good ones shown in ways that must not be."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jwcrypto.common import base64url_decode, base64url_encode
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from claims_pipeline_tests.upload_api.keycloak.issuer import (
    ABSENT,
    Issuer,
    make_key,
    signed,
    unsigned,
)

_HEADER = "Authorization"
# One that nobody publishes; making a key takes a moment.
_FOREIGN_KEY = make_key("foreign")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The headers and the query with which an operation is asked."""

    headers: Sequence[tuple[str, str]]
    query: str = ""


def _bearer(token: str) -> Shown:
    return Shown(headers=((_HEADER, f"Bearer {token}"),))


def _claims(**changes: object) -> Callable[[Issuer], Shown]:
    return lambda issuer: _bearer(issuer.token(**changes))  # type: ignore[arg-type]


def _header(**changes: object) -> Callable[[Issuer], Shown]:
    return lambda issuer: _bearer(issuer.token(header=changes))


def _foreign(header: Mapping[str, Any] | None = None) -> Callable[[Issuer], Shown]:
    """Signed by another key, under the name of the published one unless the header differs."""
    return lambda issuer: _bearer(
        issuer.token(key=_FOREIGN_KEY, header={"kid": issuer.keys[-1]["kid"], **(header or {})})
    )


def _payload(payload: bytes) -> Callable[[Issuer], Shown]:
    def show(issuer: Issuer) -> Shown:
        key = issuer.keys[-1]
        return _bearer(signed(payload, key=key, header={"alg": "RS256", "kid": key["kid"]}))

    return show


def _parts(change: Callable[[list[str]], Sequence[str]]) -> Callable[[Issuer], Shown]:
    return lambda issuer: _bearer(".".join(change(issuer.token().split("."))))


def _unsigned(algorithm: str) -> Callable[[Issuer], Shown]:
    return lambda issuer: _bearer(
        unsigned({"alg": algorithm, "kid": issuer.keys[-1]["kid"]}, issuer.claims())
    )


def _signed_by_secret(secret: Callable[[JWK], bytes]) -> Callable[[Issuer], Shown]:
    def show(issuer: Issuer) -> Shown:
        public = issuer.keys[-1]
        key = JWK(kty="oct", k=base64url_encode(secret(public)))
        header = {"alg": "HS256", "kid": public["kid"]}
        return _bearer(signed(json.dumps(issuer.claims()).encode(), key=key, header=header))

    return show


def _encrypted(issuer: Issuer) -> Shown:
    key = issuer.keys[-1]
    header = {"alg": "RSA-OAEP", "enc": "A256GCM", "kid": key["kid"]}
    token = JWE(issuer.token().encode(), json.dumps(header))
    token.add_recipient(JWK(**{**key.export_public(as_dict=True), "alg": "RSA-OAEP", "use": "enc"}))
    return _bearer(token.serialize(compact=True))


def _as_json(issuer: Issuer) -> Shown:
    protected, payload, signature = issuer.token().split(".")
    document = {"protected": protected, "payload": payload, "signature": signature}
    # Two dots, which are all that some readers look at.
    return _bearer(json.dumps({**document, "a.b.c": 1}, separators=(",", ":")))


def _altered(part: str, **changes: object) -> str:
    return str(base64url_encode(json.dumps({**json.loads(base64url_decode(part)), **changes})))


def _nested(depth: int) -> str:
    return str(base64url_encode('{"alg":"RS256","kid":' + "[" * depth + "]" * depth + "}"))


def _expired(issuer: Issuer) -> Shown:
    return _bearer(issuer.token(exp=int(time.time()) - 31))


def _early(issuer: Issuer) -> Shown:
    return _bearer(issuer.token(nbf=int(time.time()) + 60))


BAD: Mapping[str, Callable[[Issuer], Shown]] = {
    # Nothing, or not a token
    "nothing at all": lambda _: Shown(headers=()),
    "an empty header": lambda _: Shown(headers=((_HEADER, ""),)),
    "an empty bearer": lambda _: Shown(headers=((_HEADER, "Bearer "),)),
    "a word": lambda _: _bearer("null"),
    "two dots": lambda _: _bearer(".."),
    "no base64": lambda _: _bearer("%%%.%%%.%%%"),
    "letters beyond Latin": lambda _: _bearer("\xe9\xff.\xe9.\xe9"),
    "a header that is no JSON": _parts(lambda part: ["e30x", part[1], part[2]]),
    "a header that is a list": _parts(lambda part: [base64url_encode("[]"), part[1], part[2]]),
    "an empty header part": _parts(lambda part: [base64url_encode("{}"), part[1], part[2]]),
    "a header nested deeply": _parts(lambda part: [_nested(5000), part[1], part[2]]),
    "two parts": _parts(lambda part: part[:2]),
    "four parts": _parts(lambda part: [*part, "x"]),
    "five parts": _parts(lambda part: [*part, "x", "x"]),
    "an encrypted token": _encrypted,
    "a token in JSON": _as_json,
    "a token of 20,000 letters": _claims(padding="x" * 20_000),
    "a blank within": _parts(lambda part: [part[0], " " + part[1], part[2]]),
    # Signatures
    "alg none": _unsigned("none"),
    "alg None": _unsigned("None"),
    "alg nOnE": _unsigned("nOnE"),
    "alg RS256 without a signature": _unsigned("RS256"),
    "alg none with a signature": _parts(
        lambda part: [_altered(part[0], alg="none"), part[1], part[2]]
    ),
    "HS256 with the public key": _signed_by_secret(lambda key: bytes(key.export_to_pem())),
    "HS256 with the published key": _signed_by_secret(
        lambda key: str(key.export_public()).encode()
    ),
    "HS256 with the modulus": _signed_by_secret(lambda key: str(key["n"]).encode()),
    "RS384": _header(alg="RS384"),
    "RS512": _header(alg="RS512"),
    "PS256": _header(alg="PS256"),
    "alg missing": _parts(lambda part: [_altered(part[0], alg=None), part[1], part[2]]),
    "another key": _foreign(),
    "another key by its own name": _foreign({"kid": "foreign"}),
    "another key without a name": _foreign({"kid": ABSENT}),
    "another key sent along": _foreign({"jwk": _FOREIGN_KEY.export_public(as_dict=True)}),
    "another key at an address": _foreign({"jku": "http://127.0.0.1:9/keys"}),
    "another certificate at an address": _foreign({"x5u": "http://127.0.0.1:9/certificate"}),
    "another certificate": _foreign({"x5c": ["MIIB"]}),
    "no key named": _header(kid=ABSENT),
    "an unknown key": _header(kid="unknown"),
    "a key that is a path": _header(kid="../../../../dev/null"),
    "a key that is a number": _header(kid=7),
    "a key that is a list": _header(kid=["a"]),
    "a signature cut short": _parts(lambda part: [part[0], part[1], part[2][:-8]]),
    "a signature of another token": lambda issuer: _bearer(
        ".".join([*issuer.token().split(".")[:2], issuer.token().split(".")[2]])
    ),
    "a signature with other spare bits": _parts(
        lambda part: [part[0], part[1], part[2][:-1] + chr(ord(part[2][-1]) + 1)]
    ),
    "a signature with padding": _parts(lambda part: [part[0], part[1], f"{part[2]}=="]),
    "no signature": _parts(lambda part: [part[0], part[1], ""]),
    "another user than was signed": _parts(
        lambda part: [part[0], _altered(part[1], sub="somebody-else"), part[2]]
    ),
    "another header than was signed": _parts(
        lambda part: [_altered(part[0], typ="at+jwt"), part[1], part[2]]
    ),
    "an extension that must be understood": _header(crit=["exp"], exp=1),
    "a payload that is not encoded": _header(b64=False, crit=["b64"]),
    # Payloads
    "a payload that is no JSON": _payload(b"claims"),
    "a payload that is a list": _payload(b"[]"),
    "a payload that is a text": _payload(b'"claims"'),
    "an empty payload": _payload(b""),
    "a payload without claims": _payload(b"{}"),
    "a payload nested deeply": _payload(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "a payload that is no UTF-8": _payload(b'{"sub":"\xff"}'),
    # Times
    "expired": _expired,
    "expired in 1970": _claims(exp=0),
    "no expiry": _claims(exp=ABSENT),
    "expires after the last day of the calendar": _claims(exp=253_402_300_800),
    "an expiry of nothing": _claims(exp=None),
    "an expiry in text": _claims(exp="9999999999"),
    "an expiry that is true": _claims(exp=True),
    "an expiry that is a list": _claims(exp=[9999999999]),
    "an expiry without end": _claims(exp=float("inf")),
    "an expiry beyond all calendars": _claims(exp=10**15),
    "not yet valid": _early,
    "valid from a text": _claims(nbf="0"),
    # Who issued it, for whom, to whom
    "another issuer": _claims(iss="https://elsewhere.example.org/realms/claims"),
    "another realm": lambda issuer: _bearer(issuer.token(iss=f"{issuer.url}/realms/master")),
    "an issuer with a slash": lambda issuer: _bearer(issuer.token(iss=f"{issuer.name}/")),
    "several issuers": lambda issuer: _bearer(issuer.token(iss=[issuer.name])),
    "no issuer": _claims(iss=ABSENT),
    "another audience": _claims(aud="another-api"),
    "an audience that begins alike": _claims(aud=["claims-api-2", "account"]),
    "no audience": _claims(aud=ABSENT),
    "an audience of nothing": _claims(aud=None),
    "an audience that is an object": _claims(aud={"claims-api": True}),
    "another audience and another client": _claims(aud="account", azp="another-client"),
    "no user": _claims(sub=ABSENT),
    "a user without a name": _claims(sub=""),
    "a user that is a number": _claims(sub=7),
    "a user that no database stores": _claims(sub="analyst\x00"),
    "a user that no text holds": _claims(sub="\ud800"),
    "a user with a long name": _claims(sub="x" * 129),
    # Other tokens of the same realm
    "an ID token": _claims(typ="ID"),
    "a refresh token": _claims(typ="Refresh"),
    "an offline token": _claims(typ="Offline"),
    "a logout token": _claims(typ="Logout"),
    "a token without a type": _claims(typ=ABSENT),
    "a token of type bearer": _claims(typ="bearer"),
    "a token bound by DPoP": _claims(typ="DPoP", cnf={"jkt": "x"}),
    "a token bound to a certificate": _claims(cnf={"x5t#S256": "x"}),
    "roles that are a list": _claims(realm_access=["claims-operator"]),
    "roles that are no list": _claims(realm_access={"roles": "claims-operator"}),
    # Good ones, not shown as they have to be
    "shown twice": lambda issuer: Shown(
        headers=((_HEADER, f"Bearer {issuer.token()}"), (_HEADER, f"Bearer {issuer.token()}"))
    ),
    "beside a bad one": lambda issuer: Shown(
        headers=((_HEADER, f"Bearer {issuer.token()}"), (_HEADER, "Bearer x"))
    ),
    "beside an empty one": lambda issuer: Shown(
        headers=(*_bearer(issuer.token()).headers, (_HEADER, ""))
    ),
    "two in one header": lambda issuer: _bearer(f"{issuer.token()}, Bearer {issuer.token()}"),
    "in the query": lambda issuer: Shown(headers=(), query=f"?access_token={issuer.token()}"),
    "in the query too": lambda issuer: Shown(
        headers=_bearer(issuer.token()).headers, query=f"?access_token={issuer.token()}"
    ),
    "as basic": lambda issuer: Shown(headers=((_HEADER, f"Basic {issuer.token()}"),)),
    "without a scheme": lambda issuer: Shown(headers=((_HEADER, issuer.token()),)),
    "in a cookie": lambda issuer: Shown(headers=(("Cookie", f"access_token={issuer.token()}"),)),
    "in a header of another name": lambda issuer: Shown(
        headers=(("X-Access-Token", issuer.token()), ("X-Forwarded-User", "analyst-1"))
    ),
}
