"""Stedi's part of the sandbox: who may ask, how many at once, and what is answered."""

import json
from collections import defaultdict

from claims_pipeline.sandbox.part import (
    Call,
    CallFacts,
    ChannelPart,
    PayerOptions,
    WorldOfToday,
)
from claims_pipeline.sandbox.reply import Reply, json_reply
from claims_pipeline.sandbox.stedi import wire
from claims_pipeline.sandbox.stedi.inquiry import Inquiry, InvalidError, read_inquiry
from claims_pipeline.sandbox.world.as_277 import Claim277, search_277
from claims_pipeline.sandbox.world.practices import WorldPractice, demo_payer_id

API_KEY = "sandbox"
MOST_IN_FLIGHT = 50

_PATH = "/stedi/2024-04-01/change/medicalnetwork/claimstatus/v2"
_STATUS_OF_CODE = {
    "ACCESS_DENIED": 403,
    "RESOURCE_NOT_FOUND": 404,
    "TOO_MANY_REQUESTS": 429,
    "INTERNAL_FAILURE": 500,
    "SERVICE_UNAVAILABLE": 503,
    "GATEWAY_TIMEOUT": 504,
}
# Codes of scripted faults that come as an answer with 200.
_ANSWERED_CODES = frozenset({"999", "AAA42", "E1", "E0", "E4", "EMPTY"})


class StediPart:
    """See `SandboxPart`."""

    name = "stedi"
    kinds = ("search",)

    def __init__(self, world: WorldOfToday) -> None:
        self._world = world

    def kind_of(self, method: str, path: str) -> str | None:
        """The kind of a call to this address, by whatever method."""
        del method
        return "search" if path == _PATH else None

    def facts(self, kind: str, call: Call) -> CallFacts:
        """What fault scripts may ask of the call."""
        try:
            inquiry = read_inquiry(call.body, today=self._world.today())
        except InvalidError:
            return CallFacts(kind=kind)
        practice = self._practice(inquiry)
        return CallFacts(
            kind=kind,
            tin=practice.tin if practice else None,
            patient_last_name=inquiry.patient.last_name,
        )

    def answer(self, kind: str, call: Call) -> Reply:
        """The answer to a check."""
        del kind
        has_key = call.headers.get("authorization", "").removeprefix("Key ") == API_KEY
        if not has_key or call.method != "POST":
            return _refused("ACCESS_DENIED")
        if call.in_flight > MOST_IN_FLIGHT:
            return _refused("TOO_MANY_REQUESTS")
        try:
            inquiry = read_inquiry(call.body, today=self._world.today())
        except InvalidError as error:
            return _invalid(str(error))
        return self._looked_up(inquiry)

    def _looked_up(self, inquiry: Inquiry) -> Reply:
        if inquiry.payer_id != demo_payer_id(self.name):
            return _invalid("tradingPartnerServiceId is not a payer")
        practice = self._practice(inquiry)
        if practice is None:
            return _page(inquiry, None, [wire.refused("E4", "26")], "")
        claims = _of_one_person(
            search_277(
                self._world(),
                practice,
                inquiry.window,
                inquiry.patient,
                member_id=inquiry.member_id,
            )
        )
        if not claims:
            return _page(inquiry, practice, [wire.nothing_found()], wire.text_277(()))
        entries = [wire.claim_entry(claim) for claim in claims]
        return _page(
            inquiry, practice, entries, wire.text_277(claims), wire.people(inquiry, claims)
        )

    def error(self, code: str, call: Call) -> Reply:
        """An error by its code, or an answer with 200 that is none."""
        if code not in _ANSWERED_CODES:
            return _refused(code)
        try:
            inquiry = read_inquiry(call.body, today=self._world.today())
        except InvalidError as error:
            return _invalid(str(error))
        if code == "999":
            content = {
                **wire.envelope(inquiry, None),
                "transactionSetAcknowledgement": "R",
                "x12": wire.text_999(),
            }
            return json_reply(content)
        if code == "AAA42":
            content = {
                **wire.envelope(inquiry, None),
                "errorResponse": {"code": "42", "description": "Unable to respond now"},
            }
            return json_reply(content)
        entries = [] if code == "EMPTY" else [wire.refused(code, "0")]
        return _page(inquiry, None, entries, "")

    def strangers(self, claims: list[bytes]) -> list[bytes]:
        """An answer is about one patient: strangers cannot come along."""
        return claims

    def unreadable(self, claims: list[bytes]) -> list[bytes]:
        """Entries that are no claims."""
        return [b'{"claimStatus":{"statusCategoryCode":"F1"}}', *claims]

    def expire_tokens(self) -> None:
        """Keys do not expire."""

    def _practice(self, inquiry: Inquiry) -> WorldPractice | None:
        return next(
            (
                practice
                for practice in self._world().practices
                if inquiry.npi == practice.npi
                or (inquiry.npi is None and inquiry.tax_id == practice.tin)
            ),
            None,
        )


def _of_one_person(claims: list[Claim277]) -> list[Claim277]:
    """A member id is one person's: the answer names one patient."""
    by_person: dict[int, list[Claim277]] = defaultdict(list)
    for claim in claims:
        by_person[claim.record.person.index].append(claim)
    return next(iter(by_person.values()), [])


def _page(
    inquiry: Inquiry,
    practice: WorldPractice | None,
    entries: list[wire.Json],
    text: str,
    people: wire.Json | None = None,
) -> Reply:
    content = {**wire.envelope(inquiry, practice), **(people or {})}
    if text:
        content["x12"] = text
    opening = json.dumps(content)[:-1].encode()
    return Reply(
        claims=[json.dumps(entry).encode() for entry in entries],
        before_claims=opening + b', "claims": [',
        after_claims=b"]}",
    )


def _invalid(message: str) -> Reply:
    return json_reply({"code": "VALIDATION_EXCEPTION", "message": message}, status=400)


def _refused(code: str) -> Reply:
    status = _STATUS_OF_CODE.get(code, 400)
    return json_reply({"code": code, "message": "As Stedi says no"}, status=status)


def _make(world: WorldOfToday, options: PayerOptions) -> StediPart:
    del options
    return StediPart(world)


def _settings(url: str) -> dict[str, str]:
    return {"CLAIMS_STEDI_API_URL": f"{url}/stedi/2024-04-01", "CLAIMS_STEDI_API_KEY": API_KEY}


PART = ChannelPart(payer="stedi-demo", make=_make, settings=_settings)
