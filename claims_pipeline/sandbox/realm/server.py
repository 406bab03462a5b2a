"""The sandbox realm over HTTP, under Keycloak's addresses."""

from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, PackageLoader
from jwcrypto.common import base64url_decode
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from claims_pipeline.sandbox.realm.directory import CLIENTS, PASSWORD, REALM, USERS
from claims_pipeline.sandbox.realm.grants import CodeRequest, GrantError, Grants, RealmSession
from claims_pipeline.sandbox.realm.tokens import TokenMaker

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_REALM_PATH = f"/realms/{REALM}"
_CONNECT = f"{_REALM_PATH}/protocol/openid-connect"
_COOKIE = "claims-sandbox-realm"
_NO_STORE = {"Cache-Control": "no-store"}


class RealmApp(Starlette):
    """The ASGI application; `url` is where it is reached, without a slash at the end."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.tokens = TokenMaker(f"{url}{_REALM_PATH}")
        self.grants = Grants(self.tokens)
        super().__init__(
            routes=[
                Route(_REALM_PATH, self.realm),
                Route(f"{_REALM_PATH}/.well-known/openid-configuration", self.configuration),
                Route(f"{_REALM_PATH}/device", self.device, methods=["GET", "POST"]),
                Route(f"{_CONNECT}/certs", self.certs),
                Route(f"{_CONNECT}/auth", self.auth, methods=["GET", "POST"]),
                Route(f"{_CONNECT}/auth/device", self.begin_device, methods=["POST"]),
                Route(f"{_CONNECT}/token", self.token, methods=["POST"]),
                Route(f"{_CONNECT}/logout", self.logout, methods=["GET", "POST"]),
            ],
            exception_handlers={GrantError: _refused},
            # A page elsewhere whose name leads to this machine must not read our tokens.
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK_NAMES))],
        )

    async def realm(self, _: Request) -> Response:
        """Tell that the realm is there."""
        return JSONResponse({"realm": REALM, "token-service": f"{self.url}{_CONNECT}"})

    async def configuration(self, _: Request) -> Response:
        """Tell where everything is."""
        connect = f"{self.url}{_CONNECT}"
        return JSONResponse(
            {
                "issuer": self.tokens.issuer,
                "authorization_endpoint": f"{connect}/auth",
                "device_authorization_endpoint": f"{connect}/auth/device",
                "token_endpoint": f"{connect}/token",
                "end_session_endpoint": f"{connect}/logout",
                "jwks_uri": f"{connect}/certs",
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "subject_types_supported": ["public"],
            }
        )

    async def certs(self, _: Request) -> Response:
        """Show the keys that verify tokens."""
        return JSONResponse(self.tokens.published_keys())

    async def auth(self, request: Request) -> Response:
        """Let somebody sign in, and send them back to the client with a code."""
        query = request.query_params
        redirect_uri = query.get("redirect_uri", "")
        if not _may_go_to(query.get("client_id", ""), redirect_uri):
            return HTMLResponse("Invalid parameter: redirect_uri", 400, headers=_NO_STORE)
        asked = _code_request(query)
        if asked is None:
            return _back(redirect_uri, error="invalid_request", state=query.get("state"))
        session, is_wrong = await self._session(request)
        if session is None:
            return _sign_in_page(is_wrong=is_wrong)
        code = self.grants.code_for(asked, session)
        answer = _back(
            redirect_uri,
            state=query.get("state"),
            session_state=session.id,
            iss=self.tokens.issuer,
            code=code,
        )
        return _with_cookie(answer, session)

    async def device(self, request: Request) -> Response:
        """Let somebody sign in for a program that shows a code."""
        session, is_wrong = await self._session(request)
        if session is None:
            return _sign_in_page(is_wrong=is_wrong)
        is_known = self.grants.approve_device(request.query_params.get("user_code", ""), session)
        text = "Done. Go back to your terminal." if is_known else "Nobody waits with this code."
        return _with_cookie(_page("said.html", 200 if is_known else 400, text=text), session)

    async def begin_device(self, request: Request) -> Response:
        """Give a program a code to show."""
        answer = self.grants.begin_device(await _form(request), f"{self.url}{_REALM_PATH}/device")
        return JSONResponse(answer, headers=_NO_STORE)

    async def token(self, request: Request) -> Response:
        """Give tokens for a grant."""
        return JSONResponse(self.grants.tokens_for(await _form(request)), headers=_NO_STORE)

    async def logout(self, request: Request) -> Response:
        """End a session: the browser's own, or a client's by its refresh token."""
        if request.method == "POST" and (form := await _form(request)).get("refresh_token"):
            self.grants.log_out(form)
            return Response(status_code=204)
        self.grants.end_session(request.cookies.get(_COOKIE))
        client_id = request.query_params.get("client_id", "")
        place = request.query_params.get("post_logout_redirect_uri", "")
        answer: Response = (
            _back(place, state=request.query_params.get("state"))
            if _may_go_to(client_id, place)
            else _page("said.html", 200, text="You are signed out.")
        )
        answer.delete_cookie(_COOKIE, path=_REALM_PATH)
        return answer

    async def _session(self, request: Request) -> tuple[RealmSession | None, bool]:
        """Who is at the browser, by cookie or by the form; and whether the form was wrong."""
        if request.method == "GET":
            return self.grants.session(request.cookies.get(_COOKIE)), False
        form = await _form(request)
        session = self.grants.begin_session(form.get("username", ""), form.get("password", ""))
        return session, session is None


def _code_request(query: Mapping[str, str]) -> CodeRequest | None:
    """What is asked for; None without PKCE S256, as the realm's page client has to use it."""
    challenge = query.get("code_challenge", "")
    if (
        query.get("response_type") != "code"
        or query.get("code_challenge_method") != "S256"
        or not _is_digest(challenge)
    ):
        return None
    return CodeRequest(
        client_id=query["client_id"],
        redirect_uri=query["redirect_uri"],
        scope=query.get("scope", ""),
        nonce=query.get("nonce"),
        code_challenge=challenge,
    )


