"""When the payers' day begins for us: 06:00 where each of them is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

# Payers have loaded the night's decisions, and nobody works yet.
ASKED_FROM = time(6)


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerDay:
    """An organization's payer, and which day it is there."""

    organization_id: str
    payer: str
    day: date


def local_day(timezone: str, now: datetime) -> date:
    """The calendar day in that time zone (IANA)."""
    return now.astimezone(ZoneInfo(timezone)).date()


def has_begun(timezone: str, now: datetime) -> bool:
    """Whether it is 06:00 or later there. A morning that nobody was up for is made up for."""
    return now.astimezone(ZoneInfo(timezone)).time() >= ASKED_FROM


def mornings(payers: Iterable[tuple[str, str, str]], *, now: datetime) -> list[PayerDay]:
    """Of organizations, payers and time zones, those whose day has begun."""
    return [
        PayerDay(organization_id=organization_id, payer=payer, day=local_day(timezone, now))
        for organization_id, payer, timezone in payers
        if has_begun(timezone, now)
    ]
