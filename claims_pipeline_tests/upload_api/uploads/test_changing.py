from collections.abc import Iterator

import pytest

from claims_pipeline.model import Outcome, UploadStatus
from claims_pipeline.store import attempts
from claims_pipeline.store.audit import AuditEntry, list_entries
from claims_pipeline.store.uploads import Upload, get_upload
from claims_pipeline_tests.store.builders import NOW, Runs, answer, make_result, store_rows
from claims_pipeline_tests.upload_api.api import ORGANIZATION, Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer

JOBS = "/api/v1/claims/csv-jobs"
JOBS_ALIAS = "/api/v1/claims/bulk/jobs"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("api"), issuer) as running:
        yield running


def ended(api: Api, status: UploadStatus = UploadStatus.COMPLETED) -> Upload:
    """An upload of two rows, one of them failed, that has ended."""
    upload = api.add_upload()
    hold = Runs(api.engine, upload.id).held()
    store_rows(api.engine, hold, accepted=2)
    answer(api.engine, hold, make_result(1), make_result(2, Outcome.FAILED))
    attempts.finish(api.engine, upload.id, status, attempt_id=hold.attempt_id, now=NOW)
    return upload


def entries_of(api: Api, upload: Upload) -> list[AuditEntry]:
    entries = list_entries(api.engine, organization_id=ORGANIZATION, page_size=1000)
    return [entry for entry in reversed(entries) if entry.upload_id == upload.id]


@pytest.mark.parametrize("family", [JOBS, JOBS_ALIAS])
@pytest.mark.parametrize("end", ["", "/"])
def test_a_waiting_upload_is_cancelled_at_once_and_stays_so(
    api: Api, family: str, end: str
) -> None:
    upload = api.add_upload()
    for _ in range(2):
        answer = api.post(f"{family}/{upload.id}/cancel{end}", token=api.issuer.token())
        assert (answer.status_code, answer.json()["status"]) == (202, "CANCELLED")
    assert [entry.action for entry in entries_of(api, upload)] == ["cancel", "cancel"]


def test_a_running_upload_is_told_to_stop(api: Api) -> None:
    upload = api.add_upload()
    Runs(api.engine, upload.id).held()
    answer = api.post(f"{JOBS}/{upload.id}/cancel", token=api.issuer.token())
    assert (answer.status_code, answer.json()["status"]) == (202, "CANCELLING")


@pytest.mark.parametrize("status", [UploadStatus.COMPLETED, UploadStatus.FAILED])
def test_what_has_ended_is_not_cancelled(api: Api, status: UploadStatus) -> None:
    upload = ended(api, status)
    answer = api.post(f"{JOBS}/{upload.id}/cancel", token=api.issuer.token())
    assert (answer.status_code, answer.json()["code"]) == (409, "already_ended")
    found = get_upload(api.engine, upload.id)
    assert found is not None
    assert found.status is status
    [entry] = entries_of(api, upload)
    assert (entry.outcome, entry.code) == ("refused", "already_ended")


@pytest.mark.parametrize("body", [{}, {"json": {}}, {"json": {"scope": "failed"}}])
def test_a_retry_begins_a_new_attempt_for_what_failed(api: Api, body: dict[str, object]) -> None:
    upload = ended(api)
    answer = api.post(f"{JOBS}/{upload.id}/retry/", token=api.issuer.token(), **body)
    assert answer.status_code == 202
    told = answer.json()
    assert (told["status"], told["attempt"]) == ("PENDING", 2)
    assert (told["found_count"], told["failed_count"]) == (1, 0)
    [entry] = entries_of(api, upload)
    assert (entry.action, entry.outcome) == ("retry", "ok")


def test_a_retry_that_is_not_possible_says_why(api: Api) -> None:
    upload = ended(api)
    url = f"{JOBS}/{upload.id}/retry"
    token = api.issuer.token()
    nothing = api.post(url, token=token, json={"scope": "not_found"})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_retry")
    assert api.post(url, token=token, json={"scope": "all"}).status_code == 202
    running = api.post(url, token=token)
    assert (running.status_code, running.json()["code"]) == (409, "still_running")
    assert [entry.code for entry in entries_of(api, upload)] == [
        "nothing_to_retry",
        None,
        "still_running",
    ]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"scope": "some"}', b'{"scope": null}', b"\xff"])
def test_a_retry_with_a_body_that_is_none_is_refused(api: Api, body: bytes) -> None:
    upload = ended(api)
    answer = api.post(f"{JOBS}/{upload.id}/retry", token=api.issuer.token(), data=body)
    assert answer.status_code == 422
    found = get_upload(api.engine, upload.id)
    assert found is not None
    assert found.attempt == 1


def test_only_what_has_ended_is_deleted(api: Api) -> None:
    upload = api.add_upload()
    url, token = f"{JOBS}/{upload.id}/", api.issuer.token()
    running = api.delete(url, token=token)
    assert (running.status_code, running.json()["code"]) == (409, "still_running")
    assert api.post(f"{url}cancel/", token=token).status_code == 202
    assert api.delete(url, token=token).status_code == 204
    assert api.get(url, token=token).status_code == 404
    assert not api.files.exists(upload.file_key)
    assert [(entry.action, entry.outcome) for entry in entries_of(api, upload)] == [
        ("delete", "refused"),
        ("cancel", "ok"),
        ("delete", "ok"),
        ("access", "refused"),
    ]


def test_what_somebody_else_handed_in_is_an_operators_to_change(api: Api) -> None:
    upload = api.add_upload(user_id="analyst-2")
    url = f"{JOBS}/{upload.id}/cancel"
    assert api.post(url, token=api.issuer.token()).status_code == 404
    assert get_upload(api.engine, upload.id) == upload
    operator = api.issuer.token(sub="operator-1", roles=["claims-operator"])
    assert api.post(url, token=operator).status_code == 202
