"""Uploads that have ended, with rows, answers and files, for tests of what removes them."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Engine, func, select

from claims_pipeline.folders import outbox, result_files
from claims_pipeline.model import Outcome, UploadStatus
from claims_pipeline.operations import retention
from claims_pipeline.store import attempts, tables, uploads
from claims_pipeline.store.database import reading
from claims_pipeline.store.files import FileStore
from claims_pipeline.store.rows import results
from claims_pipeline.store.tenants.practices import ensure_organization
from claims_pipeline.store.uploads import Upload
from claims_pipeline_tests.store.builders import (
    NOW,
    ORGANIZATION,
    Runs,
    answer,
    make_result,
    store_rows,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Where uploads lie, and what may be done with them."""

    engine: Engine
    files: FileStore
    outbox: Path

    def dropped(self, *, organization_id: str = ORGANIZATION, now: datetime = NOW) -> Upload:
        """A pending upload of the watched folder, its file in the file store."""
        upload_id = str(uuid4())
        ensure_organization(self.engine, organization_id, "Demo billing")
        key = f"{organization_id}/{upload_id}/upload.csv"
        stored = self.files.write(key, [b"first_name\nAda\n"], max_bytes=100)
        new = uploads.NewUpload(
            id=upload_id,
            organization_id=organization_id,
            payer="uhc",
            source="inbox",
            file_name="worklist.csv",
            file_key=key,
            file_size=stored.size,
            file_sha256=stored.sha256,
            outbox_name=f"worklist.{now:%Y%m%dT%H%M%SZ}-{upload_id[:8]}",
        )
        return uploads.create_upload(self.engine, new, now=now)

    def ended(self, *, organization_id: str = ORGANIZATION, now: datetime = NOW) -> Upload:
        """An upload with two answered rows and a rejected one, and all its files."""
        upload = self.dropped(organization_id=organization_id, now=now)
        hold = Runs(self.engine, upload.id).held(now=now)
        store_rows(self.engine, hold, accepted=2, rejected=1)
        answer(self.engine, hold, make_result(1), make_result(2, Outcome.NOT_FOUND))
        attempts.finish(
            self.engine, upload.id, UploadStatus.COMPLETED, attempt_id=hold.attempt_id, now=now
        )
        found = uploads.get_upload(self.engine, upload.id)
        assert found is not None
        self.publish(found)
        return found

    def publish(self, upload: Upload) -> None:
        """Write the upload's files and copies, as its run does."""
        written = result_files.write_files(self.engine, self.files, upload, bom=True)
        counts = results.count_outcomes(self.engine, upload.id)
        assert result_files.files_that_differ(self.files, written, counts) == []
        outbox.copy_to_outbox(self.files, upload, written, self.outbox)

    def delete(self, upload: Upload, *, actor: str = "user-1", now: datetime = NOW) -> None:
        """Delete the upload as its owner."""
        retention.delete_upload_everywhere(
            self.engine,
            self.files,
            upload.id,
            organization_id=upload.organization_id,
            outbox=self.outbox,
            actor=actor,
            now=now,
        )

    def in_outbox(self) -> list[Path]:
        """Every file of the outbox."""
        return sorted(path for path in self.outbox.rglob("*") if path.is_file())

    def rows_left(self, upload: Upload) -> dict[str, int]:
        """How many rows each table holds of the upload, where there are any; no audit entries."""
        left = {}
        with reading(self.engine) as connection:
            for table in tables.metadata.sorted_tables:
                key = table.c.id if table.name == "uploads" else table.c.get("upload_id")
                if key is None or table.name in {"audit_log", "idempotency_keys"}:
                    continue
                count = select(func.count()).select_from(table).where(key == upload.id)
                left[table.name] = connection.execute(count).scalar_one()
        return {name: count for name, count in left.items() if count}
