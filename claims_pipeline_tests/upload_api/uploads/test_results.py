"""Results over HTTP: pages, search, downloads, rejected rows."""

import csv
import io
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

import openpyxl
import pytest
import requests

from claims_pipeline.folders import result_files
from claims_pipeline.model import (
    AdjudicationCode,
    Denial,
    DenialCategory,
    Outcome,
    Result,
    ServiceLine,
    UploadStatus,
)
from claims_pipeline.results_file.columns import RESULT_COLUMNS
from claims_pipeline.store import attempts, audit
from claims_pipeline.store.uploads import Upload, get_upload
from claims_pipeline_tests.store.builders import HEADER, Runs, answer, make_result, store_rows
from claims_pipeline_tests.upload_api.api import ORGANIZATION, Api, running_api

JOBS = "/api/v1/claims/csv-jobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An upload of seven rows: 1, 2 found, 3 not found, 4 and 5 open, 6 and 7 rejected."""

    api: Api
    id: str
    token: str

    def get(self, path: str, **options: object) -> requests.Response:
        return self.api.get(f"{JOBS}/{self.id}/{path}", token=self.token, **options)

    def post(self, path: str, **options: object) -> requests.Response:
        return self.api.post(f"{JOBS}/{self.id}/{path}", token=self.token, **options)

    @property
    def upload(self) -> Upload:
        found = get_upload(self.api.engine, self.id)
        assert found is not None
        return found

    def finish(self) -> None:
        attempt = attempts.latest_attempt(self.api.engine, self.id)
        assert attempt is not None
        attempts.finish(
            self.api.engine,
            self.id,
            UploadStatus.CANCELLED,
            attempt_id=attempt.id,
            now=datetime.now(UTC),
        )

    def write_files(self) -> None:
        result_files.write_files(self.api.engine, self.api.files, self.upload, bom=True)
        attempts.mark_files_written(self.api.engine, self.upload.attempt_id, datetime.now(UTC))


def _denied(row_number: int) -> Result:
    """A paid claim of which a line was denied."""
    result = make_result(row_number)
    (match,) = result.claims
    code = AdjudicationCode(kind="CARC", code="29", line_number="1")
    line = ServiceLine(number="1", allowed=Decimal(0), paid=Decimal(0), codes=(code,))
    denied = replace(
        match,
        claim=replace(match.claim, lines=(line,), codes=(code,)),
        open_amount=Decimal("200.00"),
        denial_category=DenialCategory.FILED_LATE,
        denials=(Denial(code="29", amount=Decimal("200.00")),),
    )
    return replace(result, claims=(denied,))


@pytest.fixture
def answered(shared_api: Api) -> Answered:
    return _answered(shared_api)


def _answered(api: Api) -> Answered:
    upload = api.add_upload(file_name="März Zoë.csv")
    runs = Runs(engine=api.engine, upload_id=upload.id)
    hold = runs.held(str(uuid4()))
    store_rows(api.engine, hold, accepted=5, rejected=2)
    answer(
        api.engine,
        hold,
        make_result(1, claims=2),
        _denied(2),
        make_result(3, Outcome.NOT_FOUND),
    )
    return Answered(api=api, id=upload.id, token=api.issuer.token(sub="analyst-1"))


def _lines(response: requests.Response) -> list[dict[str, str]]:
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))


def test_results_come_in_pages_with_links(answered: Answered) -> None:
    first = answered.get("results/?page_size=3").json()
    assert first["count"] == 7
    assert first["columns"] == list(HEADER)
    assert first["previous"] is None
    second = requests.get(
        first["next"], headers={"Authorization": f"Bearer {answered.token}"}, timeout=30
    ).json()
    numbers = [row["row_number"] for row in first["results"] + second["results"]]
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert "page=1" in second["previous"]


