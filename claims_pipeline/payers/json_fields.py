"""Reads single fields out of a payer's JSON, where every field may be missing or hostile.

A value of the wrong type or form is read as None, never guessed and never raised: what cannot do
without a field says so where it is needed.
"""

import json
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation

# Texts of the payer end up in cells and headers; nothing it sends in earnest is longer.
_MAX_TEXT = 1000
_MONEY = re.compile(r"-?\$?(?:\d{1,3}(?:,\d{3})+|\d{1,12})(?:\.\d{1,4})?", re.ASCII)
_US_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?!\d)", re.ASCII)
_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?!\d)", re.ASCII)
_CENT = Decimal("0.01")

Fields = dict[str, object]


def parsed(body: bytes) -> object:
    """The document; raises ValueError when it is not JSON, whatever is wrong with it."""
    try:
        document: object = json.loads(body, parse_float=Decimal, parse_constant=_refused)
    except RecursionError:
        raise ValueError from None
    return document


def fields(value: object) -> Fields:
    """An object's fields; none when it is not an object."""
    return value if isinstance(value, dict) else {}


def entries(value: object) -> Iterator[Fields]:
    """The objects in a list; whatever else is in it is left out."""
    if isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, dict))


def text(value: object) -> str | None:
    """A text without control characters and outer blanks; None when nothing is left."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    if not value.isprintable():
        value = "".join(character if character.isprintable() else " " for character in value)
    return value.strip()[:_MAX_TEXT].strip() or None


def money(value: object) -> Decimal | None:
    """Dollars to the cent; None for masked amounts such as `10XXX.89`."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        value = str(value)
    if not isinstance(value, str) or not _MONEY.fullmatch(value.strip()):
        return None
    try:
        return Decimal(value.strip().replace(",", "").replace("$", "")).quantize(_CENT)
    except InvalidOperation:
        return None


def day(value: object) -> date | None:
    """A calendar date, as MM/DD/YYYY or with the year first, a time after it ignored."""
    if not isinstance(value, str):
        return None
    if match := _US_DATE.match(value.strip()):
        month, day_of_month, year = match.groups()
    elif match := _ISO_DATE.match(value.strip()):
        year, month, day_of_month = match.groups()
    else:
        return None
    try:
        return date(int(year), int(month), int(day_of_month))
    except ValueError:
        return None


def _refused(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
