"""Copies of the audit log's heads, in a file outside the database.

The log and its heads stand in one database, and whoever can set that back can set back both. The
copy only ever goes forward, so that it still says what was there.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, select

from claims_pipeline.errors import SettingsError
from claims_pipeline.store import tables
from claims_pipeline.store.audit import Head, seal_heads
from claims_pipeline.store.database import reading

_EVERY_S = 60
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def copied_heads(file: Path) -> list[Head]:
    """The heads in the file; none where it is not there yet.

    Raises:
        SettingsError: `audit_heads_unreadable`.

    """
    try:
        return [Head(**values) for values in json.loads(file.read_bytes())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError):
        raise SettingsError(
            "audit_heads_unreadable",
            f"{file} cannot be read as copies of the audit log's heads. Keep it for whoever looks "
            "into it, and name another file in CLAIMS_AUDIT_HEADS.",
        ) from None


def copies_are_due(file: Path, at: datetime) -> bool:
    """Whether the heads were not compared with their copies in the last minute."""
    try:
        return at.timestamp() - file.stat().st_mtime >= _EVERY_S
    except OSError:
        return True


def copy_heads(engine: Engine, file: Path) -> bool:
    """Write the heads that have gone forward to the file; whether any has.

    The file's time says when they were last compared.

    Chains from before there were heads, or a key, get theirs sealed on the way, unless the file
    knows another head of them: then somebody has taken it away.

    Raises:
        SettingsError: `audit_heads_unreadable`.
        OSError: the file cannot be written.

    """
    before = copied_heads(file)
    seal_heads(engine, known={head.organization_id: head for head in before})
    after = _furthest([*before, *_heads(engine)])
    if after == before and file.exists():
        file.touch()
        return False
    text = json.dumps([asdict(head) for head in after], indent=1)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(beside, _NEW_FILE, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(file)
    return after != before


def _heads(engine: Engine) -> list[Head]:
    with reading(engine) as connection:
        return [Head.of(row) for row in connection.execute(select(tables.audit_heads)).mappings()]


def _furthest(heads: Iterable[Head]) -> list[Head]:
    """Of each organization's heads the one with the most entries; of equal ones the first."""
    furthest: dict[str, Head] = {}
    for head in heads:
        known = furthest.get(head.organization_id)
        if known is None or (head.entries, head.purged) > (known.entries, known.purged):
            furthest[head.organization_id] = head
    return [furthest[organization_id] for organization_id in sorted(furthest)]
