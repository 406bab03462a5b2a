"""The database as the settings name it, with the keys of its audit log."""

from sqlalchemy import Engine

from claims_pipeline.settings import Settings
from claims_pipeline.store.audit.seals import with_audit_keys
from claims_pipeline.store.database import open_engine


def open_database(settings: Settings) -> Engine:
    """Open it; nothing is connected yet.

    Raises:
        SettingsError: `database_url_invalid`.

    """
    return with_audit_keys(open_engine(settings.resolved_database_url), settings.audit_keys)
