"""Checking a file without handing it in, and templates to begin with."""

from dataclasses import replace
from pathlib import Path

import pytest
import requests

from claims_pipeline.store import audit
from claims_pipeline.store.tenants.practices import ensure_organization
from claims_pipeline.store.uploads import list_uploads
from claims_pipeline_tests.pipeline import sandbox_practices
from claims_pipeline_tests.upload_api.api import ORGANIZATION, Api

BULK = "/api/v1/claims/bulk"
HEADER = b"claim_number,first_name,last_name,date_of_birth\n"
GOOD = b"FH00000001,Ada,Example,05/10/1975\n"
BAD = b"FH00000002,Ada,Example,\n"


def _verify(api: Api, content: bytes, **fields: str) -> requests.Response:
    return api.post(
        f"{BULK}/verify/",
        token=api.issuer.token(),
        files={"file": ("worklist.csv", content, "text/csv")},
        data=fields,
    )


def _files(api: Api) -> set[Path]:
    return {path for path in Path(api.settings.resolved_files).rglob("*") if path.is_file()}


def test_a_check_counts_rows_shows_errors_and_plans(shared_api: Api) -> None:
    found = _verify(shared_api, HEADER + GOOD + BAD + GOOD).json()
    assert (found["total_rows"], found["accepted_rows"], found["rejected_rows"]) == (3, 2, 1)
    assert found["duplicate_rows"] == 1
    [error] = found["errors"]
    assert (error["row_number"], error["line_number"], error["column"]) == (2, 3, "date_of_birth")
    assert error["code"] == "required"
    assert found["file_error"] is None
    assert found["plan"]["estimated_calls"] >= found["plan"]["queries"] >= 1


def test_a_check_keeps_nothing_but_its_entry_in_the_audit_log(shared_api: Api) -> None:
    before = _files(shared_api)
    assert _verify(shared_api, HEADER + GOOD).status_code == 200
    assert _files(shared_api) == before
    assert list_uploads(shared_api.engine, organization_id=ORGANIZATION).total == 0
    [entry] = audit.list_entries(shared_api.engine, organization_id=ORGANIZATION, page_size=1)
    assert (entry.action, entry.actor, entry.upload_id) == ("verify", "analyst-1", None)


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"PK\x03\x04" + b"\0" * 100, "archive"), (b"", "file_empty"), (HEADER, "header_only")],
)
def test_a_file_that_is_refused_is_a_finding(shared_api: Api, content: bytes, code: str) -> None:
    answer = _verify(shared_api, content)
    assert answer.status_code == 200
    assert answer.json()["file_error"]["code"] == code
    assert answer.json()["total_rows"] == 0


def test_the_first_hundred_errors_are_shown_and_all_are_counted(shared_api: Api) -> None:
    found = _verify(shared_api, HEADER + BAD * 150).json()
    assert (found["rejected_rows"], len(found["errors"])) == (150, 100)


def test_the_fields_of_the_form_are_checked_as_for_an_upload(shared_api: Api) -> None:
    refused = _verify(shared_api, HEADER + GOOD, provider="nobody")
    assert (refused.status_code, refused.json()["code"]) == (422, "payer_unknown")
    assert _files(shared_api) == set()


def test_sweeps_are_planned_as_the_form_says(shared_api: Api) -> None:
    rows = b"".join(b"FH%08d,Ada%c,Example,05/10/1975\n" % (n, 65 + n) for n in range(20))
    alone = _verify(shared_api, HEADER + rows, use_batch_query="off").json()["plan"]
    assert alone["estimated_calls"] == alone["one_per_row_calls"]


@pytest.mark.parametrize("shape", ["claims", "patients", "practices"])
def test_a_template_verifies_as_it_is(shared_api: Api, shape: str) -> None:
    template = shared_api.get(
        f"{BULK}/template.csv", params={"shape": shape}, token=shared_api.issuer.token()
    )
    assert template.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert f'filename="{shape}-template.csv"' in template.headers["Content-Disposition"]
    found = _verify(shared_api, template.content).json()
    assert (found["accepted_rows"], found["errors"], found["file_error"]) == (2, [], None)


def test_a_template_names_the_practice_where_there_is_no_default(shared_api: Api) -> None:
    [first, _] = sandbox_practices()
    ensure_organization(shared_api.engine, "undecided", "Undecided", [])
    token = shared_api.issuer.token(organization="undecided")
    without = shared_api.get(f"{BULK}/template.csv", token=token)
    assert (without.status_code, without.json()["code"]) == (422, "practices_missing")
    ensure_organization(
        shared_api.engine, "undecided", "Undecided", [replace(first, is_default=False)]
    )
    assert (
        b"practice_id,claim_number" in shared_api.get(f"{BULK}/template.csv", token=token).content
    )


CARE = b"First Name,Last Name,DOB,Dates of Care\nAda,Example,05/10/1975,10/05/2026\n"


def test_a_check_says_what_columns_were_read_as_and_what_was_left_out(shared_api: Api) -> None:
    content = b"Report\nPt First,Pt Last,D.O.B.,Biller\nAda,Example,,x\nBen,Example,05/10/1975,x\n"
    found = _verify(shared_api, content + b"Total:,1,,\n").json()
    assert [(column["header"], column["read_as"]) for column in found["columns"]] == [
        ("Pt First", "first_name"),
        ("Pt Last", "last_name"),
        ("D.O.B.", "date_of_birth"),
        ("Biller", None),
    ]
    assert found["left_out"] == [
        {"line_number": 1, "reason": "above the header"},
        {"line_number": 5, "reason": "total"},
    ]
    assert (found["total_rows"], found["left_out_lines"]) == (2, 2)
    assert found["errors"][0]["header"] == "D.O.B."


def test_a_column_that_needs_a_decision_is_a_finding_that_says_which(shared_api: Api) -> None:
    found = _verify(shared_api, CARE).json()
    assert found["file_error"]["code"] == "columns_uncertain"
    assert found["columns"][3] == {
        "header": "Dates of Care",
        "read_as": None,
        "may_be": "first_service_date",
    }
    decided = _verify(shared_api, CARE, column_map='{"Dates of Care": "first_service_date"}').json()
    assert (decided["file_error"], decided["accepted_rows"]) == (None, 1)
    ignored = _verify(shared_api, CARE, **{"map:Dates of Care": "ignore"}).json()
    assert ignored["accepted_rows"] == 1


@pytest.mark.parametrize("column_map", ["x", "[]", '{"DOB": "dob"}', "{" * 500, "1"])
def test_a_column_map_that_is_none_is_refused(shared_api: Api, column_map: str) -> None:
    answer = _verify(shared_api, CARE, column_map=column_map)
    assert (answer.status_code, answer.json()["code"]) == (422, "column_map_invalid")


def test_all_errors_are_listed_when_they_are_asked_for(shared_api: Api) -> None:
    files = {"file": ("worklist.csv", HEADER + BAD * 150, "text/csv")}
    for query, listed in (("", 100), ("?all_errors=true", 150)):
        answer = shared_api.post(
            f"{BULK}/verify/{query}", token=shared_api.issuer.token(), files=files
        )
        assert len(answer.json()["errors"]) == listed
