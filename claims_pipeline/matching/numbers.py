"""Claim and account numbers as they are written on both sides.

A spreadsheet takes leading zeros off and adds `.0`; payers print their own suffix behind a claim's
number, and portals show it or not.
"""

import re
from collections.abc import Iterator

from claims_pipeline.model import Claim

_NOT_IN_A_NUMBER = re.compile(r"[^0-9A-Z]")
_DECIMAL = re.compile(r"^\s*([0-9]+)\.0+\s*$")
# A number, and behind it one or two digits or letters of a part.
_WITH_SUFFIX = re.compile(r"^\s*(?P<number>[0-9A-Za-z]{6,})[-/ ]+[0-9A-Za-z]{1,2}\s*$")


def folded_number(text: str | None) -> str:
    """A claim or account number in upper case, letters and digits only; zeros are kept."""
    return _NOT_IN_A_NUMBER.sub("", _DECIMAL.sub(r"\1", text or "").upper())


def number_keys(text: str | None) -> frozenset[str]:
    """Every form under which a row's number may be a claim's; empty for no number."""
    keys = {folded_number(text)}
    if (parts := _WITH_SUFFIX.match(text or "")) is not None:
        keys.add(folded_number(parts["number"]))
    return frozenset(_without_zeros(keys))


def claim_number_keys(claim: Claim) -> frozenset[str]:
    """Every form under which a claim's number may stand in a row, with the payer's suffixes."""
    number = folded_number(claim.claim_number)
    if not number:
        return frozenset()
    suffixes = {code.icn_suffix for code in claim.status_codes if code.icn_suffix}
    return frozenset(
        _without_zeros({number, *(number + folded_number(suffix) for suffix in suffixes)})
    )


def _without_zeros(numbers: set[str]) -> Iterator[str]:
    """The numbers as a spreadsheet leaves them; those of zeros alone are none."""
    return (bare for number in numbers if (bare := number.lstrip("0")))
