"""Formula text in cells, made harmless for spreadsheets and put back on the way in.

A spreadsheet runs a cell that begins with `=`, `+`, `-`, `@` or their full-width forms, with or
without space before it, and some take a leading tab or line break for a new cell. An apostrophe
in front makes it text. Cells that hold such text behind apostrophes of their own get one more, so
that taking one away always gives the original back.
"""

import re

# Possessive where it matters: a megabyte of spaces must not be scanned twice.
_FORMULA = re.compile(r"'*(?:[\t\r\n]|\s*+[=+\-@＝＋－＠])")
_NEGATIVE_NUMBER = re.compile(r"-[0-9]+(?:\.[0-9]+)?")


def neutralised(cell: str) -> str:
    """The cell as a file for spreadsheets may hold it; plain negative numbers stay numbers."""
    return f"'{cell}" if _is_formula(cell) else cell


def restored(cell: str) -> str:
    """The cell before `neutralised`: `restored(neutralised(cell)) == cell` for every text."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell) else cell


def _is_formula(cell: str) -> bool:
    if _FORMULA.match(cell) is None:
        return False
    return _NEGATIVE_NUMBER.fullmatch(cell.lstrip("'")) is None
