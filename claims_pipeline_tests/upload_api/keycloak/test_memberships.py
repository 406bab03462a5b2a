"""Which organization a caller acts for."""

import pytest
from sqlalchemy import Engine

from claims_pipeline.store.tenants.organizations import find_organization, save_organization
from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.keycloak.memberships import (
    Membership,
    chosen_membership,
    memberships_of,
)
from claims_pipeline_tests.upload_api.api import Api

LIST = "/api/v1/claims/csv-jobs/"
ACME, OTHER = Membership(alias="acme"), Membership(alias="other")


@pytest.mark.parametrize(
    ("claim", "memberships"),
    [
        ("acme", [ACME]),
        (["acme"], [ACME]),
        ({"acme": {}}, [ACME]),
        ({"acme": {"id": "1"}}, [Membership(alias="acme", identity_id="1")]),
        ({"acme": {"id": "1", "city": ["X"]}}, [Membership(alias="acme", identity_id="1")]),
        (["acme", "other", "acme"], [ACME, OTHER]),
        ({"acme": {}, "other": {}}, [ACME, OTHER]),
        # An attribute of that name, which is a list, is not the id.
        ({"acme": {"id": ["1"]}}, [ACME]),
        ({"acme": None}, [ACME]),
        (["acme", 7, None, ["other"]], [ACME]),
        (None, []),
        ("", []),
        ([], []),
        ({}, []),
        (7, []),
        (True, []),
        ("a\x00", []),
    ],
)
def test_the_claim_is_read_in_every_shape(claim: object, memberships: list[Membership]) -> None:
    assert list(memberships_of(claim)) == memberships


def test_the_only_organization_needs_no_choice() -> None:
    assert chosen_membership([ACME], None) == ACME
    assert chosen_membership([ACME], "acme") == ACME


def test_one_of_several_is_chosen_by_its_alias() -> None:
    assert chosen_membership([ACME, OTHER], "other") == OTHER


@pytest.mark.parametrize(
    ("memberships", "wanted", "code"),
    [
        ([], None, "organization_missing"),
        ([], "acme", "organization_missing"),
        ([ACME, OTHER], None, "organization_required"),
        ([ACME, OTHER], "third", "organization_unknown"),
        ([ACME], "other", "organization_unknown"),
        ([ACME], "", "organization_unknown"),
    ],
)
def test_no_other_choice_is_made(
    memberships: list[Membership], wanted: str | None, code: str
) -> None:
    with pytest.raises(ApiError) as caught:
        chosen_membership(memberships, wanted)
    assert (caught.value.status, caught.value.code) == (403, code)


def found(engine: Engine, alias: str, identity_id: str | None = None) -> str | None:
    organization = find_organization(engine, alias=alias, identity_id=identity_id)
    return organization.id if organization else None


def test_an_organization_that_is_not_pinned_is_found_by_its_alias(engine: Engine) -> None:
    save_organization(engine, "acme", name=None, identity_id=None)
    assert found(engine, "acme") == "acme"
    assert found(engine, "acme", "1") == "acme"
    assert found(engine, "other") is None
    assert found(engine, "other", "1") is None


def test_a_pinned_organization_is_found_by_its_identity_only(engine: Engine) -> None:
    save_organization(engine, "acme", name=None, identity_id="1")
    assert found(engine, "acme", "1") == "acme"
    assert found(engine, "renamed", "1") == "acme"
    # The alias was given to somebody else, or is claimed without an id.
    assert found(engine, "acme", "2") is None
    assert found(engine, "acme") is None


def test_an_identity_comes_before_an_alias(engine: Engine) -> None:
    save_organization(engine, "acme", name=None, identity_id=None)
    save_organization(engine, "older", name=None, identity_id="1")
    assert found(engine, "acme", "1") == "older"


def test_the_header_chooses_among_the_tokens_organizations_only(api: Api) -> None:
    token = api.issuer.token(organization=["demo", "other"], roles=["claims-operator"])
    api.add_upload(organization_id="demo")
    for alias, count in (("demo", 1), ("other", 0)):
        answer = api.get(LIST, token=token, headers={"X-Organization": alias})
        assert answer.json()["count"] == count
    third = api.get(LIST, token=token, headers={"X-Organization": "third"})
    assert (third.status_code, third.json()["code"]) == (403, "organization_unknown")


def test_a_pinned_organization_is_closed_to_tokens_without_its_id(api: Api) -> None:
    save_organization(api.engine, "demo", name=None, identity_id="1")
    for claim, status in (("demo", 403), ({"demo": {"id": "2"}}, 403), ({"x": {"id": "1"}}, 200)):
        assert api.get(LIST, token=api.issuer.token(organization=claim)).status_code == status