def test_a_result_has_its_cells_its_claims_and_what_to_do(answered: Answered) -> None:
    found, *_, rejected = answered.get("results/").json()["results"]
    assert found["cells"] == ["Émile", "Example1", "05/10/1975"]
    assert (found["outcome"], found["success"], found["claim_status"]) == ("found", True, "PAID")
    assert [match["primary"] for match in found["claims"]] == [True, False]
    assert found["claims"][0]["claim"]["total_paid"] == "99.95"
    assert found["payer_environment"] == "sandbox"
    assert (rejected["outcome"], rejected["error_code"]) == ("rejected", "value_missing")
    assert rejected["next_action_text"] == "Correct this row and upload it again."


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("outcome=found", [1, 2]),
        ("outcome=unprocessed", [4, 5]),
        ("outcome=&claim_status=", [1, 2, 3, 4, 5, 6, 7]),
        ("claim_status=PAID", [1, 2]),
        ("next_action=correct_row", [6, 7]),
        ("next_action=wait_to_be_asked", [4, 5]),
        ("denial_category=filed_late", [2]),
        ("denial_code=29", [2]),
        ("denial_code=2", []),
        ("open_at_least=100", [2]),
        ("open_at_least=200.01", []),
        ("days_since_service=1", [1, 2]),
        ("days_since_processed=36500", []),
        ("order=open", [2, 1, 3, 4, 5, 6, 7]),
        ("page=9", []),
    ],
)
def test_results_are_filtered(answered: Answered, query: str, numbers: list[int]) -> None:
    page = answered.get(f"results?{query}").json()
    assert [row["row_number"] for row in page["results"]] == numbers


@pytest.mark.parametrize(
    "query", ["outcome=nothing", "page=0", "page_size=201", "page=x", "next_action=%00"]
)
def test_a_wrong_filter_is_named_and_not_repeated(answered: Answered, query: str) -> None:
    refused = answered.get(f"results?{query}")
    name, _, value = query.partition("=")
    assert (refused.status_code, refused.json()["code"]) == (422, "parameter_invalid")
    assert name in refused.json()["detail"]
    assert value not in refused.json()["detail"]


def test_results_are_searched_by_a_body(answered: Answered) -> None:
    page = answered.post("results/search/", json={"search": "example2", "page_size": 5}).json()
    assert [row["row_number"] for row in page["results"]] == [2]
    assert (page["next"], page["previous"]) == (None, None)
    nobody = answered.post("results/search/", json={"search": "nobody"}).json()
    assert (nobody["count"], nobody["results"]) == (0, [])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"search": ""}',
        b'{"search": "a\\u0000"}',
        b'{"search": "a b c d e f g h i j k"}',
        b"[" * 20_000,
    ],
)
def test_a_search_that_is_none_is_refused(answered: Answered, body: bytes) -> None:
    refused = answered.post("results/search/", data=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "parameter_invalid")


def test_a_search_of_any_size_is_not_read(answered: Answered) -> None:
    refused = answered.post("results/search/", data=b" " * 70_000)
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("query", "headers"),
    [("format=csv&outcome=found", {}), ("outcome=found", {"Accept": "text/csv"})],
)
def test_wanted_results_come_as_csv(
    answered: Answered, query: str, headers: dict[str, str]
) -> None:
    lines = _lines(answered.get(f"results/?{query}", headers=headers))
    assert [line["row_number"] for line in lines] == ["1", "1", "2"]


def test_service_lines_of_wanted_results_come_as_csv(answered: Answered) -> None:
    for query in ("denial_code=29&format=lines", "format=lines"):
        lines = _lines(answered.get(f"results?{query}"))
        assert [(line["row_number"], line["adjustment_codes"]) for line in lines] == [("2", "29")]
    assert _lines(answered.get("results?denial_code=30&format=lines")) == []
    assert _lines(answered.get("download_results?format=lines"))[0]["denied"] == "Y"


