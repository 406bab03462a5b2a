"""Finding uploads whose time is over, and removing one for good, wherever it lies."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, and_, delete, func, select, update

from claims_pipeline.errors import InputError
from claims_pipeline.model import UploadStatus
from claims_pipeline.store import audit, tables
from claims_pipeline.store.database import chunks_of, reading, writing
from claims_pipeline.store.quotas import QUOTA_WINDOW, keep_use
from claims_pipeline.store.uploads import Upload, find_upload


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedUpload:
    """An upload in a terminal status, and whose it is."""

    id: str
    organization_id: str


def uploads_finished_before(engine: Engine, before: datetime, *, limit: int) -> list[EndedUpload]:
    """Ended uploads of all organizations that were last touched before then, oldest first."""
    query = (
        select(tables.uploads.c.id, tables.uploads.c.organization_id)
        .where(_finished_before(before))
        .order_by(tables.uploads.c.updated_at)
        .limit(limit)
    )
    with reading(engine) as connection:
        return [EndedUpload(**row) for row in connection.execute(query).mappings()]


def count_uploads_finished_before(engine: Engine, before: datetime) -> int:
    """How many uploads `uploads_finished_before` would find without a limit."""
    query = select(func.count()).select_from(tables.uploads).where(_finished_before(before))
    with reading(engine) as connection:
        count: int = connection.execute(query).scalar_one()
    return count


@contextmanager
def upload_removed(
    engine: Engine, upload_id: str, *, organization_id: str, actor: str, now: datetime
) -> Iterator[Upload]:
    """Remove the upload from the database, and within the block its files from elsewhere.

    The database's part is committed after the block, so that an upload whose files could not be
    removed is still there to be deleted again. Who writes its files meanwhile finds the attempt
    gone when `mark_files_written` is called. An entry `delete` of `actor` goes to the audit log.

    Raises:
        InputError: `upload_unknown`, or `still_running` when it is not terminal.

    """
    of_organization = and_(
        tables.uploads.c.id == upload_id, tables.uploads.c.organization_id == organization_id
    )
    with writing(engine) as connection:
        query = select(tables.uploads.c.status).where(of_organization).with_for_update()
        status = connection.execute(query).scalar_one_or_none()
        upload = find_upload(connection, upload_id, organization_id=organization_id)
        if status is None or upload is None:
            raise InputError("upload_unknown", "There is no upload of this id.")
        if not UploadStatus(status).is_terminal:
            raise InputError("still_running", "Cancel the upload first, then delete it.")
        connection.execute(delete(tables.uploads).where(of_organization))
        if upload.created_at > now - QUOTA_WINDOW:
            keep_use(
                connection,
                organization_id,
                at=upload.created_at,
                uploads=1,
                rows=upload.counts.total,
            )
        connection.execute(
            update(tables.idempotency_keys)
            .where(tables.idempotency_keys.c.upload_id == upload_id)
            .values(state="gone")
        )
        yield upload
        audit.append(
            connection,
            organization_id=organization_id,
            actor=actor,
            action="delete",
            upload_id=upload_id,
            outcome="ok",
            now=now,
        )


def uploads_that_are_gone(engine: Engine, upload_ids: Collection[str]) -> set[str]:
    """Those of the ids for which there is no upload."""
    gone = set(upload_ids)
    with reading(engine) as connection:
        for some in chunks_of(sorted(gone)):
            gone.difference_update(
                connection.execute(
                    select(tables.uploads.c.id).where(tables.uploads.c.id.in_(some))
                ).scalars()
            )
    return gone


def _finished_before(before: datetime) -> ColumnElement[bool]:
    terminal = [status for status in UploadStatus if status.is_terminal]
    return and_(tables.uploads.c.status.in_(terminal), tables.uploads.c.updated_at < before)
