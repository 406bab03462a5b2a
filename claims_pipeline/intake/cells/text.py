"""The text of cells, cleaned: what a spreadsheet or a copied web page puts around a value."""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

# Text that a program wrote as a formula so that a spreadsheet keeps its zeros: ="00123".
_TEXT_AS_FORMULA = re.compile(r'="([^"]*)"')
# Zero-width and direction marks, which come with text copied from web pages.
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u2060\ufeff"
_SPACES = re.compile(r"\s+")
_AMOUNT = re.compile(
    r"\$? ?((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})(?:\.[0-9]{1,2})?)0*", re.ASCII
)


def cleaned_column(cells: Sequence[str]) -> list[str]:
    """Cells without space around them, and without what only looks like space."""
    # Nearly every column is plain, and to see that costs a fraction of cleaning cell by cell.
    text = f",{','.join(cells)},"
    if not text.isascii() or not text.isprintable() or '="' in text or "  " in text:
        return [cleaned(cell) for cell in cells]
    if ", " in text or " ," in text:
        return [cell.strip() for cell in cells]
    return list(cells)


def cleaned(cell: str) -> str:
    """One cell: nothing invisible at its ends, runs of white space as one blank."""
    text = _SPACES.sub(" ", cell).strip()
    as_formula = _TEXT_AS_FORMULA.fullmatch(text)
    if as_formula:
        text = as_formula[1]
    while (stripped := text.strip(_INVISIBLE).strip()) != text:
        text = stripped
    return text


@lru_cache(maxsize=100_000)
def read_amount(text: str) -> Decimal | None:
    """Dollars and cents, such as `$1,234.50`; None when the text is no such amount."""
    match = _AMOUNT.fullmatch(text)
    return Decimal(match[1].replace(",", "")) if match else None
