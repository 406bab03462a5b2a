"""Decisions about rows in doubt, read from a results file in which people marked claims."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Engine

from claims_pipeline.errors import FileRefusedError, InputError
from claims_pipeline.store import audit
from claims_pipeline.store.database import writing
from claims_pipeline.store.tracked.decisions import Candidate, Decision, candidates_of, decide

_NEEDED = ("tracked_claim", "chosen_claim", "payer_claim_number")
_CHOSEN = frozenset({"y", "yes", "x", "1", "true"})
_NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedLine:
    """A line on which somebody has marked something; `number` is empty for none of the claims."""

    line_number: int
    tracked_id: str
    number: str = field(repr=False)
    service_from: str = field(repr=False)


def read_decisions(content: bytes) -> list[DecidedLine]:
    """The marked lines of a results CSV.

    Raises:
        FileRefusedError: `decisions_unreadable`, `decisions_columns_missing`, or
            `decisions_contradict` where one row has several marks.

    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefusedError("decisions_unreadable", "Save the file as CSV UTF-8.") from None
    reader = csv.DictReader(text.splitlines(keepends=True), restval="")
    if not set(_NEEDED) <= set(reader.fieldnames or ()):
        raise FileRefusedError(
            "decisions_columns_missing",
            f"Take a results file: it has the columns {', '.join(_NEEDED)}.",
        )
    found: dict[str, DecidedLine] = {}
    for row in reader:
        mark = (row["chosen_claim"] or "").strip().lower()
        tracked_id = (row["tracked_claim"] or "").strip()
        if not tracked_id or (mark not in _CHOSEN and mark != _NONE):
            continue
        line = DecidedLine(
            line_number=reader.line_num,
            tracked_id=tracked_id,
            number="" if mark == _NONE else row["payer_claim_number"].strip(),
            service_from=(row.get("service_from") or "").strip(),
        )
        if tracked_id in found:
            raise FileRefusedError(
                "decisions_contradict",
                f"Line {line.line_number} marks a second claim of one row. Leave one mark.",
            )
        found[tracked_id] = line
    return list(found.values())


def decide_by_lines(
    engine: Engine,
    organization_id: str,
    lines: Sequence[DecidedLine],
    *,
    author: str,
    today: date,
    now: datetime,
) -> int:
    """Keep the decisions, all or none, each with an entry in the audit log; how many.

    Raises:
        InputError: as `decide`; `candidate_unknown` names the line.

    """
    decisions = [
        Decision(
            tracked_id=line.tracked_id,
            key=_key(candidates_of(engine, organization_id, line.tracked_id), line),
        )
        for line in lines
    ]
    with writing(engine) as connection:
        for decision in decisions:
            decide(connection, organization_id, decision, author=author, today=today, now=now)
        for decision in decisions:
            audit.append(
                connection,
                organization_id=organization_id,
                actor=author,
                action="decide",
                upload_id=decision.tracked_id,
                outcome="ok",
                now=now,
            )
    return len(decisions)


def _key(candidates: Sequence[Candidate], line: DecidedLine) -> str | None:
    if not line.number:
        return None
    by_place: Mapping[tuple[str, str], str] = {
        (
            candidate.match.claim.claim_number,
            f"{day:%m/%d/%Y}" if (day := candidate.match.claim.service_from) else "",
        ): candidate.key
        for candidate in candidates
    }
    key = by_place.get((line.number, line.service_from))
    if key is None:
        raise InputError(
            "candidate_unknown",
            f"Line {line.line_number} marks a claim that the latest answer does not show.",
        )
    return key
