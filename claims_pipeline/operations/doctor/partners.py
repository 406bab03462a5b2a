"""Partners of the channel x12: their folders, and whether they owe answers."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from claims_pipeline.errors import SettingsError
from claims_pipeline.operations.doctor.findings import Finding, failed, ok, warning
from claims_pipeline.settings import Settings
from claims_pipeline.store.database import open_engine, reading, schema_is_current
from claims_pipeline.store.x12.partners import all_partners, awaited

_LONG_QUEUED_S = 300.0


def examine_partners(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Look at each active partner. Says nothing where the database is away: that is said before."""
    if settings.database_url is None and not settings.resolved_home.is_dir():
        return
    try:
        engine = open_engine(settings.resolved_database_url)
        try:
            if not schema_is_current(engine):
                return
            partners = all_partners(engine)
            with reading(engine) as connection:
                owed = {(one.organization_id, one.partner): one for one in awaited(connection, now)}
        finally:
            engine.dispose()
    except (SettingsError, SQLAlchemyError):
        return
    for organization_id, partner in partners:
        subject = f"partner {partner.name} of {organization_id}"
        folders = [settings.x12_folder / one for one in (partner.outgoing, partner.incoming)]
        if not all(map(_is_usable, folders)):
            yield failed(subject, "This user cannot write in its outgoing and incoming folders.")
            continue
        one = owed.get((organization_id, partner.name))
        if one is not None and one.overdue:
            yield failed(
                subject,
                f"{one.overdue} of {one.awaited} inquiries have no answer after their deadline. "
                "Ask the clearinghouse for the acknowledgments of the files in outgoing/.",
            )
        elif one is not None and (oldest := _oldest_file(folders[0])) is not None:
            age_s = now.timestamp() - oldest
            message = f"files wait in its outgoing folder, the oldest for {age_s:.0f} s"
            if age_s > _LONG_QUEUED_S:
                yield warning(subject, f"{message}. Check that its courier runs.")
            else:
                yield ok(subject, message)
        else:
            waiting = one.awaited if one else 0
            yield ok(subject, f"{waiting} inquiries have no answer yet, none is overdue")


def _is_usable(folder: Path) -> bool:
    """There and ours to write, or yet to be made."""
    return not folder.exists() or os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True)


def _oldest_file(folder: Path) -> float | None:
    written = [path.stat().st_mtime for path in folder.glob("[!.]*") if path.is_file()]
    return min(written, default=None)
