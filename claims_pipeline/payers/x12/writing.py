"""276 files (005010X212) out of inquiries.

What is written is a function of its arguments alone: a file that was lost on its way can be
written again, byte for byte.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from claims_pipeline.model import DateWindow
from claims_pipeline.payers.x12.inquiries import Inquiry, Member, Wording, gender
from claims_pipeline.payers.x12.partner import Partner

_VERSION = "005010X212"
_CONTROL_VERSION = "00501"
_FROM_PAYER, _FROM_RECEIVER, _FROM_PROVIDER, _FROM_SUBSCRIBER, _FROM_DEPENDENT = (
    "20",
    "21",
    "19",
    "22",
    "23",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlNumbers:
    """Numbers of one file, never used before for this partner."""

    interchange: int
    group: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedSet:
    """The inquiries of one transaction set, and its number, never used before either."""

    number: int
    inquiries: tuple[Inquiry, ...]

    @property
    def control(self) -> str:
        """ST02."""
        return f"{self.number % 1_000_000_000:04d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenSet:
    """One transaction set: its ST02, its BHT03 and the traces in it."""

    control: str
    reference: str
    traces: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """One interchange, ready to be sent."""

    interchange: str
    group: str
    sets: tuple[WrittenSet, ...]
    content: bytes = field(repr=False)


def numbered(sets: Sequence[Sequence[Inquiry]], first: int) -> tuple[NumberedSet, ...]:
    """Sets with numbers from `first` on."""
    return tuple(
        NumberedSet(number=number, inquiries=tuple(inquiries))
        for number, inquiries in enumerate(sets, start=first)
    )


def divided(inquiries: Sequence[Inquiry], partner: Partner) -> list[list[Inquiry]]:
    """Cut inquiries into the sets of one file; what is too much for it is left for the next.

    One set asks one payer. Inquiries keep their order otherwise.
    """
    wording = Wording(partner.separators)
    sets: list[list[Inquiry]] = []
    size = _ENVELOPE_BYTES
    by_payer = sorted(inquiries, key=lambda inquiry: inquiry.payer.id)
    for _, of_payer in groupby(by_payer, key=lambda inquiry: inquiry.payer.id):
        current: list[Inquiry] = []
        for inquiry in of_payer:
            size += _bytes_of(inquiry, wording)
            if size > partner.max_file_bytes and (sets or current):
                return sets
            if not current or len(current) >= partner.claims_per_set:
                if len(sets) >= partner.sets_per_file:
                    return sets
                current = []
                sets.append(current)
                size += _SET_BYTES
            current.append(inquiry)
    return sets


# Generous: a file is smaller than what is counted for it.
_ENVELOPE_BYTES = 400
_SET_BYTES = 500
_LOOP_BYTES = 120


def _bytes_of(inquiry: Inquiry, wording: Wording) -> int:
    loops = _inquiry_loop(inquiry, wording, level=_Levels(), parent=0)
    text = sum(len(element) + 2 for segment in loops for element in segment)
    # Its provider may be another one than the last.
    return text + len(inquiry.provider.name) + _LOOP_BYTES


def check(inquiry: Inquiry, partner: Partner) -> None:
    """Whether the inquiry can be written at all.

    Raises:
        PayerError: `fix_input`, what cannot stand in a file.

    """
    for _ in _inquiry_loop(inquiry, Wording(partner.separators), level=_Levels(), parent=0):
        pass


def write_file(
    sets: Sequence[NumberedSet],
    *,
    partner: Partner,
    control: ControlNumbers,
    at: datetime,
) -> WrittenFile:
    """One interchange with one group of these sets, each as `divided` has cut them.

    Args:
        sets: inquiries that `check` has passed, at least one in each set.
        partner: whose file it is.
        control: its numbers.
        at: when it is written, in UTC.

    """
    interchange, group = interchange_control(control.interchange), group_control(control.group)
    written: list[WrittenSet] = []
    segments: list[tuple[str, ...]] = [_group_header(partner, group, at)]
    for one in sets:
        reference = f"{interchange}{one.control}"
        body = list(_set_body(one.inquiries, partner, reference, at))
        segments.append(("ST", "276", one.control, _VERSION))
        segments += body
        segments.append(("SE", str(len(body) + 2), one.control))
        written.append(
            WrittenSet(
                control=one.control,
                reference=reference,
                traces=tuple(inquiry.trace for inquiry in one.inquiries),
            )
        )
    segments += [("GE", str(len(written)), group), ("IEA", "1", interchange)]
    signs = partner.separators
    end = signs.terminator + ("\n" if partner.line_ends else "")
    text = _interchange_header(partner, interchange, at) + end
    text += "".join(signs.element.join(_trimmed(segment)) + end for segment in segments)
    return WrittenFile(
        interchange=interchange, group=group, sets=tuple(written), content=text.encode("ascii")
    )


def interchange_control(number: int) -> str:
    """ISA13: nine digits."""
    return f"{number % 1_000_000_000:09d}"


def group_control(number: int) -> str:
    """GS06: one to nine digits."""
    return str(number % 1_000_000_000)


def _interchange_header(partner: Partner, interchange: str, at: datetime) -> str:
    signs = partner.separators
    elements = (
        "ISA",
        "00",
        " " * 10,
        "00",
        " " * 10,
        partner.sender_qualifier,
        partner.sender_id.ljust(15),
        partner.receiver_qualifier,
        partner.receiver_id.ljust(15),
        f"{at:%y%m%d}",
        f"{at:%H%M}",
        signs.repetition,
        _CONTROL_VERSION,
        interchange,
        "1" if partner.wants_ta1 else "0",
        partner.usage,
        signs.component,
    )
    return signs.element.join(elements)


def _group_header(partner: Partner, group: str, at: datetime) -> tuple[str, ...]:
    return (
        "GS",
        "HR",
        partner.application_sender,
        partner.application_receiver,
        f"{at:%Y%m%d}",
        f"{at:%H%M}",
        group,
        "X",
        _VERSION,
    )


class _Levels:
    """Counts hierarchical levels from 1 through a whole set."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        self._last += 1
        return self._last


