"""Many practices take long to plan; what the lane is asking meanwhile stays its own."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from claims_pipeline.model import QueryKind, UploadOptions
from claims_pipeline.model.request_columns import RequestColumns
from claims_pipeline.payers import registry
from claims_pipeline.payers.base import Payer
from claims_pipeline.payers.uhc.adapter import CAPABILITIES
from claims_pipeline.planning import Terms
from claims_pipeline.querying import plan_open_groups
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.settings import load_settings
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.ledger.ledger import Ledger
from claims_pipeline.store.payer_caps.limiter import DatabaseLimiter
from claims_pipeline.store.rows import stored
from claims_pipeline_tests.store.builders import HEADER, NOW, ORGANIZATION, make_request, make_runs

LEASE_S = 60
TERMS = Terms(
    capabilities=CAPABILITIES,
    options=UploadOptions(),
    today=NOW.date(),
    slack_days=7,
    threads=4,
)


def seconds_planned(engine: Engine) -> float:
    """As if each query took a quarter of a lease to plan."""
    with reading(engine) as connection:
        planned = connection.execute(select(func.count()).select_from(tables.queries)).scalar_one()
    return planned * LEASE_S / 4


@pytest.fixture
def payer(engine: Engine, tmp_path: Path) -> Iterator[Payer]:
    # Planning asks nobody: nothing is there.
    nowhere = Sandbox(url="http://127.0.0.1:9", seed=0)
    settings = load_settings({**nowhere.settings(), "CLAIMS_HOME": str(tmp_path)})
    with (
        closing(
            DatabaseLimiter(
                engine,
                organization_id=ORGANIZATION,
                payer="uhc",
                max_concurrency=4,
                calls_per_second=100.0,
            )
        ) as limiter,
        closing(
            registry.connect(
                "uhc",
                settings=settings,
                limiter=limiter,
                on_call=lambda _: None,
                stop=threading.Event(),
                correlation_id=None,
            )
        ) as connected,
    ):
        yield connected


def test_a_lane_keeps_what_it_is_asking_while_it_plans_many_practices(
    engine: Engine, payer: Payer
) -> None:
    def clock() -> datetime:
        return NOW + timedelta(seconds=seconds_planned(engine))

    hold = make_runs(engine).held()
    lane, other = (Ledger(engine, hold, lease_s=LEASE_S, now=clock) for _ in range(2))
    stored.begin_rows(engine, hold, HEADER)
    stored.add_rows(engine, hold, RequestColumns.of([make_request(1)]), [])
    plan_open_groups(lane, payer, TERMS)
    [asking] = lane.lease(10)
    practices = [replace(make_request(n), tin=f"0700001{n:02}") for n in range(2, 12)]
    stored.add_rows(engine, hold, RequestColumns.of(practices), [])

    plan_open_groups(lane, payer, TERMS)

    assert clock() - NOW > timedelta(seconds=2 * LEASE_S)
    leased_elsewhere = other.lease(100)
    assert len(leased_elsewhere) == len(practices)
    assert asking.query_id not in {leased.query_id for leased in leased_elsewhere}


def test_rows_of_two_members_are_never_one_single(engine: Engine, payer: Payer) -> None:
    first = replace(make_request(1), patient=replace(make_request(1).patient, last_name="Example"))
    one_member = [first, replace(first, row_number=3, subscriber_id="900-02")]
    others = [
        replace(first, row_number=2, subscriber_id="90001"),
        replace(first, row_number=4, subscriber_id="900-03X"),
        replace(first, row_number=5, subscriber_first_name="Noor"),
        replace(first, row_number=6, patient=replace(first.patient, gender="M")),
        replace(first, row_number=7, subscriber_id=None),
    ]
    hold = make_runs(engine).held()
    ledger = Ledger(engine, hold, lease_s=LEASE_S, now=lambda: NOW)
    stored.begin_rows(engine, hold, HEADER)
    stored.add_rows(engine, hold, RequestColumns.of([*one_member, *others]), [])

    plan_open_groups(ledger, payer, replace(TERMS, options=UploadOptions(use_sweeps=False)))

    planned = [leased.query for leased in ledger.lease(10)]
    assert {query.kind for query in planned} == {QueryKind.SINGLE}
    asked_together = sorted(query.row_numbers for query in planned)
    assert asked_together == [(1, 3), (2,), (4,), (5,), (6,), (7,)]


def test_a_lane_of_one_channel_leaves_the_rows_of_others_alone(
    engine: Engine, payer: Payer
) -> None:
    hold = make_runs(engine).held()
    here, there = (
        Ledger(engine, hold, lease_s=LEASE_S, now=lambda: NOW, payer_ids=ids)
        for ids in ({"87726"}, {"NORD1"})
    )
    other = replace(make_request(2), payer="north", payer_id="NORD1")
    stored.begin_rows(engine, hold, HEADER)
    stored.add_rows(engine, hold, RequestColumns.of([make_request(1), other]), [])

    plan_open_groups(here, payer, TERMS)
    assert not there.others_are_asking()
    assert there.lease(10) == []
    plan_open_groups(there, payer, TERMS)

    assert [leased.query.payer_id for leased in here.lease(10)] == ["87726"]
    assert [leased.query.payer_id for leased in there.lease(10)] == ["NORD1"]
    assert (here.open_row_numbers(10), there.open_row_numbers(10)) == ([1], [2])
    assert here.has_open_rows()
    assert sorted(stored.payers_of_rows(engine, hold.upload_id)) == [
        ("north", "NORD1"),
        ("uhc", "87726"),
    ]
