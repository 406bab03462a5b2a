"""How long an upload waits for a payer that is down, and how often the payer is tried meanwhile."""

from datetime import datetime, timedelta

PAYER_DOWN = "payer_unavailable"
AWAITING_ANSWERS = "awaiting_answers"

_SHORTEST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(minutes=15)


def next_try_at(
    *, down_since: datetime | None, patience: timedelta, now: datetime
) -> datetime | None:
    """When to try again a payer that was just found down; None when it is time to give up.

    Each pause is as long as the payer has been down so far, within limits, so that it doubles from
    try to try. The last try is made when the patience ends.
    """
    down_for = now - (down_since or now)
    if down_for >= patience:
        return None
    pause = min(max(down_for, _SHORTEST_PAUSE), _LONGEST_PAUSE)
    return now + min(pause, patience - down_for)