def _set_body(
    inquiries: Sequence[Inquiry], partner: Partner, reference: str, at: datetime
) -> Iterator[tuple[str, ...]]:
    wording = Wording(partner.separators)
    level = _Levels()
    payer = inquiries[0].payer
    yield ("BHT", "0010", "13", reference, f"{at:%Y%m%d}", f"{at:%H%M}")
    top = level.next()
    yield ("HL", str(top), "", _FROM_PAYER, "1")
    payer_id = wording.number(payer.id, 80)
    yield ("NM1", "PR", "2", wording.organization(payer.name), *[""] * 4, "PI", payer_id)
    receiver = level.next()
    yield ("HL", str(receiver), str(top), _FROM_RECEIVER, "1")
    name = wording.organization(partner.submitter_name)
    yield ("NM1", "41", "2", name, *[""] * 4, "46", partner.submitter_id)
    for provider, asked in groupby(inquiries, key=lambda inquiry: inquiry.provider):
        number = level.next()
        yield ("HL", str(number), str(receiver), _FROM_PROVIDER, "1")
        name = wording.organization(provider.name)
        yield ("NM1", "1P", "2", name, *[""] * 4, provider.qualifier, provider.id)
        for inquiry in asked:
            yield from _inquiry_loop(inquiry, wording, level=level, parent=number)


def _inquiry_loop(
    inquiry: Inquiry, wording: Wording, *, level: _Levels, parent: int
) -> Iterator[tuple[str, ...]]:
    """The subscriber's level, and the dependent's below it, with the trace on the last."""
    subscriber, dependent = inquiry.subscriber, inquiry.dependent
    number = level.next()
    has_child = "0" if dependent is None else "1"
    yield ("HL", str(number), str(parent), _FROM_SUBSCRIBER, has_child)
    if dependent is None:
        yield _demographics(subscriber)
    member_id = wording.number(subscriber.id, 80)
    yield ("NM1", "IL", "1", *_names(subscriber, wording), "", "", "", "MI", member_id)
    if dependent is not None:
        yield ("HL", str(level.next()), str(number), _FROM_DEPENDENT)
        yield _demographics(dependent)
        yield ("NM1", "QC", "1", *_names(dependent, wording))
    yield from _trace_loop(inquiry, wording)


def _names(member: Member, wording: Wording) -> tuple[str, str]:
    return wording.person(member.last_name, 60), wording.person(member.first_name, 35)


def _demographics(member: Member) -> tuple[str, ...]:
    if member.date_of_birth is None:
        raise ValueError("a patient is asked for with a date of birth")
    return ("DMG", "D8", f"{member.date_of_birth:%Y%m%d}", gender(member))


def _trace_loop(inquiry: Inquiry, wording: Wording) -> Iterator[tuple[str, ...]]:
    yield ("TRN", "1", wording.number(inquiry.trace, 50))
    if inquiry.payer_claim_number:
        yield ("REF", "1K", wording.number(inquiry.payer_claim_number, 50))
    if inquiry.account_number:
        yield ("REF", "EJ", wording.number(inquiry.account_number, 50))
    if inquiry.charged is not None:
        yield ("AMT", "T3", _dollars(inquiry.charged))
    yield ("DTP", "472", *_days(inquiry.window))


def _days(window: DateWindow) -> tuple[str, str]:
    if window.days == 1:
        return "D8", f"{window.first:%Y%m%d}"
    return "RD8", f"{window.first:%Y%m%d}-{window.last:%Y%m%d}"


def _dollars(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _trimmed(segment: Iterable[str]) -> list[str]:
    """Elements at the end that are empty are not written."""
    elements = list(segment)
    while elements and not elements[-1]:
        elements.pop()
    return elements
