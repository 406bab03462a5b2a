"""By when an answer has to be there."""

from datetime import datetime, timedelta

_SATURDAY = 5


def deadline(sent_at: datetime, business_days: int) -> datetime:
    """The same time of day, so many business days later; holidays are not known here."""
    at = sent_at
    left = business_days
    while left > 0:
        at += timedelta(days=1)
        if at.weekday() < _SATURDAY:
            left -= 1
    return at
