"""How a claim of the sandbox's world comes about, ages and is decided."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from claims_pipeline.model import DateWindow
from claims_pipeline.sandbox.world.dice import Dice
from claims_pipeline.sandbox.world.records import Code, Crosswalk, Draft, Line, Record, Visit

_DENIALS = (
    Code(kind="CARC", code="16", description="Something the payer needs is missing on the claim"),
    Code(kind="CARC", code="29", description="The claim came after the filing limit"),
    Code(kind="CARC", code="50", description="The payer saw no medical need"),
    Code(kind="CARC", code="96", description="The plan does not cover this service"),
    Code(kind="CARC", code="197", description="No prior approval was on file"),
)
_REMARKS = (
    Code(kind="RARC", code="N290", description="Rendering provider number missing or wrong"),
    Code(kind="RARC", code="M127", description="Send the medical record"),
    Code(kind="REMARK", code="D7", description="The plan's rules for this service were not met"),
)
_WRITE_OFF = Code(kind="CARC", code="45", description="Above the contracted rate")
_PROCEDURES = ("99203", "99213", "99214", "99395", "36415", "80053", "85025", "93000", "71046")

# Fate and how many of a hundred claims meet it.
_FATES = (
    ("paid", 60),
    ("denied", 12),
    ("owed_by_patient", 6),
    ("partly_denied", 5),
    ("adjusted", 4),
    ("several_states", 2),
    ("in_parts", 2),
    ("slow", 3),
    ("information_wanted", 2),
    ("rejected", 2),
    ("misdirected", 1),
    ("closed", 1),
)
_FATE_OF_PERCENT = tuple(fate for fate, share in _FATES for _ in range(share))


def records_of_visit(visit: Visit, *, seed: int, today: date) -> tuple[Record, ...]:
    """What the payer holds today of a visit's claim; nothing before it was received."""
    dice = Dice(seed, "claim", visit.practice_number, visit.day.toordinal(), visit.number)
    fate = dice.pick(_FATE_OF_PERCENT)
    received = visit.day + timedelta(days=dice.between(1, 4))
    decided = received + timedelta(days=dice.between(5, 25))
    institutional = dice.happens(8)
    stay = dice.between(1, 3) if institutional and dice.happens(50) else 0
    in_network = dice.happens(88)
    if visit.person.index < 0:
        fate, institutional, stay = "paid", False, 0
        received, decided = visit.day + timedelta(days=2), visit.day + timedelta(days=14)
    if today < received:
        return ()
    record = Record(
        claim_number=visit.claim_number,
        account_number=f"PT{visit.practice_number}-{visit.claim_number[2:]}",
        practice_number=visit.practice_number,
        person=visit.person,
        service=DateWindow(visit.day, visit.day + timedelta(days=stay)),
        received=received,
        processed=None,
        processed_time="",
        payer_status="",
        institutional=institutional,
        in_network=in_network,
        crosswalk=(),
        lines=_billed_lines(dice),
        order=dice.below(1 << 32),
    )
    if today < decided or fate == "slow":
        return (_undecided(record, dice, days=(today - received).days),)
    record = replace(
        record,
        processed=decided,
        processed_time=f"{dice.between(6, 20):02d}.{dice.below(60):02d}.{dice.below(60):02d}",
    )
    return _DECISIONS[fate](record, dice, today)


def _billed_lines(dice: Dice) -> tuple[Line, ...]:
    return tuple(
        Line(
            number=number,
            suffix="01",
            procedure=dice.pick(_PROCEDURES),
            billed=dice.between(40, 900) * 100 + dice.pick((0, 0, 25, 50, 99)),
        )
        for number in range(1, dice.between(1, 3) + 1)
    )


def _undecided(record: Record, dice: Dice, *, days: int) -> Record:
    if days <= 2:
        return _with_state(record, "Acknowledged", "A1", "19")
    if days <= 5:
        return _with_state(record, "In Review", "A2", "20")
    category, status = dice.pick((("P1", "3"), ("P2", "47"), ("P0", "1"), ("P5", "104")))
    return _with_state(record, "Pending", category, status)


def _with_state(record: Record, payer_status: str, category: str, status: str) -> Record:
    """The record with one status row for each suffix of its lines."""
    drafts = dict(zip(_suffixes(record.lines), record.drafts, strict=False))
    crosswalk = tuple(
        Crosswalk(
            category=category,
            status=status,
            suffix=suffix,
            draft_number=drafts[suffix].number if suffix in drafts else "",
        )
        for suffix in _suffixes(record.lines)
    )
    return replace(record, payer_status=payer_status, crosswalk=crosswalk)


def _suffixes(lines: Sequence[Line]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.suffix for line in lines))


def _allowed_line(line: Line, dice: Dice, *, patient_pays_all: bool = False) -> Line:
    allowed = line.billed * dice.between(35, 85) // 100
    copay = min(allowed, dice.pick((0, 0, 1500, 2500)))
    coinsurance = (allowed - copay) * dice.pick((0, 0, 10, 20)) // 100
    paid = allowed - copay - coinsurance
    deductible = 0
    if patient_pays_all:
        deductible, paid = paid, 0
    return replace(
        line,
        allowed=allowed,
        write_off=line.billed - allowed,
        copay=copay,
        coinsurance=coinsurance,
        deductible=deductible,
        paid=paid,
        codes=(_WRITE_OFF,),
    )


