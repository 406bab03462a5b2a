"""An upload whose attempt a measurement holds as a run would, and its intake.

Imports what intake needs and no more: it is part of what is measured.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from claims_pipeline import intake
from claims_pipeline.payers import registry
from claims_pipeline.settings import Settings
from claims_pipeline.store import attempts, uploads
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.database import open_engine
from claims_pipeline.store.rows import stored
from claims_pipeline.store.tenants import practices

PAYER = "uhc"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldUpload:
    """An upload whose attempt is held."""

    settings: Settings
    engine: Engine
    hold: Hold

    def store_rows(self) -> int:
        """Intake: read, validate and store the file; gives the number of rows."""
        upload = uploads.get_upload(self.engine, self.hold.upload_id)
        if upload is None:
            raise RuntimeError("the upload is gone")
        settings = self.settings
        context = intake.IntakeContext(
            practices=practices.list_practices(self.engine, self.hold.organization_id),
            provider=PAYER,
            payers=registry.built_in_payers(settings),
            channels=frozenset(registry.channel_names()),
            today=datetime.now(ZoneInfo(settings.payer_timezone)).date(),
            capabilities=registry.capabilities_of(PAYER),
            max_rows=settings.max_rows,
            max_bytes=settings.max_file_bytes,
        )
        with Path(settings.resolved_files, upload.file_key).open("rb") as stream:
            reading_ = intake.read(stream, context)
            stored.begin_rows(self.engine, self.hold, reading_.header)
            for chunk in reading_.chunks():
                stored.add_rows(self.engine, self.hold, chunk.requests, chunk.rejected)
        return stored.complete_rows(
            self.engine,
            self.hold,
            record_count=reading_.records,
            left_out_count=reading_.left_out,
        ).total


@contextmanager
def take(settings: Settings, upload_id: str) -> Iterator[HeldUpload]:
    """Take the attempt of an upload as a run would."""
    engine = open_engine(settings.resolved_database_url)
    try:
        hold = attempts.acquire(
            engine,
            upload_id,
            str(uuid4()),
            ticket=None,
            has_parent=False,
            run_has_ended=lambda _: False,
            dead_after_s=settings.dead_after_s,
            dead_between_steps_s=settings.dead_between_steps_s,
            now=datetime.now(UTC),
        )
        if not isinstance(hold, Hold):
            raise TypeError("the attempt could not be acquired")
        yield HeldUpload(settings=settings, engine=engine, hold=hold)
    finally:
        engine.dispose()
