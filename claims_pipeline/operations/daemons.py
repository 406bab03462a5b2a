"""When one of Dagster's daemons counts as away."""

from datetime import datetime, timedelta

# Written every 30 s; 88 s was seen in a daemon that is well.
_OLDEST_HEARTBEAT = timedelta(seconds=90)


def is_alive(last_heartbeat: datetime | None, *, now: datetime) -> bool:
    """Whether a daemon that was last heard of then still runs; None is one never heard of."""
    return last_heartbeat is not None and now - last_heartbeat <= _OLDEST_HEARTBEAT
