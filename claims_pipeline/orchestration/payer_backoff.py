"""How long an upload waits for a payer that is down, and how often the payer is tried meanwhile."""

from datetime import datetime, timedelta

from claims_pipeline.orchestration.held_step import StepContext, redacted_errors
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.store import attempts
from claims_pipeline.store.attempts.lifecycle import AttemptState

PAYER_DOWN = "payer_unavailable"

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


def waits_for_payer(context: StepContext, store: StoreResource) -> bool:
    """Whether this run has let go of its attempt because the payer is down."""
    with redacted_errors():
        attempt = attempts.latest_attempt(store.engine(), context.partition_key)
        return (
            attempt is not None
            and attempt.state is AttemptState.WAITING
            and attempt.waiting_reason == PAYER_DOWN
            and attempt.holder_run_id == context.run.run_id
        )
