"""Watches a partner's outgoing folder, and puts answers into its incoming one."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from claims_pipeline.sandbox.world.world import World
from claims_pipeline.sandbox.x12.asked import (
    AskedClaim,
    AskedFile,
    AskedSet,
    NotUnderstoodError,
    read_asked,
)
from claims_pipeline.sandbox.x12.faults import Fault, Faults, FaultScript
from claims_pipeline.sandbox.x12.payer import answer_set
from claims_pipeline.sandbox.x12.rendering import (
    Envelope,
    SetVerdict,
    ack_file,
    interchange_ack,
)

_LATE = timedelta(days=1)
_FIRST_NUMBER = 500_000_000
_COLLECTED = ".collected"


@dataclass(order=True, slots=True)
class _Due:
    at: datetime
    name: str
    content: bytes = field(compare=False, repr=False)


@dataclass(slots=True, kw_only=True)
class Counts:
    """What the clearinghouse has seen and sent."""

    files: int = 0
    inquiries: int = 0
    answered_files: int = 0
    unreadable_files: int = 0


class Clearinghouse:
    """One partner's mailbox, from the other side. `step` is called again and again."""

    def __init__(
        self,
        *,
        outgoing: Path,
        incoming: Path,
        make_world: Callable[[date], World],
        today: Callable[[], date],
        delay: timedelta = timedelta(seconds=2),
        scripts: Sequence[FaultScript] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._outgoing = outgoing
        self._incoming = incoming
        self._make_world = make_world
        self._today = today
        self._world: World | None = None
        self._delay = delay
        self._now = now
        self._faults = Faults(scripts)
        self._due: list[_Due] = []
        self._number = _FIRST_NUMBER + int(now().timestamp()) % 100_000_000
        self.counts = Counts()

    def run(self, stop: threading.Event, *, every_s: float = 0.2) -> None:
        """Go on until `stop` is set."""
        while not stop.is_set():
            self.step()
            stop.wait(every_s)

    def step(self) -> None:
        """Collect what lies in the outgoing folder, and deliver what is due."""
        for folder in (self._outgoing, self._incoming):
            folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(self._outgoing.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                self._collect(path)
        now = self._now()
        while self._due and self._due[0].at <= now:
            due = self._due.pop(0)
            self._deliver(due)

    @property
    def has_answers_left(self) -> bool:
        """Whether anything is still to be delivered."""
        return bool(self._due)

    def _collect(self, path: Path) -> None:
        content = path.read_bytes()
        collected = self._outgoing / _COLLECTED
        collected.mkdir(exist_ok=True)
        path.rename(collected / f"{uuid4()}.x12")
        self.counts.files += 1
        try:
            asked = read_asked(content)
        except NotUnderstoodError:
            self.counts.unreadable_files += 1
            return
        self.counts.inquiries += sum(len(one.claims) for one in asked.sets)
        self._answer(asked)

    def _answer(self, asked: AskedFile) -> None:
        now = self._now()
        is_refused = self._faults.happens(Fault.TA1_REFUSED)
        is_silent = self._faults.happens(Fault.NO_ACKNOWLEDGMENT)
        if (asked.wants_ta1 or is_refused) and not is_silent:
            envelope = self._envelope(asked, now, plain=True)
            envelope.ack_segments.append(interchange_ack(asked, now, refused=is_refused))
            self._schedule(now, envelope.file([], kind="TA1"))
        if is_refused:
            return
        verdicts = [self._verdict(one) for one in asked.sets]
        if not is_silent:
            at = now + self._delay / 4
            self._schedule(at, ack_file(self._envelope(asked, at, plain=True), verdicts))
        self._answer_claims(asked, [one for one in verdicts if one.is_taken])

    def _verdict(self, asked: AskedSet) -> SetVerdict:
        verdict = SetVerdict(asked=asked)
        if self._faults.happens(Fault.SET_REFUSED):
            verdict.is_refused = True
            return verdict
        verdict.refused_traces = [
            claim.trace
            for claim in verdict.asked.claims
            if self._faults.happens(Fault.INQUIRY_REFUSED)
        ]
        return verdict

    def _answer_claims(self, asked: AskedFile, taken: Sequence[SetVerdict]) -> None:
        if not taken:
            return
        at = self._now() + self._delay
        if self._faults.happens(Fault.LATE):
            at += _LATE
        halves: list[list[tuple[SetVerdict, Sequence[AskedClaim]]]] = [
            [(one, one.asked.claims) for one in taken]
        ]
        if self._faults.happens(Fault.SPLIT):
            halves = [[(one, one.asked.claims[start::2]) for one in taken] for start in (0, 1)]
        for half in halves:
            content = self._answers_in(asked, half, at)
            self._schedule(at, content)
            if self._faults.happens(Fault.TWICE):
                self._schedule(at + self._delay, content)

    def _answers_in(
        self,
        asked: AskedFile,
        half: Sequence[tuple[SetVerdict, Sequence[AskedClaim]]],
        at: datetime,
    ) -> bytes:
        envelope = self._envelope(asked, at)
        sets = [
            answer_set(
                verdict.asked,
                claims,
                world=self._current_world(),
                faults=self._faults,
                reference=verdict.asked.reference,
                at=at,
            )
            for verdict, claims in half
            if claims
        ]
        if self._faults.happens(Fault.ACKNOWLEDGED_CLAIMS):
            bht = ("BHT", "0085", "08", "CA1", f"{at:%Y%m%d}", f"{at:%H%M}", "TH")
            sets.append([bht, ("HL", "1", "", "20", "1"), ("STC", "A1:19:PR", "", "WQ", "100")])
        content = envelope.file(sets, kind="277")
        return content[: len(content) * 2 // 3] if self._faults.happens(Fault.CUT_OFF) else content

    def _envelope(self, asked: AskedFile, at: datetime, *, plain: bool = False) -> Envelope:
        self._number += 1
        if plain:
            return Envelope(asked=asked, number=self._number, at=at)
        return Envelope.of(asked, number=self._number, at=at, faults=self._faults)

    def _current_world(self) -> World:
        today = self._today()
        if self._world is None or self._world.today != today:
            self._world = self._make_world(today)
        return self._world

    def _schedule(self, at: datetime, content: bytes) -> None:
        self._due.append(_Due(at, f"{at:%Y%m%dT%H%M%S%f}_{uuid4()}.x12", content))
        self._due.sort()

    def _deliver(self, due: _Due) -> None:
        temporary = self._incoming / f".{due.name}.tmp"
        temporary.write_bytes(due.content)
        temporary.rename(self._incoming / due.name)
        self.counts.answered_files += 1
