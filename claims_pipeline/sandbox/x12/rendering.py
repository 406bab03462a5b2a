"""Answers of a clearinghouse and of the payer behind it, as segments."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from claims_pipeline.payers.x12.segments import Separators
from claims_pipeline.sandbox.world.as_277 import Claim277, statuses_of_line
from claims_pipeline.sandbox.world.records import Line
from claims_pipeline.sandbox.x12.asked import AskedClaim, AskedFile, AskedSet
from claims_pipeline.sandbox.x12.faults import Fault, Faults

_STATUS_VERSION = "005010X212"
_ACK_VERSION = "005010X231A1"
_USUAL = Separators()
_OTHERS = Separators(element="|", component=">", repetition="!", terminator="\x1d")

SegmentText = tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Envelope:
    """How a file back is written, and its numbers."""

    asked: AskedFile
    number: int
    at: datetime
    separators: Separators = _USUAL
    line_ends: str = ""
    wrong_counts: bool = False
    ack_segments: list[SegmentText] = field(default_factory=list)

    @classmethod
    def of(cls, asked: AskedFile, *, number: int, at: datetime, faults: Faults) -> "Envelope":
        """With what faults say of how it is written."""
        return cls(
            asked=asked,
            number=number,
            at=at,
            separators=_OTHERS if faults.happens(Fault.OTHER_SEPARATORS) else _USUAL,
            line_ends="\r\n" if faults.happens(Fault.CRLF) else "",
            wrong_counts=faults.happens(Fault.WRONG_COUNTS),
        )

    def file(
        self, sets: Sequence[Sequence[SegmentText]], *, kind: str, version: str = _STATUS_VERSION
    ) -> bytes:
        """The interchange around these sets, each without ST and SE; kind is 277 or 999."""
        segments: list[SegmentText] = []
        for number, body in enumerate(sets, start=1):
            control = f"{self.number % 100_000}{number:04d}"[-9:]
            count = len(body) + (99 if self.wrong_counts else 2)
            segments += [
                ("ST", kind, control, version),
                *body,
                ("SE", str(count), control),
            ]
        groups = 0
        if sets:
            groups = 1
            code = "FA" if kind == "999" else "HN"
            group = str(self.number % 1_000_000_000)
            sender, receiver = self.asked.application_receiver, self.asked.application_sender
            day, minute = f"{self.at:%Y%m%d}", f"{self.at:%H%M}"
            segments.insert(0, ("GS", code, sender, receiver, day, minute, group, "X", version))
            segments.append(("GE", str(len(sets)), group))
        control = f"{self.number % 1_000_000_000:09d}"
        segments = [self._header(control), *self.ack_segments, *segments]
        segments.append(("IEA", str(groups), control))
        return self._written(segments)

    def _header(self, control: str) -> SegmentText:
        old = self.asked.header
        return (
            "ISA",
            *("00", " " * 10, "00", " " * 10),
            *(old[6], old[7], old[4], old[5]),
            *(f"{self.at:%y%m%d}", f"{self.at:%H%M}", "^", "00501", control, "0", old[14], ":"),
        )

    def _written(self, segments: Sequence[SegmentText]) -> bytes:
        signs = self.separators
        end = signs.terminator + self.line_ends
        lines = []
        for segment in segments:
            elements = list(segment)
            while len(elements) > 1 and not elements[-1]:
                elements.pop()
            if elements[0] == "ISA":
                elements[11], elements[16] = signs.repetition, signs.component
            else:
                elements = [one.replace(":", signs.component) for one in elements]
            lines.append(signs.element.join(elements))
        return (end.join(lines) + end).encode("latin-1")


def interchange_ack(asked: AskedFile, at: datetime, *, refused: bool) -> SegmentText:
    """A TA1 about what was asked."""
    verdict, note = ("R", "006") if refused else ("A", "000")
    return ("TA1", asked.control, f"{at:%y%m%d}", f"{at:%H%M}", verdict, note)


@dataclass(slots=True, kw_only=True)
class SetVerdict:
    """What the clearinghouse thinks of a set: refused whole, or for some of its inquiries."""

    asked: AskedSet
    is_refused: bool = False
    refused_traces: list[str] = field(default_factory=list)

    @property
    def is_taken(self) -> bool:
        """Whether its inquiries go on to the payer."""
        return not self.is_refused and not self.refused_traces


def set_acks(asked: AskedFile, verdicts: Sequence[SetVerdict]) -> list[SegmentText]:
    """The body of a 999 about one group."""
    body: list[SegmentText] = [("AK1", "HR", asked.group, _STATUS_VERSION)]
    for one in verdicts:
        body.append(("AK2", "276", one.asked.control, _STATUS_VERSION))
        for trace in one.refused_traces:
            body += [
                ("IK3", "NM1", "13", "2100", "8"),
                ("CTX", f"TRN02:{trace}"),
                ("IK4", "9", "67", "7"),
            ]
        if one.is_refused:
            body.append(("IK3", "BHT", "2", "", "8"))
        body.append(("IK5", "A") if one.is_taken else ("IK5", "R", "5"))
    taken = sum(one.is_taken for one in verdicts)
    verdict = "A" if taken == len(verdicts) else "P" if taken else "R"
    count = str(len(verdicts))
    body.append(("AK9", verdict, count, count, str(taken)))
    return body


def ack_file(envelope: Envelope, verdicts: Sequence[SetVerdict]) -> bytes:
    """A file with a 999."""
    return envelope.file([set_acks(envelope.asked, verdicts)], kind="999", version=_ACK_VERSION)


class Levels:
    """Writes the levels of one 277: payer, receiver, provider, and each claim below them."""

    def __init__(self, asked: AskedSet, at: datetime) -> None:
        self._asked = asked
        self._at = at
        self._last = 2
        self._provider = 0
        self._provider_id = ""

    def head(self, reference: str) -> Iterator[SegmentText]:
        """BHT, payer and receiver."""
        day = f"{self._at:%Y%m%d}"
        yield ("BHT", "0010", "08", reference, day, f"{self._at:%H%M}", "DG")
        yield ("HL", "1", "", "20", "1")
        yield ("NM1", "PR", "2", self._asked.payer_name, *[""] * 4, "PI", self._asked.payer_id)
        yield ("HL", "2", "1", "21", "1")
        receiver = self._asked.receiver_name
        yield ("NM1", "41", "2", receiver, *[""] * 4, "46", self._asked.receiver_id)

    def receiver_status(self, codes: str) -> Iterator[SegmentText]:
        """What the receiver is told instead of answers."""
        yield ("TRN", "2", self._asked.reference)
        yield ("STC", codes, f"{self._at:%Y%m%d}")

    def provider(self, claim: AskedClaim) -> Iterator[SegmentText]:
        """The level of who asks, where it is not the last one's."""
        if claim.provider_id == self._provider_id:
            return
        self._last += 1
        self._provider, self._provider_id = self._last, claim.provider_id
        yield ("HL", str(self._provider), "2", "19", "1")
        kind = "FI" if len(claim.provider_id) == 9 else "XX"
        yield ("NM1", "1P", "2", claim.provider_name, *[""] * 4, kind, claim.provider_id)

    def provider_status(self, codes: str) -> Iterator[SegmentText]:
        """What a provider is told instead of answers."""
        yield ("TRN", "1", "0")
        yield ("STC", codes, f"{self._at:%Y%m%d}")

    def person(self, claim: AskedClaim, style: "Style") -> Iterator[SegmentText]:
        """The subscriber's level, and the dependent's."""
        self._last += 1
        number = self._last
        yield ("HL", str(number), str(self._provider), "22", "1" if claim.dependent else "0")
        kind = "2" if style.no_person else "1"
        last, first = style.subscriber or claim.subscriber
        if style.lower_case:
            last, first = last.lower(), first.lower()
        yield ("NM1", "IL", kind, last, first, "", "", "", "MI", style.member_id or claim.member_id)
        if claim.dependent:
            self._last += 1
            yield ("HL", str(self._last), str(number), "23")
            yield ("NM1", "QC", "1", *(style.dependent or claim.dependent))


