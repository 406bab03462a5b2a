"""Cancel, retry and delete at the page: what it says before, and what is done."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from claims_pipeline.model import RetryScope, UploadStatus
from claims_pipeline.store import attempts, audit
from claims_pipeline.store.rows.stored import begin_rows
from claims_pipeline.store.uploads import get_upload
from claims_pipeline_tests.store.builders import HEADER
from claims_pipeline_tests.upload_api.api import ORGANIZATION, Api
from claims_pipeline_tests.upload_api.pages.readers import Reader, words_of
from claims_pipeline_tests.upload_api.pages.session.sessions import client_with_cookie, new_session
from claims_pipeline_tests.upload_api.pages.uploads import (
    MadeUpload,
    cancelled_upload,
    done_upload,
    failed_upload,
    running_upload,
)

_CHANGES = (
    "cancel",
    "retry-failed",
    "retry-not-found",
    "retry-open",
    "retry-all",
    "delete",
)


@pytest.fixture
def api(shared_page_api: Api) -> Api:
    return shared_page_api


@pytest.fixture
def reader(api: Api) -> Reader:
    return Reader(api)


def _audited(api: Api, upload_id: str) -> list[tuple[str, str, str | None]]:
    wanted = audit.AuditFilter(upload_id=upload_id)
    entries = audit.list_entries(api.engine, organization_id=ORGANIZATION, wanted=wanted)
    return [(entry.action, entry.outcome, entry.code) for entry in reversed(entries)]


@pytest.mark.parametrize(
    ("make", "change", "said"),
    [
        (running_upload, "cancel", "1 row will not be asked."),
        (running_upload, "cancel", "The answers for 9 rows are kept"),
        (done_upload, "cancel", "The upload has ended."),
        (done_upload, "retry-failed", "Ask 2 rows again?"),
        (done_upload, "retry-failed", "The answers for the other 10 rows stay as they are."),
        (done_upload, "retry-not-found", "Ask 1 row again?"),
        # Failed, not found, pending, action required, acknowledged.
        (done_upload, "retry-open", "Ask 6 rows again?"),
        (done_upload, "retry-all", "Ask 12 rows again?"),
        (done_upload, "retry-all", "2 rejected rows cannot be asked: correct them"),
        (running_upload, "retry-all", "The upload is still running"),
        (cancelled_upload, "retry-failed", "Ask 3 rows again?"),
        (failed_upload, "retry-all", "Read the file again?"),
        (running_upload, "delete", "The upload cannot be deleted yet"),
        (done_upload, "delete", "The file, its 14 rows, all answers and all result files"),
    ],
)
def test_it_says_what_will_happen(
    api: Api, reader: Reader, make: Callable[[Api], MadeUpload], change: str, said: str
) -> None:
    made = make(api)
    assert said in reader.words(f"/uploads/{made.id}/change/{change}")
    assert made.upload.attempt == 1
    assert _audited(api, made.id) == []


@pytest.mark.parametrize("scope", list(RetryScope))
def test_as_many_rows_are_asked_again_as_was_said(
    api: Api, reader: Reader, scope: RetryScope
) -> None:
    made = done_upload(api)
    change = f"/uploads/{made.id}/change/retry-{scope.value.replace('_', '-')}"
    said = reader.words(change)
    answer = reader.post(change)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/uploads/{made.id}")
    upload = made.upload
    asked_again = upload.counts.total - upload.counts.with_outcome
    assert f"Ask {asked_again} row" in said
    attempt = attempts.latest_attempt(api.engine, made.id)
    assert attempt is not None
    assert (attempt.number, attempt.scope) == (2, scope)
    assert _audited(api, made.id) == [("retry", "ok", None)]


def test_cancelling_keeps_what_was_answered(api: Api, reader: Reader) -> None:
    made = running_upload(api)
    assert reader.post(f"/uploads/{made.id}/change/cancel").status_code == 303
    assert made.upload.status is UploadStatus.CANCELLING
    assert "Cancelling" in reader.words(f"/uploads/{made.id}")
    # Asking again changes nothing.
    assert reader.post(f"/uploads/{made.id}/change/cancel").status_code == 303
    made.end(UploadStatus.COMPLETED)
    assert made.upload.status is UploadStatus.CANCELLED
    assert made.upload.counts.found == 7
    assert _audited(api, made.id)[:2] == [("cancel", "ok", None)] * 2


def test_a_deleted_upload_is_gone_everywhere(api: Api, reader: Reader) -> None:
    made = done_upload(api)
    answer = reader.post(f"/uploads/{made.id}/change/delete")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/uploads?deleted")
    assert "The upload was deleted" in reader.words(answer.headers["Location"])
    assert get_upload(api.engine, made.id) is None
    assert reader.get(f"/uploads/{made.id}").status_code == 404
    assert _audited(api, made.id)[0] == ("delete", "ok", None)


@pytest.mark.parametrize(
    ("make", "change", "told"),
    [
        (done_upload, "cancel", "It had ended already"),
        (running_upload, "retry-failed", "It is running"),
        (running_upload, "delete", "It is running"),
    ],
)
def test_a_change_that_came_too_late_is_told_in_words(
    api: Api, reader: Reader, make: Callable[[Api], MadeUpload], change: str, told: str
) -> None:
    made = make(api)
    answer = reader.post(f"/uploads/{made.id}/change/{change}")
    assert answer.status_code == 409
    assert "Nothing was changed" in words_of(answer.text)
    assert told in words_of(answer.text)
    ((_action, outcome, _code),) = _audited(api, made.id)
    assert outcome == "refused"


def test_a_second_retry_finds_nothing_to_ask(api: Api, reader: Reader) -> None:
    made = done_upload(api)
    address = f"/uploads/{made.id}/change/retry-not-found"
    assert reader.post(address).status_code == 303
    attempt = attempts.latest_attempt(api.engine, made.id)
    assert attempt is not None
    made.end(UploadStatus.CANCELLED)
    answer = reader.post(address)
    assert answer.status_code == 409
    assert "There was no row to ask again." in words_of(answer.text)


@pytest.mark.parametrize("change", _CHANGES)
def test_only_who_may_and_only_from_our_own_page(api: Api, change: str) -> None:
    made = done_upload(api)
    address = f"/uploads/{made.id}/change/{change}"
    colleague = Reader(api, sub="analyst-2")
    assert colleague.post(address).status_code == 404
    assert colleague.get(address).status_code == 404
    from_elsewhere = client_with_cookie(
        api, new_session(api, token=api.issuer.token(sub="analyst-1"))
    )
    from_elsewhere.headers["Origin"] = "https://elsewhere.example"
    assert from_elsewhere.post(f"{api.url}{address}").status_code == 403
    before = made.upload
    assert (before.status, before.attempt) == (UploadStatus.COMPLETED, 1)


def test_what_was_cancelled_before_its_rows_were_read_is_read_again(
    api: Api, reader: Reader
) -> None:
    made = running_upload(api, answered=False, total_rows=8)
    begin_rows(api.engine, made.hold, HEADER)
    made.end(UploadStatus.CANCELLED)
    assert made.upload.counts.unprocessed == 8
    assert "cancelled before its rows were read" in reader.words(f"/uploads/{made.id}")
    change = f"/uploads/{made.id}/change/retry-failed"
    assert "Read the file again?" in reader.words(change)
    assert reader.post(change).status_code == 303
    assert made.upload.attempt == 2


def test_the_page_offers_what_can_be_done(api: Api, reader: Reader) -> None:
    def offered(made: MadeUpload) -> set[str]:
        html = reader.page(f"/uploads/{made.id}")
        return {change for change in _CHANGES if f"/change/{change}" in html}

    assert offered(running_upload(api)) == {"cancel"}
    assert offered(done_upload(api)) == set(_CHANGES) - {"cancel"}
    assert offered(failed_upload(api)) == {"retry-all", "delete"}


def test_viewing_and_downloading_are_in_the_audit_log(api: Api, reader: Reader) -> None:
    made = done_upload(api)
    for path in ("", "/results", "/rejected", "/results.xlsx", "/results.csv", "/rejected.csv"):
        assert reader.get(f"/uploads/{made.id}{path}").status_code == 200
    searched = reader.post(f"/uploads/{made.id}/results", data={"search": "example1"})
    assert reader.get(searched.headers["Location"]).ok
    assert [action for action, _outcome, _code in _audited(api, made.id)] == [
        *["view"] * 2,
        *["download"] * 3,
        "view",
    ]
    assert reader.get(f"/uploads/{uuid4()}").status_code == 404
