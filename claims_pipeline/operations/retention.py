"""How long data is kept, and how it goes: from the database, the file store and the folders."""

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from sqlalchemy import Engine

from claims_pipeline.errors import InputError
from claims_pipeline.folders import inbox
from claims_pipeline.folders.mailbox.mailbox import Mailbox, done_files
from claims_pipeline.folders.outbox import outbox_files, remove_from_outbox
from claims_pipeline.settings import Settings
from claims_pipeline.store import audit
from claims_pipeline.store.files import FileStore, file_store_of
from claims_pipeline.store.quotas import QUOTA_WINDOW
from claims_pipeline.store.retention.expiry import Kind, count_expired, remove_expired
from claims_pipeline.store.retention.removal import (
    EndedUpload,
    count_uploads_finished_before,
    upload_removed,
    uploads_finished_before,
    uploads_that_are_gone,
)
from claims_pipeline.store.tenants.organizations import list_organizations
from claims_pipeline.store.uploads import Upload
from claims_pipeline.store.x12.partners import list_partners

# Who the audit log says deleted an upload whose time was over.
RETENTION_ACTOR = "retention"
_UPLOADS_AT_ONCE = 100


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
        FilesUnreachableError, OSError: a file could not be removed.

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
    remove_from_outbox(upload, outbox)
    files.delete(f"{upload.organization_id}/{upload.id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """Removes everything whose time is over; `dry_run` only counts it.

    Each portion is committed on its own: a purge that is interrupted has done what it has done,
    and the next one goes on. What runs is never touched.
    """

    engine: Engine
    files: FileStore
    inbox: Path
    outbox: Path
    x12_folder: Path
    kept_for: timedelta
    audit_kept_for: timedelta
    followed_kept_for: timedelta
    now: datetime
    dry_run: bool = False

    @classmethod
    def of(
        cls, settings: Settings, engine: Engine, *, now: datetime, dry_run: bool = False
    ) -> Self:
        """The purge that the settings ask for."""
        return cls(
            engine=engine,
            files=file_store_of(settings),
            inbox=settings.resolved_inbox,
            outbox=settings.resolved_outbox,
            x12_folder=settings.x12_folder,
            kept_for=timedelta(days=settings.retention_days),
            audit_kept_for=timedelta(days=settings.audit_retention_days),
            followed_kept_for=timedelta(days=settings.follow_up_retention_days),
            now=now,
            dry_run=dry_run,
        )

    @property
    def before(self) -> datetime:
        """What was last touched before then has had its time."""
        return self.now - self.kept_for

    def run(self) -> dict[str, int]:
        """Do it; how many of each kind went."""
        return {
            "uploads": self._uploads(),
            "outbox_files": self._old_files(outbox_files(self.outbox)),
            "refused_files": self._old_files(inbox.refused_files(self.inbox)),
            "exchanged_files": self._old_files(self._exchanged_files()),
            **{kind.value: self._rows(kind) for kind in Kind},
            "audit_log": self._audit_entries(),
        }

    def _exchanged_files(self) -> Iterator[Path]:
        """Of partners that are not active, too."""
        for organization_id in (one.id for one in list_organizations(self.engine)):
            for partner in list_partners(self.engine, organization_id):
                yield from done_files(
                    Mailbox(organization_id=organization_id, partner=partner, base=self.x12_folder)
                )

    def _uploads(self) -> int:
        if self.dry_run:
            return count_uploads_finished_before(self.engine, self.before)
        gone = 0
        while found := uploads_finished_before(self.engine, self.before, limit=_UPLOADS_AT_ONCE):
            gone += sum(map(self._delete, found))
        return gone

    def _delete(self, upload: EndedUpload) -> bool:
        try:
            delete_upload_everywhere(
                self.engine,
                self.files,
                upload.id,
                organization_id=upload.organization_id,
                outbox=self.outbox,
                actor=RETENTION_ACTOR,
                now=self.now,
            )
        except InputError:
            return False  # Retried, or deleted, this very moment.
        return True

    def _old_files(self, paths: Iterable[Path]) -> int:
        removed = 0
        for path in paths:
            try:
                facts = path.lstat()
            except FileNotFoundError:
                continue
            # A rename, too, is a touch: refused files keep the time they were written.
            if not stat.S_ISREG(facts.st_mode) or facts.st_ctime >= self.before.timestamp():
                continue
            if not self.dry_run:
                path.unlink(missing_ok=True)
            removed += 1
        return removed

    def _audit_entries(self) -> int:
        before = self.now - self.audit_kept_for
        if self.dry_run:
            return audit.count_old(self.engine, before)
        return audit.remove_old(self.engine, before, now=self.now)

    def _rows(self, kind: Kind) -> int:
        match kind:
            case Kind.SESSIONS:
                before = self.now  # A session says itself when it ends.
            case Kind.QUOTA_USES:
                before = self.now - QUOTA_WINDOW
            case Kind.TRACKED_CLAIMS:
                before = self.now - self.followed_kept_for
            case _:
                before = self.before
        work = count_expired if self.dry_run else remove_expired
        return work(self.engine, kind, before)