@dataclass(slots=True, kw_only=True)
class Style:
    """How one claim is written; names are the payer's own spelling, where it knows the person."""

    subscriber: tuple[str, str] | None = None
    dependent: tuple[str, str] | None = None
    member_id: str = ""
    no_person: bool = False
    lower_case: bool = False
    missing_elements: bool = False
    two_statuses: bool = False


def nothing_found(trace: str, at: datetime, codes: str = "D0:35") -> Iterator[SegmentText]:
    """The loop of an inquiry that has no claim."""
    yield ("TRN", "2", trace)
    yield ("STC", codes, f"{at:%Y%m%d}", "", "0", "0")


def claim_loop(trace: str, claim: Claim277, style: Style, *, today: date) -> Iterator[SegmentText]:
    """The loop of one claim."""
    record = claim.record
    yield ("TRN", "2", trace)
    yield from _statuses(claim, style, today)
    yield ("REF", "1K", record.claim_number)
    if record.institutional:
        yield ("REF", "BLT", "111")
    yield ("REF", "EJ", record.account_number)
    yield ("REF", "D9", claim.clearinghouse_number)
    first, last = record.service.first, record.service.last
    if first == last:
        yield ("DTP", "472", "D8", f"{first:%Y%m%d}")
    else:
        yield ("DTP", "472", "RD8", f"{first:%Y%m%d}-{last:%Y%m%d}")
    for line in record.lines:
        yield from _line(line, claim, style, today)


def _statuses(claim: Claim277, style: Style, today: date) -> Iterator[SegmentText]:
    told = f"{claim.decided or claim.record.received:%Y%m%d}"
    paid = decided = remitted = number = ""
    if claim.decided:
        paid, decided = dollars(claim.paid), f"{claim.decided:%Y%m%d}"
    if claim.check and claim.check.issued <= today:
        remitted, number = f"{claim.check.issued:%Y%m%d}", claim.check.check_number
    first, *others = (f"{category}:{status}" for category, status in claim.statuses)
    if style.missing_elements:
        first = f"{first.partition(':')[0]}:"
    effective = "" if style.missing_elements else told
    amounts = (effective, "", dollars(claim.charged), paid, decided, "", remitted, number)
    if style.two_statuses:
        yield ("STC", first, *amounts)
        for other in others:
            yield ("STC", other, told)
    else:
        yield ("STC", first, *amounts, *others[:2])


def _line(line: Line, claim: Claim277, style: Style, today: date) -> Iterator[SegmentText]:
    record = claim.record
    paid = dollars(line.paid) if claim.decided else "0"
    revenue = "0450" if record.institutional else ""
    units = "" if style.missing_elements else "1"
    yield ("SVC", f"HC:{line.procedure}", dollars(line.billed), paid, revenue, "", "", units)
    category, status = statuses_of_line(line, claim)
    yield ("STC", f"{category}:{status}", f"{claim.decided or today:%Y%m%d}")
    if not style.missing_elements:
        yield ("DTP", "472", "D8", f"{record.service.first:%Y%m%d}")


def dollars(cents: int) -> str:
    """Cents as amounts stand in X12: no point where there are no cents."""
    sign = "-" if cents < 0 else ""
    whole, part = divmod(abs(cents), 100)
    return f"{sign}{whole}" if not part else f"{sign}{whole}.{part:02d}".rstrip("0")
