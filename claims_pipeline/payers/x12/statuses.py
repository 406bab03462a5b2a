"""A 277 (005010X212), level by level: receiver, provider, subscriber, dependent.

A claim's answer is a 2200D or 2200E loop, from its TRN to the next TRN or HL. It is emitted when
the next one begins, so that a set that is cut off can leave out what may not be whole.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import TypeVar

from claims_pipeline.payers.x12.replies import (
    ClaimReply,
    FileTally,
    LineStatus,
    PersonName,
    ProviderReply,
    ReceiverReply,
    Reply,
    SetKey,
    Status,
    StatusLine,
)
from claims_pipeline.payers.x12.segments import Segment
from claims_pipeline.payers.x12.values import amount, day, days

T = TypeVar("T")

_RECEIVER, _PROVIDER, _SUBSCRIBER, _DEPENDENT = "21", "19", "22", "23"
_LEVELS = {"20", _RECEIVER, _PROVIDER, _SUBSCRIBER, _DEPENDENT}
_SERVICE_DAYS = "472"
# STC01, 10 and 11 are composites of one shape.
_STATUS_ELEMENTS = (1, 10, 11)
_REFERENCES = MappingProxyType(
    {
        "1K": "payer_claim_number",
        "EJ": "account_number",
        "D9": "clearinghouse_number",
        "VV": "voucher",
        "BLT": "bill_type",
    }
)
# Of one inquiry, and of one claim, nobody sends more; what does is not kept together.
_MOST_TOGETHER = 1_000
_KNOWN = frozenset({"BHT", "PER", "AMT", "DMG", "QTY", "LX", "N3", "N4", "REF", "DTP", "SVC"})


class StatusSetReader:
    """One transaction set of statuses."""

    def __init__(self, key: SetKey, tally: FileTally) -> None:
        self._key = key
        self._tally = tally
        self._level = ""
        self._reference = ""
        self._provider_id = ""
        self._subscriber = PersonName()
        self._dependent: PersonName | None = None
        # What a TRN has begun on the present level, and what it has brought so far.
        self._trace: str | None = None
        self._claim: _ClaimLoop | None = None
        self._statuses: list[StatusLine] = []
        # Answers for the inquiry at hand: cut off, they are not all.
        self._waiting: list[ClaimReply] = []

    def take(self, segment: Segment) -> Iterator[Reply]:
        """Read on; gives what is complete."""
        match segment.id:
            case "HL":
                yield from self._end_loop()
                self._begin_level(segment)
            case "TRN":
                yield from self._end_loop()
                yield from self._begin_loop(segment)
            case "NM1":
                self._name(segment)
            case "STC":
                self._status(segment)
            case "BHT":
                self._reference = segment.at(3)
            case "REF" | "DTP" | "SVC" if self._claim is not None:
                self._of_claim(self._claim, segment)
            case _ if segment.id not in _KNOWN:
                self._tally.unknown_segments += 1

    def end(self) -> Iterator[Reply]:
        """The set is over, and whole."""
        yield from self._end_loop()
        yield from self._flush()

    def cut(self) -> int:
        """The set has no end: how many answers of its last inquiry are left out."""
        return len(self._waiting) + (self._claim is not None)

    def _begin_level(self, segment: Segment) -> None:
        self._level = segment.at(3)
        if self._level not in _LEVELS:
            self._tally.unknown_segments += 1
        if self._level == _PROVIDER:
            self._provider_id = ""
        elif self._level == _SUBSCRIBER:
            self._subscriber = PersonName()
        if self._level == _DEPENDENT:
            self._dependent = PersonName()
        else:
            self._dependent = None

    def _name(self, segment: Segment) -> None:
        name = PersonName(
            last=segment.at(3), first=segment.at(4), middle=segment.at(5), id=segment.at(9)
        )
        match segment.at(1):
            case "1P" if self._level == _PROVIDER:
                self._provider_id = self._provider_id or name.id
            case "IL" if self._level == _SUBSCRIBER:
                self._subscriber = name
            case "QC" if self._level == _DEPENDENT:
                self._dependent = name

    def _begin_loop(self, segment: Segment) -> Iterator[Reply]:
        self._trace = segment.at(2)
        if self._level not in {_SUBSCRIBER, _DEPENDENT}:
            return
        if self._waiting and (
            self._waiting[-1].trace != self._trace or len(self._waiting) >= _MOST_TOGETHER
        ):
            yield from self._flush()
        if self._trace:
            self._claim = _ClaimLoop(self._trace)

    def _status(self, segment: Segment) -> None:
        line = self._status_line(segment)
        if self._claim is not None:
            if not self._claim.add_status(line):
                self._tally.unknown_segments += 1
        elif self._level in {_SUBSCRIBER, _DEPENDENT} or self._trace is None:
            self._tally.without_trace += 1
        elif len(self._statuses) < _MOST_TOGETHER:
            self._statuses.append(line)

    def _end_loop(self) -> Iterator[Reply]:
        """What the last TRN began is complete."""
        claim, statuses, trace = self._claim, tuple(self._statuses), self._trace
        self._claim, self._trace, self._statuses = None, None, []
        if claim is not None:
            self._tally.claim_replies += 1
            self._waiting.append(
                claim.reply(
                    key=self._key,
                    provider_id=self._provider_id,
                    subscriber=self._subscriber,
                    dependent=self._dependent,
                )
            )
        elif statuses and self._level == _RECEIVER:
            yield ReceiverReply(key=self._key, reference=trace or "", statuses=statuses)
        elif statuses and self._level == _PROVIDER:
            yield ProviderReply(
                key=self._key,
                reference=self._reference,
                provider_id=self._provider_id,
                statuses=statuses,
            )
        elif statuses:
            self._tally.without_trace += len(statuses)

    def _flush(self) -> Iterator[Reply]:
        yield from self._waiting
        self._waiting = []

    def _status_line(self, segment: Segment) -> StatusLine:
        return StatusLine(
            statuses=tuple(
                Status(
                    category=parts[0].upper(),
                    code=parts[1] if len(parts) > 1 else "",
                    entity=parts[2] if len(parts) > 2 else "",
                    code_list=parts[3] if len(parts) > 3 else "",
                )
                for position in _STATUS_ELEMENTS
                if (parts := segment.parts(position)) and parts[0]
            ),
            effective=self._read(segment.at(2), day),
            charged=self._read(segment.at(4), amount),
            paid=self._read(segment.at(5), amount),
            decided=self._read(segment.at(6), day),
            remitted=self._read(segment.at(8), day),
            payment_number=segment.at(9) or None,
        )

    def _of_claim(self, claim: "_ClaimLoop", segment: Segment) -> None:
        if segment.id == "REF":
            claim.add_reference(segment.at(1).upper(), segment.at(2))
        elif segment.id == "DTP":
            if segment.at(1) == _SERVICE_DAYS:
                claim.add_days(
                    self._read(segment.at(3), lambda text: days(segment.at(2).upper(), text))
                )
        elif not claim.begin_line(self._line(segment)):
            self._tally.unknown_segments += 1

    def _line(self, segment: Segment) -> LineStatus:
        procedure = segment.parts(1)
        return LineStatus(
            procedure=procedure[1] or None if len(procedure) > 1 else None,
            modifiers=tuple(part for part in procedure[2:6] if part),
            charged=self._read(segment.at(2), amount),
            paid=self._read(segment.at(3), amount),
            revenue_code=segment.at(4) or None,
            units=segment.at(7) or None,
        )

    def _read(self, text: str, read: Callable[[str], T | None]) -> T | None:
        if not text:
            return None
        value = read(text)
        if value is None:
            self._tally.unreadable_values += 1
        return value


class _ClaimLoop:
    """A 2200 loop on its way, with its 2220 loops."""

    def __init__(self, trace: str) -> None:
        self._trace = trace
        self._references: dict[str, str] = {}
        self._statuses: list[StatusLine] = []
        self._days: tuple[date | None, date | None] = (None, None)
        self._lines: list[LineStatus] = []
        self._line_statuses: list[list[StatusLine]] = []

    def add_status(self, line: StatusLine) -> bool:
        """Add an STC of the claim or of its last line; False when there are too many."""
        here = self._line_statuses[-1] if self._lines else self._statuses
        if len(here) >= _MOST_TOGETHER:
            return False
        here.append(line)
        return True

    def add_reference(self, qualifier: str, value: str) -> None:
        if self._lines and qualifier == "FJ":
            self._lines[-1] = replace(self._lines[-1], control_number=value or None)
        elif not self._lines and qualifier in _REFERENCES and value:
            self._references.setdefault(_REFERENCES[qualifier], value)

    def add_days(self, found: tuple[date, date] | None) -> None:
        if found is None:
            return
        if self._lines:
            self._lines[-1] = replace(self._lines[-1], service_from=found[0], service_to=found[1])
        else:
            self._days = found

    def begin_line(self, line: LineStatus) -> bool:
        """Add a line; False when there are too many, and its parts go to the last one."""
        if len(self._lines) >= _MOST_TOGETHER:
            return False
        self._lines.append(line)
        self._line_statuses.append([])
        return True

    def reply(
        self,
        *,
        key: SetKey,
        provider_id: str,
        subscriber: PersonName,
        dependent: PersonName | None,
    ) -> ClaimReply:
        first, last = self._days
        if first is None:
            first = min((one.service_from for one in self._lines if one.service_from), default=None)
            last = max((one.service_to for one in self._lines if one.service_to), default=None)
        return ClaimReply(
            key=key,
            trace=self._trace,
            provider_id=provider_id,
            subscriber=subscriber,
            dependent=dependent,
            statuses=tuple(self._statuses),
            service_from=first,
            service_to=last,
            lines=tuple(
                replace(line, statuses=tuple(statuses))
                for line, statuses in zip(self._lines, self._line_statuses, strict=True)
            ),
            **self._references,
        )
