"""The list of uploads and one upload over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests

from claims_pipeline.model import Outcome, UploadStatus
from claims_pipeline.store import attempts
from claims_pipeline_tests.store.builders import Runs, answer, make_result, store_rows
from claims_pipeline_tests.upload_api.api import Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer

JOBS = "/api/v1/claims/csv-jobs"
ALIAS = "/api/v1/claims/bulk/jobs"
FIELDS = {
    "id", "job_id", "filename", "original_filename", "file_size", "file_size_display", "provider",
    "status", "status_display", "total_rows", "processed_rows", "success_count", "failure_count",
    "found_count", "not_found_count", "ambiguous_count", "rejected_count", "failed_count",
    "unprocessed_count", "progress_percentage", "success_rate", "eta_seconds", "attempt", "run_id",
    "run_url", "celery_task_id", "celery_status", "user", "user_email", "organization",
    "organization_name", "processing_started_at", "processing_completed_at",
    "processing_duration", "created_at", "updated_at", "waiting_reason", "next_try_at",
    "duplicate_of", "error_code", "error_message", "error_log",
}  # fmt: skip
_BEGAN = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Api]:
    """Five uploads of one analyst, a.csv to e.csv, a day apart; c.csv has been cancelled."""
    with running_api(tmp_path_factory.mktemp("home"), issuer) as api:
        for day, name in enumerate("abcde"):
            now = _BEGAN + timedelta(days=day)
            upload = api.add_upload(file_name=f"{name}.csv", now=now)
            if name == "c":
                attempts.finish(
                    api.engine,
                    upload.id,
                    UploadStatus.CANCELLED,
                    attempt_id=upload.attempt_id,
                    now=now,
                )
        yield api


def _listed(api: Api, query: str) -> dict[str, object]:
    response = api.get(f"{JOBS}/?{query}", token=api.issuer.token())
    assert response.status_code == 200, response.json()
    found: dict[str, object] = response.json()
    return found


def _names(page: dict[str, object]) -> str:
    results = page["results"]
    assert isinstance(results, list)
    return "".join(upload["filename"].removesuffix(".csv") for upload in results)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", "edcba"),
        ("ordering=created_at", "abcde"),
        ("ordering=-filename", "edcba"),
        ("ordering=filename&page_size=2&page=2", "cd"),
        ("status=CANCELLED", "c"),
        ("status=cancelled", "c"),
        ("status=&provider=&search=", "edcba"),
        ("status=PENDING", "edba"),
        ("provider=UHC", "edcba"),
        ("provider=nobody", ""),
        ("search=B.C", "b"),
        ("created_after=2026-03-07T12:00:00Z", "ed"),
        ("created_after=2026-03-08", "e"),
        ("created_before=2026-03-05T12:00:00%2B00:00", "a"),
        ("page=4", "edcba"[5:]),
    ],
)
def test_uploads_are_listed_filtered_and_sorted(history: Api, query: str, names: str) -> None:
    assert _names(_listed(history, query)) == names


def test_pages_are_linked(history: Api) -> None:
    token = history.issuer.token()
    seen, url = "", f"{history.url}{JOBS}/?page_size=2&ordering=filename&search="
    pages = []
    while url:
        page = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30).json()
        pages.append(page)
        seen, url = seen + _names(page), page["next"]
    assert seen == "abcde"
    assert {page["count"] for page in pages} == {5}
    assert [page["previous"] is None for page in pages] == [True, False, False]


def test_no_answer_repeats_a_search_in_an_address(history: Api) -> None:
    page = _listed(history, "search=.csv&page_size=2")
    assert (page["count"], page["next"], page["previous"]) == (5, None, None)
    posted = history.post(
        f"{JOBS}/search/",
        token=history.issuer.token(),
        json={"search": ".CSV", "page_size": 2, "page": 3, "ordering": "filename"},
    ).json()
    assert (_names(posted), posted["count"], posted["next"]) == ("e", 5, None)


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page_size=0",
        "page_size=201",
        "status=NOTHING",
        "ordering=user",
        "created_after=then",
        "created_after=0001-01-01T00:00:00%2B14:00",
        "search=%00",
    ],
)
def test_a_wrong_filter_is_named(history: Api, query: str) -> None:
    refused = history.get(f"{JOBS}/?{query}", token=history.issuer.token())
    assert (refused.status_code, refused.json()["code"]) == (422, "parameter_invalid")
    assert query.partition("=")[0] in refused.json()["detail"]


def test_both_families_answer_alike_with_and_without_a_slash(history: Api) -> None:
    upload_id = _listed(history, "")["results"][0]["id"]  # type: ignore[index]
    token = history.issuer.token()
    for path in (f"/{upload_id}", f"/{upload_id}/results", "?page_size=1"):
        answers = [
            history.get(
                family + path.replace("?", f"{slash}?") + (slash * ("?" not in path)), token=token
            )
            for family in (JOBS, ALIAS)
            for slash in ("", "/")
        ]
        assert {answer.status_code for answer in answers} == {200}
        bodies = {
            answer.text.replace(ALIAS, JOBS).split('"processing_duration"')[0] for answer in answers
        }
        assert len(bodies) == 1


def test_an_upload_has_exactly_the_fields_that_clients_know(shared_api: Api) -> None:
    upload = shared_api.add_upload(user_id="fields-1")
    runs = Runs(engine=shared_api.engine, upload_id=upload.id)
    hold = runs.held(now=datetime.now(UTC) - timedelta(seconds=10))
    store_rows(shared_api.engine, hold, accepted=4, rejected=1)
    answer(
        shared_api.engine,
        hold,
        make_result(1),
        make_result(2, Outcome.NOT_FOUND),
        make_result(3, Outcome.AMBIGUOUS),
    )
    token = shared_api.issuer.token(sub="fields-1")
    shown = shared_api.get(f"{JOBS}/{upload.id}/", token=token).json()
    assert set(shown) == FIELDS
    assert all(isinstance(shown[name], int) for name in FIELDS if name.endswith("_count"))
    assert (shown["status"], shown["celery_status"]) == ("PROCESSING", "STARTED")
    assert (shown["total_rows"], shown["processed_rows"]) == (5, 4)
    assert (shown["success_count"], shown["failure_count"]) == (2, 2)
    assert (shown["progress_percentage"], shown["success_rate"]) == (80.0, 50.0)
    progress = shared_api.get(f"{ALIAS}/{upload.id}/progress/", token=token).json()
    assert progress["job_id"] == upload.id
    assert progress["processed_rows"] == 4
    # Three rows were asked in ten seconds or a little more; one is left.
    assert 0.05 < progress["rows_per_second"] <= 0.3
    assert progress["eta_seconds"] == shown["eta_seconds"] or progress["eta_seconds"] >= 3
