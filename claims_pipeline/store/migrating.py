"""Bringing the schema up to date, apart from what every process of ours imports."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, func, select

from claims_pipeline.store.database import writing

_MIGRATIONS = Path(__file__).with_name("migrations")
# Any fixed number: it keeps two processes from upgrading one PostgreSQL database at once.
_UPGRADE_LOCK = 4_711_202_501


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest migration, in one transaction.

    Safe when several processes start at once: the later ones wait and find nothing to do.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
