"""An organization's payers are added and replaced by short name, all or none."""

import pytest
from sqlalchemy import Engine

from claims_pipeline.errors import InputError
from claims_pipeline.model import ListedPayer
from claims_pipeline.store.tenants.payers import list_names, list_payers, save_payers
from claims_pipeline.store.tenants.practices import ensure_organization

_NORTH = ListedPayer(
    payer="north",
    payer_id="NORD1",
    name="North Mutual",
    aliases=("NM", "North*"),
    channel="uhc",
    channel_payer_id="99001",
    timezone="America/Chicago",
)
_WEST = ListedPayer(payer="west", payer_id="WEST1", name="West", channel="stedi", active=False)


def test_payers_are_added_and_replaced_by_their_short_names(engine: Engine) -> None:
    ensure_organization(engine, "demo", "Demo")
    ensure_organization(engine, "other", "Other")
    save_payers(engine, "demo", [_WEST, _NORTH])
    renamed = ListedPayer(payer="west", payer_id="WEST2", name="West Plan", channel="uhc")
    save_payers(engine, "demo", [renamed])
    save_payers(engine, "other", [_WEST])

    assert list_payers(engine, "demo") == [_NORTH, renamed]
    assert list_payers(engine, "other") == [_WEST]
    assert list_names(engine, channels={"uhc"}) == {"demo": ["north", "west"], "other": []}


def test_two_payers_of_one_id_change_nothing(engine: Engine) -> None:
    ensure_organization(engine, "demo", "Demo")
    save_payers(engine, "demo", [_NORTH])
    twin = ListedPayer(payer="twin", payer_id="NORD1", name="Twin", channel="uhc")
    with pytest.raises(InputError) as refused:
        save_payers(engine, "demo", [_WEST, twin])
    assert refused.value.code == "payers_refused"
    assert list_payers(engine, "demo") == [_NORTH]


def test_one_id_is_never_asked_through_two_channels(engine: Engine) -> None:
    ensure_organization(engine, "demo", "Demo")
    other = ListedPayer(
        payer="other", payer_id="OTHR1", name="Other", channel="stedi", channel_payer_id="99001"
    )
    with pytest.raises(InputError) as refused:
        save_payers(engine, "demo", [_NORTH, other])
    assert refused.value.code == "payer_channels_differ"
    assert list_payers(engine, "demo") == []
