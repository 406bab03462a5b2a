"""Configuration of the store and the payers; what they open is opened when used."""

import functools
import threading
from collections.abc import Callable
from datetime import date

import dagster as dg
from sqlalchemy import Engine

from claims_pipeline.errors import SettingsError
from claims_pipeline.folders.inbox import Inbox
from claims_pipeline.payers import registry
from claims_pipeline.payers.base import CallRecord, Payer
from claims_pipeline.payers.x12.postbox import Postbox
from claims_pipeline.preflight.payer_table import folder_names
from claims_pipeline.settings import Settings, load_settings
from claims_pipeline.store.audit.seals import Keys, with_audit_keys
from claims_pipeline.store.database import open_engine, schema_is_current
from claims_pipeline.store.files import FileStore, file_store_of
from claims_pipeline.store.payer_caps.limiter import DatabaseLimiter
from claims_pipeline.store.tenants import payers


@functools.lru_cache(maxsize=4)
def _engine(url: str, audit_keys: Keys) -> Engine:
    """One engine per process and database, so that sensors do not open a pool every tick."""
    engine = with_audit_keys(open_engine(url), audit_keys)
    if not schema_is_current(engine):
        engine.dispose()
        raise SettingsError(
            "database_not_migrated", "Run `claims-pipeline db upgrade` for this database."
        )
    return engine


class StoreResource(dg.ConfigurableResource):
    """The database and the file store, as the environment names them."""

    def settings(self) -> Settings:
        """Settings of this moment; reading them costs less than remembering when they changed."""
        return load_settings()

    def engine(self, settings: Settings | None = None) -> Engine:
        """The database; raises `SettingsError` when its schema is not ours.

        Who has read the settings already gives them, here and below: reading them again costs
        more than a query.
        """
        used = settings or self.settings()
        return _engine(used.resolved_database_url, used.audit_keys)

    def files(self, settings: Settings | None = None) -> FileStore:
        """Where uploads and results are kept."""
        return file_store_of(settings or self.settings())

    def inbox(self, settings: Settings) -> Inbox:
        """The watched folder."""
        names = payers.list_names(self.engine(settings), channels=registry.channel_names())
        return Inbox(
            folder=settings.resolved_inbox,
            outbox=settings.resolved_outbox,
            engine=self.engine(settings),
            files=self.files(settings),
            max_file_bytes=settings.max_file_bytes,
            payers_of=lambda organization_id: folder_names(names.get(organization_id), settings),
        )

    def payer_today(self) -> date:
        """The calendar day at the payer."""
        return self.settings().payer_today()


class PayerResource(dg.ConfigurableResource):
    """Payers, connected for one organization with its caps.

    Answers that come sooner than in `longest_wait_s` seconds are awaited in the run that asked: to
    start another costs seconds. For later ones the upload waits without a run.
    """

    longest_wait_s: float = 30.0

    def connect(
        self,
        channel: str,
        *,
        settings: Settings,
        limiter: DatabaseLimiter,
        on_call: Callable[[CallRecord], None],
        stop: threading.Event,
        correlation_id: str | None,
        postbox: Postbox | None = None,
    ) -> Payer:
        """Make the channel's payers ready to be asked; makes no call yet."""
        return registry.connect(
            channel,
            settings=settings,
            limiter=limiter,
            on_call=on_call,
            stop=stop,
            correlation_id=correlation_id,
            postbox=postbox,
        )

    def limiter(
        self, engine: Engine, *, organization_id: str, channel: str, settings: Settings
    ) -> DatabaseLimiter:
        """The caps of a channel for this organization, shared with every other process."""
        of_channel = registry.settings_of(channel, settings)
        return DatabaseLimiter(
            engine,
            organization_id=organization_id,
            payer=channel,
            max_concurrency=registry.max_concurrency_of(channel, settings),
            calls_per_second=of_channel.calls_per_second,
        )
