"""Dates and amounts as elements hold them."""

import re
from datetime import date
from decimal import Decimal, InvalidOperation

_AMOUNT = re.compile(r"[+-]?(\d{1,15}(\.\d{0,6})?|\.\d{1,6})")
_DAY = re.compile(r"\d{8}")


def amount(text: str) -> Decimal | None:
    """Dollars; None for what is no amount. A point may be left out, and so may the cents."""
    if not _AMOUNT.fullmatch(text):
        return None
    try:
        return Decimal(text).quantize(Decimal("0.01"))
    except InvalidOperation:
        return None


def day(text: str) -> date | None:
    """A CCYYMMDD; None for what is none."""
    if not _DAY.fullmatch(text):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def days(qualifier: str, text: str) -> tuple[date, date] | None:
    """A day (D8) or from and to (RD8), told by how it is written; None for what is neither."""
    first, _, last = text.partition("-")
    begin = day(first.strip())
    end = day(last.strip()) if last else begin
    if begin is None or end is None or end < begin:
        return None
    if qualifier == "D8" and last:
        return None
    return begin, end
