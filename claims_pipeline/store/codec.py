"""Claims and date windows as JSON, for the database's columns."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pydantic import JsonValue, TypeAdapter

from claims_pipeline.model import Claim, DateWindow, Denial

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


def claim_key(claim: Claim) -> int:
    """A number of 63 bits, equal for all versions of one claim."""
    digest = hashlib.blake2b(json.dumps(claim.identity).encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def denials_to_json(denials: Sequence[Denial]) -> list[dict[str, JsonValue]] | None:
    """Each reason with what it has, the amount in cents; None for no reason."""
    return [
        {
            name: value
            for name, value in (
                ("code", denial.code),
                ("group", denial.group),
                ("description", denial.description),
                ("cents", None if denial.amount is None else int(denial.amount * 100)),
            )
            if value is not None
        }
        for denial in denials
    ] or None


def denials_from_json(fields: Sequence[Mapping[str, Any]] | None) -> tuple[Denial, ...]:
    """The reasons that `denials_to_json` was given; none for NULL."""
    return tuple(
        Denial(
            code=each["code"],
            group=each.get("group"),
            description=each.get("description"),
            amount=Decimal(each["cents"]).scaleb(-2) if "cents" in each else None,
        )
        for each in fields or ()
    )


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
