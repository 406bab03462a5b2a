"""Practices are imported by id, with at most one default."""

import pytest
from sqlalchemy import Engine

from claims_pipeline.errors import InputError
from claims_pipeline.model import Practice
from claims_pipeline.store.tenants.practices import ensure_organization, list_practices

_FIRST = Practice(practice_id="1", tin="070000001", name="First", is_default=True)
_SECOND = Practice(practice_id="2", tin="070000002", name="Second", payer_id="87726")


def test_practices_are_added_and_replaced_by_id(engine: Engine) -> None:
    ensure_organization(engine, "demo", "Demo", [_FIRST])
    ensure_organization(engine, "demo", "Demo", [_SECOND])
    assert list_practices(engine, "demo") == [_FIRST, _SECOND]
    renamed = Practice(practice_id="1", tin="070000009", name="Renamed", is_default=True)
    ensure_organization(engine, "demo", "Demo", [renamed])
    assert list_practices(engine, "demo") == [renamed, _SECOND]
    assert list_practices(engine, "other") == []


def test_a_new_default_takes_the_place_of_the_old(engine: Engine) -> None:
    ensure_organization(engine, "demo", "Demo", [_FIRST, _SECOND])
    new_default = Practice(practice_id="2", tin="070000002", name="2", is_default=True)
    ensure_organization(engine, "demo", "Demo", [new_default])
    defaults = [item.practice_id for item in list_practices(engine, "demo") if item.is_default]
    assert defaults == ["2"]


def test_ensuring_an_organization_again_keeps_it(engine: Engine) -> None:
    ensure_organization(engine, "demo", "Demo", [_FIRST])
    ensure_organization(engine, "demo", "Demo")
    assert list_practices(engine, "demo") == [_FIRST]


@pytest.mark.parametrize(
    ("practices", "code"),
    [
        ([_SECOND, _SECOND], "practice_repeated"),
        (
            [_FIRST, Practice(practice_id="3", tin="070000003", name="3", is_default=True)],
            "several_default_practices",
        ),
    ],
)
def test_what_cannot_be_imported_changes_nothing(
    engine: Engine, practices: list[Practice], code: str
) -> None:
    ensure_organization(engine, "demo", "Demo")
    with pytest.raises(InputError) as caught:
        ensure_organization(engine, "demo", "Demo", practices)
    assert caught.value.code == code
    assert list_practices(engine, "demo") == []
