"""How long data is kept, and how it goes: from the database, the file store and the outbox."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from claims_pipeline import publishing
from claims_pipeline.store.files import FileStore
from claims_pipeline.store.removal import upload_removed
from claims_pipeline.store.uploads import Upload


def delete_upload_everywhere(
    engine: Engine,
    files: FileStore,
    upload_id: str,
    *,
    organization_id: str,
    outbox: Path,
    actor: str,
    now: datetime,
) -> None:
    """Remove an ended upload: its rows, answers and files, and the copies in the outbox.

    The audit log keeps that `actor` did it. When it fails half-way the upload is still there, and
    deleting it again finishes the work. Its partition and runs in Dagster, which hold no patient's
    data, go with the next purge.

    Raises:
        InputError: `upload_unknown`, or `still_running` when it has not ended.
        OSError: a file could not be removed.

    """
    removal = upload_removed(
        engine, upload_id, organization_id=organization_id, actor=actor, now=now
    )
    with removal as upload:
        remove_files(files, upload, outbox)


def remove_files(files: FileStore, upload: Upload, outbox: Path) -> None:
    """Remove an upload's files from the file store and its copies from the outbox."""
    publishing.remove_from_outbox(upload, outbox)
    files.delete(f"{upload.organization_id}/{upload.id}")
