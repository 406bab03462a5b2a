"""Claims and date windows as JSON, for the database's columns."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache

from pydantic import JsonValue, TypeAdapter

from claims_pipeline.model import Claim, DateWindow

_CLAIM = TypeAdapter(Claim)
_REMEMBERED_TEXTS = 8192


def claim_to_json(claim: Claim) -> dict[str, JsonValue]:
    """Fields that hold something, by name: dates in ISO form, money as text."""
    fields: dict[str, JsonValue] = _CLAIM.dump_python(claim, mode="json", exclude_defaults=True)
    return fields


def claim_from_json(fields: Mapping[str, JsonValue]) -> Claim:
    """The claim that `claim_to_json` was given, equal in every field."""
    return _CLAIM.validate_python(fields)


def claim_digest(claim: Claim) -> str:
    """32 hexadecimal digits, equal for the same version of the same claim only."""
    processed = claim.processed.isoformat() if claim.processed else ""
    parts = [*claim.identity, processed, claim.processed_time or ""]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def windows_to_json(windows: Sequence[DateWindow]) -> list[list[str]]:
    """Each window as its first and last day."""
    return [[window.first.isoformat(), window.last.isoformat()] for window in windows]


def windows_from_json(pairs: Sequence[Sequence[str]] | None) -> tuple[DateWindow, ...]:
    """The windows that `windows_to_json` was given; none for NULL."""
    return tuple(
        DateWindow(date.fromisoformat(first), date.fromisoformat(last))
        for first, last in pairs or ()
    )


# Many rows wait with the same windows covered, and are read at every checkpoint.
@lru_cache(maxsize=_REMEMBERED_TEXTS)
def windows_from_text(text: str | None) -> tuple[DateWindow, ...]:
    """As `windows_from_json`, from a JSON column that was read as text."""
    return windows_from_json(json.loads(text) if text else None)
