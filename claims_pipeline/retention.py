"""How long data is kept, and how it goes: from the database, the file store and the outbox."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from claims_pipeline import publishing
from claims_pipeline.store.files import FileStore
from claims_pipeline.store.removal import upload_removed, uploads_that_are_gone
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


def remove_files_of_no_upload(engine: Engine, files: FileStore, *, before: datetime) -> int:
    """Remove what was stored before then and never became an upload; returns how many uploads.

    A file is stored before its upload's row: give those under way an hour at least.
    """
    folders = {}
    for key in files.written_before(before):
        organization_id, _, rest = key.partition("/")
        upload_id = rest.partition("/")[0]
        folders[upload_id] = f"{organization_id}/{upload_id}"
    gone = uploads_that_are_gone(engine, folders.keys())
    for upload_id in gone:
        files.delete(folders[upload_id])
    return len(gone)


def remove_files(files: FileStore, upload: Upload, outbox: Path) -> None:
    """Remove an upload's files from the file store and its copies from the outbox."""
    publishing.remove_from_outbox(upload, outbox)
    files.delete(f"{upload.organization_id}/{upload.id}")
