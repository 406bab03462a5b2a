"""As a role that owns no table, the API does all its work, and sees one organization at a time."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from claims_pipeline.model import UploadStatus
from claims_pipeline.store import attempts
from claims_pipeline.store.audit import list_entries
from claims_pipeline.store.uploads import Upload, get_upload
from claims_pipeline.upload_api.access.caller import principal_of, services_for
from claims_pipeline.upload_api.http.metrics import exposition
from claims_pipeline.upload_api.internal import create_internal_app
from claims_pipeline.upload_api.services import Services
from claims_pipeline_tests.services import PostgresqlServer
from claims_pipeline_tests.store.builders import Runs, answer, make_result, store_rows
from claims_pipeline_tests.store.roles import RolesDatabase
from claims_pipeline_tests.upload_api.api import (
    ORGANIZATION,
    OTHER_ORGANIZATION,
    Api,
    running_api,
)
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer
from claims_pipeline_tests.upload_api.pages.conftest import PAGE_SETTINGS
from claims_pipeline_tests.upload_api.pages.session.sessions import signed_in_client

pytestmark = pytest.mark.postgres

_JOBS = "/api/v1/claims/csv-jobs"
_UPLOAD = "/api/v1/claims/bulk/upload/"
_CONTENT = b"claim_number,first_name,last_name,date_of_birth\nFH1,ADA,EXAMPLE,05/10/1975\n"


@pytest.fixture(scope="module")
def api(
    tmp_path_factory: pytest.TempPathFactory, issuer: Issuer, postgresql: PostgresqlServer
) -> Iterator[Api]:
    database = RolesDatabase(postgresql)
    with running_api(
        tmp_path_factory.mktemp("home"),
        issuer,
        settings={"CLAIMS_DATABASE_URL": database.api_url},
        store_url=database.pipeline_url,
    ) as running:
        yield running
    database.dispose()


def _services(api: Api) -> Services:
    services: Services = api.app.state.services
    return services


def _uploaded(api: Api, *, key: str) -> str:
    answer = api.post(
        _UPLOAD,
        token=api.issuer.token(),
        files={"file": ("worklist.csv", _CONTENT, "text/csv")},
        headers={"Idempotency-Key": key},
    )
    assert answer.status_code == 201, answer.text
    upload_id: str = answer.json()["id"]
    return upload_id


def _ended(api: Api) -> Upload:
    """An upload that the pipeline, with its own role, has answered."""
    upload = api.add_upload(_CONTENT)
    hold = Runs(api.engine, upload.id).held(now=datetime.now(UTC))
    store_rows(api.engine, hold, accepted=2, rejected=1)
    answer(api.engine, hold, make_result(1), make_result(2))
    attempts.finish(
        api.engine,
        upload.id,
        UploadStatus.COMPLETED,
        attempt_id=hold.attempt_id,
        now=datetime.now(UTC),
    )
    return upload


def test_an_upload_goes_its_whole_way(api: Api) -> None:
    token = api.issuer.token()
    upload_id = _uploaded(api, key="whole-way")
    assert _uploaded(api, key="whole-way") == upload_id
    listed = api.get(f"{_JOBS}/", token=token).json()["results"]
    assert upload_id in [job["id"] for job in listed]
    assert api.get(f"{_JOBS}/{upload_id}/progress/", token=token).json()["status"] == "PENDING"
    assert api.post(f"{_JOBS}/{upload_id}/cancel/", token=token).status_code == 202
    assert api.delete(f"{_JOBS}/{upload_id}/", token=token).status_code == 204
    assert api.get(f"{_JOBS}/{upload_id}/", token=token).status_code == 404


def test_results_are_read_and_failures_retried(api: Api) -> None:
    token = api.issuer.token()
    upload = _ended(api)
    page = api.get(f"{_JOBS}/{upload.id}/results/", token=token).json()
    assert page["count"] == 3
    for path in ("download_results/", "download_results/?format=xlsx", "rejected_rows/"):
        assert api.get(f"{_JOBS}/{upload.id}/{path}", token=token).status_code == 200, path
    retried = api.post(f"{_JOBS}/{upload.id}/retry/", token=token, json={"scope": "all"})
    assert retried.status_code == 202, retried.text


def test_what_is_done_is_in_the_audit_log(api: Api) -> None:
    upload = _ended(api)
    api.get(f"{_JOBS}/{upload.id}/results/", token=api.issuer.token())
    auditor = api.issuer.token(roles=["claims-auditor"])
    entries = api.get("/api/v1/claims/audit/", token=auditor).json()["results"]
    assert upload.id in [entry["upload_id"] for entry in entries]


def test_the_database_hides_what_a_query_forgets_to(api: Api) -> None:
    mine, foreign = _ended(api), api.add_upload(organization_id=OTHER_ORGANIZATION)
    services = _services(api)
    for organization_id, seen, hidden in (
        (ORGANIZATION, mine, foreign),
        (OTHER_ORGANIZATION, foreign, mine),
    ):
        token = api.issuer.token(organization=organization_id)
        caller = principal_of(services, token, wanted=None)
        engine = asyncio.run(services_for(services, caller)).engine
        assert get_upload(engine, seen.id) is not None
        assert get_upload(engine, hidden.id) is None
    assert get_upload(services.engine, mine.id) is None


def test_metrics_count_all_organizations(api: Api) -> None:
    _ended(api)
    app = create_internal_app(_services(api))
    text = exposition(app.state.store_collector).decode()
    completed = [line for line in text.splitlines() if "COMPLETED" in line]
    assert completed
    assert float(completed[0].rpartition(" ")[2]) >= 1


def test_somebody_signs_in_at_the_page_and_out_again(
    tmp_path_factory: pytest.TempPathFactory, issuer: Issuer, postgresql: PostgresqlServer
) -> None:
    database = RolesDatabase(postgresql)
    settings = {**PAGE_SETTINGS, "CLAIMS_DATABASE_URL": database.api_url}
    with (
        running_api(
            tmp_path_factory.mktemp("home"),
            issuer,
            settings=settings,
            store_url=database.pipeline_url,
        ) as api,
        signed_in_client(api, token=issuer.token(organization=["demo", "other"])) as client,
    ):
        chosen = client.post(f"{api.url}/organization", data={"organization": "other"})
        assert "other" in chosen.text.lower()
        assert client.get(f"{api.url}/signed-in").status_code == 200
        assert client.post(f"{api.url}/sign-out").url == f"{api.url}/signed-out"
        actions = [
            entry.action for entry in list_entries(api.engine, organization_id=OTHER_ORGANIZATION)
        ]
    database.dispose()
    assert actions == ["logout", "login"]
