"""A PostgreSQL database as each of the roles of production sees it."""

from pathlib import Path

from sqlalchemy.engine import make_url

from claims_pipeline.store.database import open_engine
from claims_pipeline.store.migrating import upgrade
from claims_pipeline_tests.services import PostgresqlServer

ROLES_SCRIPT = Path(__file__).parents[2] / "docker" / "postgres" / "roles.sql"


def make_database_with_roles(server: PostgresqlServer) -> str:
    """Name of a new database that knows the roles and has no tables."""
    name = str(make_url(server.create_database("roles")).database)
    passwords = [f"--set={role}_password=x" for role in ("owner", "pipeline", "api")]
    server.run("psql", name, *passwords, "--file", ROLES_SCRIPT)
    return name


class RolesDatabase:
    """One migrated database with nothing in it, and an engine for each role."""

    def __init__(self, server: PostgresqlServer) -> None:
        self.name = name = make_database_with_roles(server)
        self.api_url = server.url_of("claims_api", name)
        self.pipeline_url = server.url_of("claims_pipeline", name)
        self.owner = open_engine(server.url_of("claims_owner", name))
        self.pipeline = open_engine(self.pipeline_url)
        self.api = open_engine(self.api_url)
        upgrade(self.owner)

    def dispose(self) -> None:
        """Close every connection."""
        for engine in (self.owner, self.pipeline, self.api):
            engine.dispose()
