"""Rules of an organization as CSV files: how often claims are asked again, and deadlines."""

import csv
from collections.abc import Iterator, Sequence

from claims_pipeline.errors import FileRefusedError
from claims_pipeline.follow_up.cadence import CadenceRule, Then
from claims_pipeline.follow_up.deadlines import CountedFrom, DeadlineKind, DeadlineRule
from claims_pipeline.model import ClaimStatus, Outcome
from claims_pipeline.payers.status import NEXT_ACTIONS

CADENCE_COLUMNS = ("status", "next_action", "worked", "until_age", "then")
DEADLINE_COLUMNS = ("payer", "kind", "days", "counted_from", "source")
# A file of deadlines to begin with; nothing in it is advice, and the person who imports it says so.
EXAMPLE_DEADLINES = """\
payer,kind,days,counted_from,source
acme,appeal,65,decision,EXAMPLE ONLY: immedicaresolutions.com (commercial plans)
acme,corrected_claim,365,decision,EXAMPLE ONLY: payer guide of 2018: 12 months from the EOB
,timely_filing,90,service,"EXAMPLE ONLY: ustechautomations.com names 90, 180 and 365 days"
,appeal,180,decision,"EXAMPLE ONLY: ustechautomations.com names 90, 180 and 365 days"
"""
_ANY = frozenset({"", "*", "any"})
_STATUSES = frozenset({*ClaimStatus, *Outcome})
_WORKED = {"yes": True, "no": False}
_MOST_DAYS = 3650
_MOST_RULES = 500


def read_cadence(content: bytes) -> list[CadenceRule]:
    """Rules in their order.

    `then` is a number of days, `never` or `when worked`. Empty cells fit anything.

    Raises:
        FileRefusedError: `rules_unreadable`, `rules_columns_missing` or `rule_invalid`, the last
            naming the line.

    """
    return [
        _cadence_rule(cells, line) for line, cells in _records(content, CADENCE_COLUMNS, ("then",))
    ]


def read_deadlines(content: bytes) -> list[DeadlineRule]:
    """Deadlines; an empty `payer` is every payer.

    Raises:
        FileRefusedError: as `read_cadence`.

    """
    needed = ("kind", "days", "counted_from")
    return [_deadline(cells, line) for line, cells in _records(content, DEADLINE_COLUMNS, needed)]


def cadence_cells(rule: CadenceRule) -> tuple[str, ...]:
    """The rule as a line of its file."""
    worked = "" if rule.is_worked is None else ("yes" if rule.is_worked else "no")
    return (
        str(rule.status or ""),
        rule.next_action or "",
        worked,
        "" if rule.until_age is None else str(rule.until_age),
        rule.then.value if isinstance(rule.then, Then) else str(rule.then),
    )


def deadline_cells(rule: DeadlineRule) -> tuple[str, ...]:
    """The deadline as a line of its file."""
    return (rule.payer or "", rule.kind.value, str(rule.days), rule.counted_from.value, rule.source)


def _records(
    content: bytes, columns: Sequence[str], needed: Sequence[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefusedError("rules_unreadable", "Save the file as CSV UTF-8.") from None
    reader = csv.DictReader(text.splitlines(), restval="")
    header = {column.strip().lower() for column in reader.fieldnames or ()}
    if not header.issuperset(needed):
        raise FileRefusedError(
            "rules_columns_missing",
            f"The header must name {', '.join(needed)}; it may name {', '.join(columns)}.",
        )
    for number, row in enumerate(reader, start=1):
        if number > _MOST_RULES:
            raise FileRefusedError("rule_invalid", f"Give at most {_MOST_RULES} rules.")
        cells = {
            column.strip().lower(): value.strip()
            for column, value in row.items()
            if isinstance(column, str) and isinstance(value, str)
        }
        if any(cells.values()):
            yield reader.line_num, {column: cells.get(column, "") for column in columns}


def _cadence_rule(cells: dict[str, str], line: int) -> CadenceRule:
    status = _one_of(cells["status"])
    if status is not None:
        # Statuses of claims are written in capitals, outcomes of rows are not.
        status = next((each for each in _STATUSES if each.lower() == status.lower()), "?")
        if cells["status"].isupper() and status.upper() in ClaimStatus.__members__:
            status = status.upper()
    action = _one_of(cells["next_action"])
    worked = cells["worked"].lower()
    then = cells["then"].lower()
    problem = None
    if status == "?":
        problem = "names no status or outcome"
    elif action is not None and action not in NEXT_ACTIONS:
        problem = "names no next action"
    elif worked not in _ANY and worked not in _WORKED:
        problem = "needs yes, no or nothing in worked"
    elif cells["until_age"] and not _is_days(cells["until_age"]):
        problem = "needs a number of days in until_age"
    elif then not in set(Then) and not (_is_days(then) and int(then) > 0):
        problem = f"needs a number of days, {Then.NEVER} or {Then.WHEN_WORKED} in then"
    if problem:
        raise FileRefusedError("rule_invalid", f"Line {line} {problem}.")
    return CadenceRule(
        status=status,
        next_action=action,
        is_worked=_WORKED.get(worked),
        until_age=int(cells["until_age"]) if cells["until_age"] else None,
        then=Then(then) if then in set(Then) else int(then),
    )


def _deadline(cells: dict[str, str], line: int) -> DeadlineRule:
    problem = None
    if cells["kind"] not in set(DeadlineKind):
        problem = f"needs one of {', '.join(DeadlineKind)} in kind"
    elif not _is_days(cells["days"]):
        problem = "needs a number of days"
    elif cells["counted_from"] not in set(CountedFrom):
        problem = f"needs one of {', '.join(CountedFrom)} in counted_from"
    if problem:
        raise FileRefusedError("rule_invalid", f"Line {line} {problem}.")
    return DeadlineRule(
        payer=_one_of(cells["payer"]),
        kind=DeadlineKind(cells["kind"]),
        days=int(cells["days"]),
        counted_from=CountedFrom(cells["counted_from"]),
        source=cells["source"],
    )


def _one_of(cell: str) -> str | None:
    return None if cell.lower() in _ANY else cell


def _is_days(cell: str) -> bool:
    return cell.isdecimal() and cell.isascii() and int(cell) <= _MOST_DAYS