def test_filters_about_claims_tell_how_many_claims_they_find(answered: Answered) -> None:
    assert answered.get("results?claim_status=PAID").json()["claims"] == 3
    assert answered.get("results?outcome=found").json()["claims"] is None


def test_an_upload_of_too_many_rows_has_no_workbook(shared_api: Api, tmp_path: Path) -> None:
    settings = {"CLAIMS_WORKBOOK_MAX_ROWS": "6"}
    with running_api(tmp_path / "home", shared_api.issuer, settings=settings) as api:
        answered = _answered(api)
        response = answered.get("download_results/?format=xlsx")
        assert response.status_code == 422
        assert response.json()["code"] == "too_many_rows_for_workbook"
        assert len(_lines(answered.get("download_results/"))) == 8


def test_a_running_upload_is_downloaded_as_far_as_it_is(answered: Answered) -> None:
    lines = _lines(answered.get("download_results/"))
    primary = [line["outcome"] for line in lines if line["primary"] == "Y"]
    assert primary == ["found", "found", "not_found", *["unprocessed"] * 2, *["rejected"] * 2]
    assert list(lines[0]) == [*HEADER, *RESULT_COLUMNS]


def test_a_workbook_is_made_of_a_running_upload_and_not_kept(answered: Answered) -> None:
    before = set(Path(answered.api.settings.resolved_files).rglob("*"))
    response = answered.get("download_results/?format=xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(response.content))["Claims"]
    assert sheet.max_row == 1 + 8
    assert set(Path(answered.api.settings.resolved_files).rglob("*")) == before


@pytest.mark.parametrize("kind", ["csv", "xlsx", "lines"])
def test_an_ended_upload_is_downloaded_as_its_run_wrote_it(answered: Answered, kind: str) -> None:
    answered.finish()
    answered.write_files()
    keys = result_files.file_keys(answered.upload)
    key = {"csv": keys.results_csv, "xlsx": keys.results_xlsx, "lines": keys.lines_csv}[kind]
    assert key is not None
    with answered.api.files.open(key) as stream:
        assert answered.get(f"download_results?format={kind}").content == stream.read()


def test_results_whose_files_are_gone_are_made_anew(answered: Answered) -> None:
    answered.finish()
    answered.write_files()
    answered.api.files.delete(result_files.file_keys(answered.upload).results_csv)
    assert len(_lines(answered.get("download_results/"))) == 8


def test_rejected_rows_come_as_csv_and_as_pages(answered: Answered) -> None:
    lines = _lines(answered.get("rejected_rows/"))
    assert [line["error_code"] for line in lines] == ["value_missing"] * 2
    page = answered.get("rejected_rows/?format=json&page_size=1").json()
    assert (page["count"], page["results"][0]["column"]) == (2, "date_of_birth")
    assert "page=2" in page["next"]


def test_a_download_carries_the_name_of_what_was_uploaded(answered: Answered) -> None:
    disposition = answered.get("download_results/").headers["Content-Disposition"]
    plain, _, full = disposition.partition("; filename*=UTF-8''")
    assert plain == 'attachment; filename="M_rz Zo_.results.csv"'
    assert unquote(full) == "März Zoë.results.csv"


def test_nothing_of_the_results_may_be_cached(answered: Answered) -> None:
    for path in ("results/", "results/?format=csv", "download_results/", "rejected_rows/"):
        assert answered.get(path).headers["Cache-Control"] == "no-store"


def test_views_and_downloads_stand_in_the_audit_log(answered: Answered) -> None:
    answered.get("results/")
    answered.post("results/search/", json={"search": "example"})
    answered.get("download_results/")
    answered.get("rejected_rows/")
    entries = audit.list_entries(answered.api.engine, organization_id=ORGANIZATION, page_size=4)
    assert [(entry.action, entry.upload_id, entry.actor) for entry in reversed(entries)] == [
        (action, answered.id, "analyst-1") for action in ("view", "view", "download", "download")
    ]
