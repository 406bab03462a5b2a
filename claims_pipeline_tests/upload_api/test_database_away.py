from collections.abc import Iterator

import pytest

from claims_pipeline.store.uploads import list_uploads
from claims_pipeline_tests.services import PostgresqlServer, postgresql_server
from claims_pipeline_tests.upload_api.api import ORGANIZATION, Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer
from claims_pipeline_tests.upload_api.receiving.forms import (
    CSV,
    half_sent,
    multipart,
    post_csv,
    stored_files,
    wait_for,
)

pytestmark = pytest.mark.postgres

FILE = 'name="file"; filename="worklist.csv"'


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresqlServer]:
    """A server of this module's own: it is stopped."""
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="module")
def api(
    tmp_path_factory: pytest.TempPathFactory, issuer: Issuer, database: PostgresqlServer
) -> Iterator[Api]:
    settings = {"CLAIMS_DATABASE_URL": database.create_database("api")}
    with running_api(tmp_path_factory.mktemp("api"), issuer, settings=settings) as running:
        yield running


def uploads_of(api: Api) -> int:
    return list_uploads(api.engine, organization_id=ORGANIZATION).total


def test_an_upload_while_the_database_is_down_is_refused_and_keeps_no_file(
    api: Api, database: PostgresqlServer
) -> None:
    before = (uploads_of(api), stored_files(api))
    headers = {"Idempotency-Key": "sent-while-the-database-is-down"}
    database.stop()
    try:
        answer = post_csv(api, headers=headers)
        files = stored_files(api)
    finally:
        database.start()
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert files == before[1]
    assert uploads_of(api) == before[0]
    assert post_csv(api, headers=headers).status_code == 201


def test_a_database_that_goes_down_while_the_file_comes_leaves_no_file(
    api: Api, database: PostgresqlServer
) -> None:
    before = (uploads_of(api), stored_files(api))
    body = multipart((FILE, CSV + b"FH00000002,BEN,SAMPLE,01/02/1980\n" * 100_000))
    token = api.issuer.token()
    with half_sent(api, token, announced=len(body), sent=body[:-100]) as connection:
        wait_for(lambda: stored_files(api) != before[1])
        database.stop()
        try:
            connection.sendall(body[-100:])
            assert connection.recv(100).startswith(b"HTTP/1.1 503")
            files = stored_files(api)
        finally:
            database.start()
    assert files == before[1]
    assert uploads_of(api) == before[0]
