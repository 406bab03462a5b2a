"""The keys with which the audit log is sealed; they stand outside the database.

An engine carries them, so that everything that writes entries seals them alike.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence

from sqlalchemy import Connection, Engine

from claims_pipeline.errors import SettingsError

_KEYS = "claims_audit_keys"
_KEY_ID_LENGTH = 16

Keys = tuple[bytes, ...]


def with_audit_keys(engine: Engine, keys: Sequence[bytes]) -> Engine:
    """The same database, whose audit log is sealed by the first key and verified by all."""
    return engine.execution_options(**{_KEYS: tuple(keys)}) if keys else engine


def audit_keys_of(source: Engine | Connection) -> Keys:
    """The keys that an engine, or a connection of it, carries."""
    keys: Keys = source.get_execution_options().get(_KEYS, ())
    return keys


def key_id_of(key: bytes) -> str:
    """What tells keys apart in the database; nothing of the key follows from it."""
    return hmac.digest(key, b"claims_pipeline audit key", "sha256").hex()[:_KEY_ID_LENGTH]


def key_named(keys: Keys, key_id: str | None) -> bytes | None:
    """The key of this id; None where nothing is sealed.

    Raises:
        SettingsError: `audit_key_missing`.

    """
    if key_id is None:
        return None
    for key in keys:
        if key_id_of(key) == key_id:
            return key
    raise SettingsError(
        "audit_key_missing",
        "The audit log is sealed with a key that CLAIMS_AUDIT_KEY does not hold. Add it: several "
        "are separated by commas, and the first one seals.",
    )


def sealed(key: bytes | None, values: object) -> str:
    """The hash of a JSON value, by a key where there is one: 64 hex digits."""
    text = json.dumps(values).encode()
    return hmac.digest(key, text, "sha256").hex() if key else hashlib.sha256(text).hexdigest()
