"""Dates as American files and payers write them."""

from datetime import date


def us_date(day: date | None) -> str:
    """A date as MM/DD/YYYY; empty when there is none."""
    return "" if day is None else f"{day.month:02d}/{day.day:02d}/{day.year:04d}"