def _denied_line(line: Line, dice: Dice) -> Line:
    codes = (dice.pick(_DENIALS), *((dice.pick(_REMARKS),) if dice.happens(60) else ()))
    return replace(line, not_covered=line.billed, codes=codes)


def _drafts(record: Record, dice: Dice) -> tuple[Draft, ...]:
    """One draft for each suffix that was paid; the check may cover other claims too."""
    drafts = []
    for suffix in _suffixes(record.lines):
        amount = sum(line.paid for line in record.lines if line.suffix == suffix)
        if amount and record.processed:
            drafts.append(
                Draft(
                    number=f"D{record.claim_number[2:]}{suffix}",
                    check_number=f"{dice.between(10_000_000, 99_999_999)}",
                    electronic=dice.happens(80),
                    issued=record.processed + timedelta(days=1),
                    amount=amount,
                    check_total=amount + dice.pick((0, 0, dice.between(5_000, 900_000))),
                )
            )
    return tuple(drafts)


def _paid(record: Record, dice: Dice, _today: date) -> tuple[Record, ...]:
    record = replace(record, lines=tuple(_allowed_line(line, dice) for line in record.lines))
    record = replace(record, drafts=_drafts(record, dice))
    return (_with_state(record, "Finalized", "F1", "65"),)


def _denied(record: Record, dice: Dice, _today: date) -> tuple[Record, ...]:
    lines = tuple(_denied_line(line, dice) for line in record.lines)
    record = replace(record, lines=lines, codes=(dice.pick(_REMARKS),))
    return (_with_state(record, "Denied", "F2", "585"),)


def _owed_by_patient(record: Record, dice: Dice, _today: date) -> tuple[Record, ...]:
    lines = tuple(_allowed_line(line, dice, patient_pays_all=True) for line in record.lines)
    return (_with_state(replace(record, lines=lines), "Finalized", "F1", "98"),)


def _partly_denied(record: Record, dice: Dice, _today: date) -> tuple[Record, ...]:
    first, *others = record.lines
    denied = replace(others[0] if others else first, number=len(record.lines) + 1)
    lines = [_allowed_line(line, dice) for line in record.lines] + [_denied_line(denied, dice)]
    record = replace(record, lines=tuple(lines))
    record = replace(record, drafts=_drafts(record, dice))
    return (_with_state(record, "Finalized", "F1", "107"),)


def _adjusted(record: Record, dice: Dice, today: date) -> tuple[Record, ...]:
    """First denied, later paid: two versions, of which the later one counts."""
    first = _denied(record, dice, today)
    again = (record.processed or today) + timedelta(days=dice.between(12, 40))
    if today < again:
        return first
    later = _paid(replace(record, processed=again), dice, today)[0]
    return (*first, _with_state(later, "Finalized", "F3", "101"))


def _several_states(record: Record, dice: Dice, _today: date) -> tuple[Record, ...]:
    """One entry whose suffixes stand in different places."""
    paid = tuple(_allowed_line(line, dice) for line in record.lines)
    extra = replace(record.lines[0], number=len(paid) + 1, suffix="02")
    lines = (*paid, _denied_line(extra, dice))
    record = replace(record, lines=lines)
    record = replace(record, drafts=_drafts(record, dice))
    record = _with_state(record, "Multiple Status", "F1", "65")
    crosswalk = (record.crosswalk[0], replace(record.crosswalk[1], category="F2", status="585"))
    return (replace(record, crosswalk=crosswalk),)


def _in_parts(record: Record, dice: Dice, today: date) -> tuple[Record, ...]:
    """Two entries under one claim number: the payer split the claim."""
    second = tuple(replace(line, suffix="02") for line in _billed_lines(dice))
    parts = (record, replace(record, lines=second, order=dice.below(1 << 32)))
    return tuple(_paid(part, dice, today)[0] for part in parts)


def _information_wanted(record: Record, dice: Dice, _today: date) -> tuple[Record, ...]:
    category, status = dice.pick((("P3", "123"), ("R4", "294"), ("P4", "122")))
    return (_with_state(replace(record, processed=None), "Pending", category, status),)


def _rejected(record: Record, dice: Dice, _today: date) -> tuple[Record, ...]:
    category, status = dice.pick((("A3", "21"), ("A6", "125"), ("A7", "562"), ("A8", "496")))
    return (_with_state(record, "Rejected", category, status),)


def _misdirected(record: Record, _dice: Dice, _today: date) -> tuple[Record, ...]:
    return (_with_state(record, "Misdirected", "A0", "16"),)


def _closed(record: Record, dice: Dice, _today: date) -> tuple[Record, ...]:
    lines = tuple(replace(line, write_off=line.billed) for line in record.lines)
    category = dice.pick(("F4", "F3F", "F3N"))
    return (_with_state(replace(record, lines=lines), "Finalized", category, "104"),)


_DECISIONS: dict[str, Callable[[Record, Dice, date], tuple[Record, ...]]] = {
    "paid": _paid,
    "denied": _denied,
    "owed_by_patient": _owed_by_patient,
    "partly_denied": _partly_denied,
    "adjusted": _adjusted,
    "several_states": _several_states,
    "in_parts": _in_parts,
    "information_wanted": _information_wanted,
    "rejected": _rejected,
    "misdirected": _misdirected,
    "closed": _closed,
}
