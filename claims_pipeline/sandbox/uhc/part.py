"""UnitedHealthcare's part of the sandbox: its addresses, and how they are answered."""

import json

from claims_pipeline.sandbox.part import (
    Call,
    CallFacts,
    ChannelPart,
    PayerOptions,
    WorldOfToday,
)
from claims_pipeline.sandbox.reply import Reply
from claims_pipeline.sandbox.uhc.inquiry import RefusedError
from claims_pipeline.sandbox.uhc.payer_calls import CLIENT_ID, CLIENT_SECRET, PayerCalls
from claims_pipeline.sandbox.uhc.refusals import refused

_KINDS = {
    ("POST", "/v1/oauthtoken"): "token",
    ("GET", "/Claims/api/claim/summary/byprovider/v2.0"): "summary",
    ("GET", "/Claims/api/claim/detail/v2.0"): "detail",
    ("GET", "/Claims/api/claim/payment/v2.0"): "payment",
}


class UhcPart:
    """See `SandboxPart`."""

    name = "uhc"
    kinds = tuple(_KINDS.values())

    def __init__(self, calls: PayerCalls) -> None:
        self._calls = calls

    def kind_of(self, method: str, path: str) -> str | None:
        """The kind of a call to this address."""
        return _KINDS.get((method, path))

    def facts(self, kind: str, call: Call) -> CallFacts:
        """What fault scripts may ask of the call."""
        return CallFacts(
            kind=kind,
            tin=call.headers.get("tin"),
            patient_last_name=call.headers.get("ptntln"),
            further_page="transactionid" in call.headers,
        )

    def answer(self, kind: str, call: Call) -> Reply:
        """The payer's answer, a refusal too."""
        try:
            if kind == "token":
                return self._calls.token(call.body)
            return self._calls.claims_call(kind, call.headers)
        except RefusedError as refusal:
            return refused(refusal, call.headers)

    def error(self, code: str, call: Call) -> Reply:
        """An error of the payer's own with that code."""
        return refused(RefusedError(code, "As the script says"), call.headers)

    def strangers(self, claims: list[bytes]) -> list[bytes]:
        """Claims of another practice and of a patient nobody asked for come along."""
        other_practice = json.loads(claims[0])
        for provider in other_practice["provInfo"].values():
            provider["tin"] = "079999999"
        other_practice["claimNumber"] = "ZZ99990001"
        stranger = json.loads(claims[0])
        stranger["claimNumber"] = "ZZ99990002"
        stranger["memberInfo"] |= {
            "ptntFn": "NOBODY",
            "ptntLn": "ASKEDFOR",
            "ptntDob": "01/02/1940",
            "subscriberId": "999999999",
        }
        return [json.dumps(other_practice).encode(), *claims, json.dumps(stranger).encode()]

    def unreadable(self, claims: list[bytes]) -> list[bytes]:
        """Entries that are no claims."""
        return [b"17", b'{"claimNumber":null}', *claims]

    def expire_tokens(self) -> None:
        """No token given so far is good any longer."""
        self._calls.expire_tokens()


def _settings(url: str) -> dict[str, str]:
    return {
        "CLAIMS_UHC_API_URL": f"{url}/Claims",
        "CLAIMS_UHC_TOKEN_URL": f"{url}/v1/oauthtoken",
        "CLAIMS_UHC_CLIENT_ID": CLIENT_ID,
        "CLAIMS_UHC_CLIENT_SECRET": CLIENT_SECRET,
    }


def _make(world: WorldOfToday, options: PayerOptions) -> UhcPart:
    return UhcPart(PayerCalls(make_world=world.on, today=world.today, options=options))


PART = ChannelPart(payer="uhc", make=_make, settings=_settings)
