"""Ids of uploads as people type them: whole, or the first eight digits that lists show."""

import re
from collections.abc import Callable, Sequence
from uuid import UUID

from claims_pipeline.errors import InputError

_DIGITS = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,28}")
SHOWN_DIGITS = 8


def whole_id(text: str, beginning_with: Callable[[str], Sequence[str]]) -> str:
    """The id of the one upload that is meant; `beginning_with` finds up to two.

    Raises:
        InputError: `upload_unknown`, or `upload_not_certain` when several begin so.

    """
    typed = text.strip().lower()
    if _is_whole(typed):
        return typed
    found = beginning_with(typed) if _DIGITS.fullmatch(typed) else ()
    if not found:
        raise InputError(
            "upload_unknown",
            "There is no such upload. Give its id, or the first eight digits of it; "
            "`claims-pipeline list` shows them.",
        )
    if len(found) > 1:
        raise InputError("upload_not_certain", "Several uploads begin so: give more of the id.")
    return found[0]


def _is_whole(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
