"""The database and the file store: reachable, current, and not in plain sight."""

from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import Engine, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from claims_pipeline.errors import ClaimsError
from claims_pipeline.folders.untaken import find_untaken
from claims_pipeline.model import UploadStatus
from claims_pipeline.operations.doctor.findings import Finding, failed, ok, warning
from claims_pipeline.payers.registry import channel_names
from claims_pipeline.preflight.payer_table import folder_names
from claims_pipeline.settings import Settings
from claims_pipeline.store import tables
from claims_pipeline.store.database import open_engine, reading, schema_is_current
from claims_pipeline.store.files import file_store_of
from claims_pipeline.store.tenants.organizations import list_organizations
from claims_pipeline.store.tenants.payers import list_names

_PROBE = b"written by claims-pipeline doctor"


def examine_files(settings: Settings) -> Iterator[Finding]:
    """Write, read and remove a small file."""
    key = f"doctor/{uuid4()}"
    try:
        store = file_store_of(settings)
        store.write(key, [_PROBE], max_bytes=len(_PROBE))
        with store.open(key) as stream:
            came_back = stream.read() == _PROBE
        store.delete(key)
    except ClaimsError as error:
        yield failed("file store", f"{error.message} [{error.code}]")
        return
    except OSError as error:
        yield failed("file store", f"It cannot be written to ({type(error).__name__}).")
        return
    if not came_back:
        yield failed("file store", "A file read back differs from what was written.")
        return
    yield ok("file store", "a file was written, read and removed")
    endpoint = urlsplit(settings.s3_endpoint_url or "")
    if settings.resolved_files.startswith("s3://") and endpoint.scheme == "http":
        yield warning("file store", "CLAIMS_S3_ENDPOINT_URL is http: files travel unencrypted.")


def examine_database(settings: Settings) -> Iterator[Finding]:
    """Connect, compare the schema, and look at who we are there and how we got in."""
    url = settings.resolved_database_url
    try:
        backend = make_url(url).get_backend_name()
        if backend == "sqlite" and not settings.resolved_home.is_dir():
            yield warning("database", "It does not exist yet: claims-pipeline db upgrade makes it.")
            return
        engine = open_engine(url)
    except (ClaimsError, SQLAlchemyError):
        yield failed("database", "CLAIMS_DATABASE_URL is not a valid address.")
        return
    try:
        if not schema_is_current(engine):
            yield failed("database", "Its schema is not current: claims-pipeline db upgrade.")
            return
        yield ok("database", "reachable, and its schema is current")
        yield from _connection(engine, settings)
        yield from _waiting_uploads(engine)
        yield _untaken_files(engine, settings)
    except SQLAlchemyError as error:
        yield failed("database", f"It cannot be used ({type(error).__name__}).")
    finally:
        engine.dispose()


def _connection(engine: Engine, settings: Settings) -> Iterator[Finding]:
    if engine.dialect.name == "sqlite":
        if settings.environment == "production":
            yield warning("database", "SQLite is for one machine; use PostgreSQL in production.")
        return
    with reading(engine) as connection:
        role = connection.execute(
            text("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        ).one()
        # A connection through a socket of this machine has no address.
        is_plain = connection.execute(
            text(
                "SELECT inet_server_addr() IS NOT NULL AND NOT ssl"
                " FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            )
        ).scalar_one()
    if is_plain:
        yield warning("database", "The connection is not encrypted: add ?sslmode=verify-full.")
    if role.rolsuper:
        yield warning("database", "This is a superuser; see docker/postgres/roles.sql.")
    elif not role.rolbypassrls:
        yield warning("database", "Without BYPASSRLS this role cannot COPY: loads are slower.")


def _untaken_files(engine: Engine, settings: Settings) -> Finding:
    """What lies in the watched folder for nobody; none is named, since names name patients."""
    names = list_names(engine, channels=channel_names())
    whys = Counter(
        untaken.why
        for untaken in find_untaken(
            settings.resolved_inbox,
            settings.resolved_outbox,
            folders={
                each.id: folder_names(names.get(each.id), settings)
                for each in list_organizations(engine)
            },
        )
    )
    if not whys:
        return ok("files not taken", "nothing lies in the watched folder that is not taken")
    counts = ", ".join(f"{count} {why.replace('_', ' ')}" for why, count in sorted(whys.items()))
    return warning(
        "files not taken",
        f"{counts}: each has a `.refused.txt` that says what to do, in the outbox or beside it.",
    )


def _waiting_uploads(engine: Engine) -> Iterator[Finding]:
    open_ones = [status for status in UploadStatus if not status.is_terminal]
    query = (
        select(tables.uploads.c.status, func.count())
        .where(tables.uploads.c.status.in_(open_ones))
        .group_by(tables.uploads.c.status)
        .order_by(tables.uploads.c.status)
    )
    with reading(engine) as connection:
        counts = [f"{count} {status.lower()}" for status, count in connection.execute(query)]
    yield ok("uploads", ", ".join(counts) or "none is open")
