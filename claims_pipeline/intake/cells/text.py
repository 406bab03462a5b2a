"""The text of cells, cleaned: what a spreadsheet or a copied web page puts around a value."""

import html
import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

# Text that a program wrote as a formula so that a spreadsheet keeps its zeros: ="00123".
_TEXT_AS_FORMULA = re.compile(r'="([^"]*)"')
# Direction marks and signs without a width, which come with text copied from web pages.
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u202a\u202b\u202c\u2060\ufeff\u00ad"))
# Without a width too, but letters of some scripts hang on them.
_JOINERS = "\u200c\u200d"
_SPACES = re.compile(r"\s+")
_AMOUNT = re.compile(
    r"(?:\$|USD)? ?((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})(?:\.[0-9]{1,2})?)0*(?: ?USD)?",
    re.ASCII | re.IGNORECASE,
)
_NO_AMOUNT = re.compile(r"\$? ?-{1,2}|\$")
_PLACEHOLDER = re.compile(
    r"#?n/?a|#?null!?|\(?(?:none|null|nil|blank|empty|unknown|unk|pending|tbd|tba|missing)\)?|nan|"
    r"nat|undefined|not (?:available|applicable|on file|provided|entered)|"
    r"#(?:ref|value|name|num|div/0)[!?]?|[-–—._*?/\\ ]+|x{2,}",
    re.IGNORECASE,
)
_DATE_PLACEHOLDER = re.compile(
    r"0{1,2}[/.-]0{1,2}[/.-]0{2,4}|0{4}[/.-]0{1,2}[/.-]0{1,2}(?:[ T]0.*)?|0+|1/0/1900|01/00/1900|"
    r"[_ ]*[/-][_ ]*[/-][_ ]*"
)
_ZEROS = re.compile(r"0+(?:\.0)?")
_WHOLE_NUMBER_WITH_POINT = re.compile(r"([0-9]+)\.0", re.ASCII)
_ENTITY = re.compile(r"&(?:#[0-9]{2,5}|#x[0-9a-fA-F]{2,4}|[A-Za-z]{2,8});")
_REMEMBERED = 100_000


def cleaned_column(cells: Sequence[str]) -> list[str]:
    """Cells without space around them, and without what only looks like space."""
    # Nearly every column is plain, and to see that costs a fraction of cleaning cell by cell.
    text = f",{','.join(cells)},"
    if not text.isascii() or not text.isprintable() or '="' in text or "  " in text or ",'" in text:
        return [cleaned(cell) for cell in cells]
    if ", " in text or " ," in text:
        return [cell.strip() for cell in cells]
    return list(cells)


def cleaned(cell: str) -> str:
    """One cell: nothing invisible in it, runs of white space as one blank.

    An apostrophe in front is a spreadsheet's mark for text.
    """
    text = cell.translate(_INVISIBLE) if not cell.isascii() else cell
    text = _SPACES.sub(" ", text).strip()
    as_formula = _TEXT_AS_FORMULA.fullmatch(text)
    if as_formula:
        text = as_formula[1].strip()
    while (stripped := text.strip(_JOINERS).strip()) != text:
        text = stripped
    return (
        text.removeprefix("'").lstrip()
        if text.startswith("'") and text[1:2] not in "=+-@"
        else text
    )


def is_placeholder(text: str) -> bool:
    """Whether the text says that there is no value, such as `N/A` or `#REF!`."""
    return _PLACEHOLDER.fullmatch(text) is not None


def is_date_placeholder(text: str) -> bool:
    """Whether the text stands for no date, such as `00/00/0000`."""
    return is_placeholder(text) or _DATE_PLACEHOLDER.fullmatch(text) is not None


@lru_cache(maxsize=_REMEMBERED)
def plain_identifier(text: str) -> str:
    """A number of a claim, account or person as it was before a spreadsheet had it."""
    text = text.removeprefix("#").lstrip() if text.startswith("#") else text
    whole = _WHOLE_NUMBER_WITH_POINT.fullmatch(text)
    return whole[1] if whole else text


def is_no_identifier(text: str) -> bool:
    """Whether an identifier's cell says that there is none."""
    return is_placeholder(text) or _ZEROS.fullmatch(text) is not None


@lru_cache(maxsize=_REMEMBERED)
def repaired_name(text: str) -> str:
    """A name of which damage was undone where only one reading is possible.

    UTF-8 that was read as another encoding, and a web page's entities. Other damage stays, for
    the rules to find.
    """
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(text)
    if text.isascii():
        return text
    # Imported for damaged names only.
    from ftfy import fix_encoding  # noqa: PLC0415

    return fix_encoding(text)


@lru_cache(maxsize=_REMEMBERED)
def read_amount(text: str) -> Decimal | None:
    """Dollars and cents, such as `$1,234.50`; None when the text is no such amount."""
    match = _AMOUNT.fullmatch(text)
    return Decimal(match[1].replace(",", "")) if match else None


def is_no_amount(text: str) -> bool:
    """Whether an amount's cell says that there is none, as accountants write a zero."""
    return not text or _NO_AMOUNT.fullmatch(text) is not None or is_placeholder(text)
