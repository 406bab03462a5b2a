"""The walk-through of docs/operations.md: a backup, restored onto a fresh server, is the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from claims_pipeline.model import Outcome, UploadStatus
from claims_pipeline.store import attempts, audit
from claims_pipeline.store.database import (
    open_engine,
    organization_scope,
    reading,
    schema_is_current,
    writing,
)
from claims_pipeline.store.rows.results import iterate_answered_rows
from claims_pipeline.store.tables import audit_log, metadata, uploads
from claims_pipeline_tests.services import PostgresqlServer, postgresql_server
from claims_pipeline_tests.store.builders import (
    NOW,
    Runs,
    answer,
    make_result,
    make_upload,
    store_rows,
)
from claims_pipeline_tests.store.roles import RolesDatabase, make_database_with_roles

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def fresh_server() -> Iterator[PostgresqlServer]:
    """A server that has never seen our database nor its roles."""
    with postgresql_server() as server:
        yield server


def _fill(engine: Engine, organization_id: str) -> str:
    """An upload that has ended, and a word of it in the audit log; the upload's id."""
    upload = make_upload(engine, organization_id=organization_id)
    hold = Runs(engine, upload.id).held()
    store_rows(engine, hold, accepted=3, rejected=1)
    answer(
        engine,
        hold,
        make_result(1, claims=2),
        make_result(2, Outcome.NOT_FOUND),
        make_result(3, Outcome.FAILED),
    )
    attempts.finish(engine, upload.id, UploadStatus.COMPLETED, attempt_id=hold.attempt_id, now=NOW)
    with writing(engine) as connection:
        audit.append(
            connection,
            organization_id=organization_id,
            actor="user-1",
            action="view",
            upload_id=upload.id,
            outcome="ok",
            now=NOW,
        )
    return upload.id


def _everything(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with reading(engine) as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def _restore(backup: Path, server: PostgresqlServer) -> str:
    name = make_database_with_roles(server)
    server.run("pg_restore", name, "--exit-on-error", "--single-transaction", backup)
    return name


def test_a_backup_restored_onto_a_fresh_server_gives_the_same_results(
    postgresql: PostgresqlServer, fresh_server: PostgresqlServer, tmp_path: Path
) -> None:
    before = RolesDatabase(postgresql)
    upload_ids = [_fill(before.pipeline, name) for name in ("demo", "other")]
    backup = tmp_path / "claims.dump"
    postgresql.run(
        "pg_dump", before.name, "--format=custom", "--file", backup, role="claims_pipeline"
    )

    name = _restore(backup, fresh_server)

    pipeline = open_engine(fresh_server.url_of("claims_pipeline", name))
    api = open_engine(fresh_server.url_of("claims_api", name))
    assert _everything(pipeline) == _everything(before.pipeline)
    for upload_id in upload_ids:
        restored = list(iterate_answered_rows(pipeline, upload_id))
        assert restored == list(iterate_answered_rows(before.pipeline, upload_id))
        assert len(restored) == 4
    assert schema_is_current(pipeline)
    verdict = audit.verify(pipeline)
    assert (verdict.entries, verdict.is_whole) == (2, True)
    # What keeps organizations apart is part of the backup, and so is what counts on.
    with reading(organization_scope(api, "demo")) as connection:
        seen = connection.execute(select(uploads.c.organization_id)).scalars().all()
        assert seen == ["demo"]
    _fill(pipeline, "demo")
    with reading(pipeline) as connection:
        assert connection.execute(select(func.max(audit_log.c.id))).scalar_one() == 3
    for engine in (pipeline, api):
        engine.dispose()
    before.dispose()