def _is_digest(challenge: str) -> bool:
    try:
        return len(base64url_decode(challenge)) == sha256().digest_size
    except ValueError:
        return False


def _may_go_to(client_id: str, address: str) -> bool:
    """Whether the client may have browsers sent there: to this machine, at any port."""
    client = CLIENTS.get(client_id)
    parts = urlsplit(address)
    return (
        client is not None
        and "authorization_code" in client.grants
        and parts.scheme == "http"
        and parts.hostname in {"localhost", "127.0.0.1"}
        and parts.username is None
    )


def _back(redirect_uri: str, **parameters: str | None) -> Response:
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    return RedirectResponse(f"{redirect_uri}?{query}" if query else redirect_uri, 302, _NO_STORE)


def _with_cookie(answer: Response, session: RealmSession) -> Response:
    answer.set_cookie(_COOKIE, session.id, path=_REALM_PATH, httponly=True, samesite="lax")
    return answer


def _sign_in_page(*, is_wrong: bool) -> Response:
    return _page(
        "sign_in.html",
        401 if is_wrong else 200,
        users=list(USERS.values()),
        password=PASSWORD,
        is_wrong=is_wrong,
    )


def _page(name: str, status: int, **context: Any) -> Response:
    style = _templates().get_template("style.css").render()
    digest = sha256(style.encode()).digest()
    html = _templates().get_template(name).render(style=style, **context)
    # No form-action: browsers hold it against the redirect that follows.
    policy = f"default-src 'none'; style-src '{_source_of(digest)}'; base-uri 'none'"
    headers = {
        **_NO_STORE,
        "Content-Security-Policy": f"{policy}; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }
    return HTMLResponse(html, status, headers=headers)


def _source_of(digest: bytes) -> str:
    return f"sha256-{b64encode(digest).decode()}"


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("claims_pipeline.sandbox.realm"), autoescape=True, trim_blocks=True
    )


async def _form(request: Request) -> dict[str, str]:
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, GrantError):
        raise error
    content = {"error": error.error, "error_description": error.description}
    return JSONResponse(content, error.status, headers=_NO_STORE)
