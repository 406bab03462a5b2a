"""The sixth channel's part of the sandbox."""

import json
from datetime import date

from claims_pipeline.model import DateWindow, Patient
from claims_pipeline.sandbox.part import (
    Call,
    CallFacts,
    ChannelPart,
    PayerOptions,
    WorldOfToday,
)
from claims_pipeline.sandbox.reply import Reply, json_reply
from claims_pipeline.sandbox.world.practices import demo_payer_id
from claims_pipeline.sandbox.world.records import Record


class SixthPart:
    name = "sixth"
    kinds = ("search",)

    def __init__(self, world: WorldOfToday) -> None:
        self._world = world

    def kind_of(self, method: str, path: str) -> str | None:
        return "search" if (method, path) == ("POST", "/sixth/claims") else None

    def facts(self, kind: str, call: Call) -> CallFacts:
        asked = json.loads(call.body)
        return CallFacts(kind=kind, tin=asked["tin"], patient_last_name=asked["lastName"])

    def answer(self, kind: str, call: Call) -> Reply:
        del kind
        if call.headers.get("authorization") != "sandbox":
            return json_reply({}, status=401)
        asked = json.loads(call.body)
        world = self._world()
        practice = world.practice_by_tin(asked["tin"])
        if practice is None or asked["payer"] != demo_payer_id("sixth"):
            return json_reply({}, status=403)
        found = world.search(
            practice,
            DateWindow(date.fromisoformat(asked["from"]), date.fromisoformat(asked["to"])),
            Patient(
                first_name=asked["firstName"],
                last_name=asked["lastName"],
                date_of_birth=date.fromisoformat(asked["born"]),
            ),
        )
        return Reply(claims=[json.dumps(_claim(record)).encode() for record in found])

    def error(self, code: str, call: Call) -> Reply:
        del call
        return json_reply({"code": code}, status=400)

    def strangers(self, claims: list[bytes]) -> list[bytes]:
        return claims

    def unreadable(self, claims: list[bytes]) -> list[bytes]:
        return claims

    def expire_tokens(self) -> None:
        pass


def _claim(record: Record) -> dict[str, object]:
    return {
        "number": record.claim_number,
        "firstName": record.person.first_name,
        "lastName": record.person.last_name,
        "born": record.person.date_of_birth.isoformat(),
        "member": record.person.subscriber_id,
        "from": record.service.first.isoformat(),
        "to": record.service.last.isoformat(),
        "statuses": [{"category": row.category, "status": row.status} for row in record.crosswalk],
        "charged": f"{record.total(lambda line: line.billed) / 100:.2f}",
        "paid": f"{record.total(lambda line: line.paid) / 100:.2f}",
    }


def _make(world: WorldOfToday, options: PayerOptions) -> SixthPart:
    del options
    return SixthPart(world)


def _settings(url: str) -> dict[str, str]:
    del url
    return {}


PART = ChannelPart(payer="sixth-demo", make=_make, settings=_settings)
