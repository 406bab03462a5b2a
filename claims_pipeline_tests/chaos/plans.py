"""What goes wrong in a round of chaos, drawn from a seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_LONGEST_WAIT_S = 6.0
_LONGEST_WAIT_WHILE_ASKING_S = 3.0
_SHARE_FROM_ASKING = 0.6


class Event(StrEnum):
    """Something that happens to processes or that a person does to an upload."""

    KILL_WORKERS = "kill the workers"
    KILL_HOST = "kill code server and workers"
    KILL_CODE_SERVER = "kill the code server alone"
    KILL_DAEMON = "kill the daemon"
    KILL_WEBSERVER = "kill the webserver"
    KILL_ALL = "kill everything"
    END_WORKERS = "SIGTERM the workers"
    FREEZE_WORKERS = "freeze the workers past their lease"
    CANCEL = "cancel"
    TERMINATE = "terminate in Dagster"
    CANCEL_AND_TERMINATE = "cancel and terminate"


_TERMINATING = frozenset({Event.TERMINATE, Event.CANCEL_AND_TERMINATE})
CANCELLING = _TERMINATING | {Event.CANCEL}
# Those after which a worker's calls in flight are asked again.
ENDING_WORKERS = frozenset(
    {
        Event.KILL_WORKERS,
        Event.KILL_HOST,
        Event.KILL_ALL,
        Event.END_WORKERS,
        Event.FREEZE_WORKERS,
    }
)
_WEIGHTS = {
    Event.KILL_WORKERS: 5,
    Event.KILL_HOST: 3,
    Event.KILL_CODE_SERVER: 1,
    Event.KILL_DAEMON: 2,
    Event.KILL_WEBSERVER: 1,
    Event.KILL_ALL: 1,
    Event.END_WORKERS: 2,
    Event.FREEZE_WORKERS: 1,
    Event.CANCEL: 3,
    Event.TERMINATE: 3,
    Event.CANCEL_AND_TERMINATE: 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An event, so long after the one before it; `upload` is the position of whose it is."""

    wait_s: float
    event: Event
    upload: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Files to drop, by their numbers of rows, and what then happens."""

    number: int
    rows: tuple[int, ...]
    events: tuple[Planned, ...]
    from_asking: bool  # the first event waits until the payer is asked
    retries: int  # people who retry each cancelled or failed upload, at the same time

    def __str__(self) -> str:
        events = "; ".join(f"after {e.wait_s:.1f} s {e.event}" for e in self.events)
        begin = "once asking, " if self.from_asking else ""
        return f"round {self.number}: {len(self.rows)} files; {begin}{events}"


def rounds(seed: int, count: int) -> Iterator[Round]:
    """The same rounds for the same seed; two events at most, as three runs are all there are."""
    for number in range(1, count + 1):
        dice = random.Random(f"{seed}/{number}")
        rows = tuple(dice.randint(20, 120) for _ in range(dice.choice((1, 1, 2))))
        from_asking = dice.random() < _SHARE_FROM_ASKING
        longest_s = _LONGEST_WAIT_WHILE_ASKING_S if from_asking else _LONGEST_WAIT_S
        kinds = dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=dice.choice((1, 1, 2)))
        if kinds[0] is Event.FREEZE_WORKERS and kinds[-1] in _TERMINATING:
            # Dagster's code server waits for a frozen worker, and starts no run meanwhile.
            kinds[-1] = Event.CANCEL
        yield Round(
            number=number,
            rows=rows,
            from_asking=from_asking,
            events=tuple(
                Planned(
                    wait_s=dice.uniform(0.0, longest_s),
                    event=kind,
                    upload=dice.randrange(len(rows)),
                )
                for kind in kinds
            ),
            retries=dice.choice((0, 0, 1, 2)),
        )
