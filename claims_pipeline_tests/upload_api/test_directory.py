"""The organization's payers and practices by the API and on a page, and files of many payers."""

from dataclasses import replace

import pytest

from claims_pipeline.model import ListedPayer, Practice
from claims_pipeline.store.tenants.payers import save_payers
from claims_pipeline.store.tenants.practices import ensure_organization
from claims_pipeline.store.uploads import get_upload
from claims_pipeline_tests.upload_api.api import ORGANIZATION, Api

NORTH = ListedPayer(
    payer="north", payer_id="NORD1", name="North Mutual", aliases=("NM",), channel="uhc"
)
WEST = ListedPayer(payer="west", payer_id="WEST1", name="West Plan", channel="portal")
UHC = ListedPayer(payer="uhc", payer_id="87726", name="UnitedHealthcare", channel="uhc")
ROWS = (
    b"first_name,last_name,date_of_birth,payer\n"
    b"Ada,Example,05/10/1975,UnitedHealthcare\nBen,Example,05/10/1975,NM\n"
    b"Cy,Example,05/10/1975,West Plan\n"
)


@pytest.fixture
def api_of_payers(api: Api) -> Api:
    """An organization that has three payers, one of which cannot be asked."""
    practice = Practice(
        practice_id="1", tin="070000001", name="North", npi="1234567893", is_default=True
    )
    ensure_organization(api.engine, ORGANIZATION, "Demo", [practice])
    save_payers(api.engine, ORGANIZATION, [NORTH, WEST, UHC])
    return api


def test_the_payers_are_listed_with_what_can_be_asked(api_of_payers: Api) -> None:
    found = api_of_payers.get("/api/v1/claims/payers/", token=api_of_payers.issuer.token()).json()

    assert found["count"] == 3
    assert [(p["id"], p["payer_id"], p["connected"]) for p in found["results"]] == [
        ("north", "NORD1", True),
        ("uhc", "87726", True),
        ("west", "WEST1", False),
    ]


@pytest.mark.parametrize("path", ["claims/practices/", "claims/practices", "providers/practices/"])
def test_the_practices_are_listed_under_both_addresses(api_of_payers: Api, path: str) -> None:
    found = api_of_payers.get(f"/api/v1/{path}", token=api_of_payers.issuer.token()).json()

    mine = [practice for practice in found["results"] if practice["id"] == "1"]
    assert found["count"] == len(found["results"])
    assert mine == [
        {
            "id": "1",
            "name": "North",
            "tin": "070000001",
            "npi": "1234567893",
            "payer_id": None,
            "is_default": True,
        }
    ]


def test_without_a_list_of_its_own_an_organization_has_the_payers_with_an_adapter(
    api: Api,
) -> None:
    found = api.get("/api/v1/claims/payers", token=api.issuer.token()).json()
    assert [(p["id"], p["connected"]) for p in found["results"]] == [("uhc", True)]


def test_a_check_of_many_payers_counts_the_rows_of_each(api_of_payers: Api) -> None:
    found = api_of_payers.post(
        "/api/v1/claims/bulk/verify",
        token=api_of_payers.issuer.token(),
        files={"file": ("worklist.csv", ROWS, "text/csv")},
        data={"provider": "AUTO"},
    ).json()

    assert (found["accepted_rows"], found["rejected_rows"]) == (2, 1)
    assert found["errors"][0]["code"] == "payer_not_connected"
    assert sorted((p["payer"], p["channel"] or "", p["rows"]) for p in found["payers"]) == [
        ("West Plan", "", 1),
        ("north", "uhc", 1),
        ("uhc", "uhc", 1),
    ]


@pytest.mark.parametrize(
    ("provider", "code"), [("nobody", "payer_unknown"), ("west", "payer_not_connected")]
)
def test_a_file_for_a_payer_that_cannot_be_asked_is_refused(
    api_of_payers: Api, provider: str, code: str
) -> None:
    answer = api_of_payers.post(
        "/api/v1/claims/bulk/upload",
        token=api_of_payers.issuer.token(),
        files={"file": ("worklist.csv", ROWS, "text/csv")},
        data={"provider": provider},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_file_of_many_payers_is_taken_and_shown_as_such(api_of_payers: Api) -> None:
    answer = api_of_payers.post(
        "/api/v1/claims/bulk/upload",
        token=api_of_payers.issuer.token(),
        files={"file": ("worklist.csv", ROWS, "text/csv")},
        data={"provider": "auto"},
    )
    assert (answer.status_code, answer.json()["provider"]) == (201, "auto")
    upload = get_upload(api_of_payers.engine, answer.json()["id"])
    assert upload is not None
    assert upload.payer == "auto"


def test_payers_of_one_organization_are_not_another_ones(api_of_payers: Api) -> None:
    ensure_organization(api_of_payers.engine, "other", "Other")
    save_payers(api_of_payers.engine, "other", [replace(WEST, name="Elsewhere")])
    text = api_of_payers.get("/api/v1/claims/payers", token=api_of_payers.issuer.token()).text
    assert "Elsewhere" not in text
