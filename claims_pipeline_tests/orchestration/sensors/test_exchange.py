"""The sensor that exchanges files with clearinghouses: what it moves, shows and keeps to itself."""

from datetime import date, timedelta

import dagster as dg

from claims_pipeline.model import DateWindow
from claims_pipeline.operations.doctor.findings import State
from claims_pipeline.operations.doctor.partners import examine_partners
from claims_pipeline.orchestration.held_step import now
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.orchestration.sensors.exchange import x12_exchange_sensor
from claims_pipeline.payers.x12.inquiries import Inquiry
from claims_pipeline.sandbox.world.world import World
from claims_pipeline.sandbox.x12.clearinghouse import Clearinghouse
from claims_pipeline.store import attempts
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.web.metrics import store_metrics
from claims_pipeline.store.x12.outgoing import NewInquiry, queue
from claims_pipeline.store.x12.partners import save_partners
from claims_pipeline_tests.payers.x12.builders import make_inquiry, make_partner
from claims_pipeline_tests.pipeline import ORGANIZATION, Pipeline

_ROWS = b"claim_number,first_name,last_name,date_of_birth\nFH1,ADA,EXAMPLE,05/10/1975\n"


def tick(pipeline: Pipeline, cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
    context = dg.build_sensor_context(instance=pipeline.instance, cursor=cursor)
    result = x12_exchange_sensor(context, store=StoreResource())
    assert isinstance(result, (dg.SensorResult, dg.SkipReason))
    return result


def queued(pipeline: Pipeline, inquiry: Inquiry) -> None:
    upload_id = pipeline.upload(_ROWS)
    attempt = attempts.latest_attempt(pipeline.engine, upload_id)
    assert attempt is not None
    with writing(pipeline.engine) as connection:
        new = NewInquiry(
            reference="a" * 24,
            organization_id=ORGANIZATION,
            upload_id=upload_id,
            attempt_id=attempt.id,
            partner="demo",
            inquiry=inquiry,
        )
        queue(connection, [new], now=now() - timedelta(minutes=1))


def shown(result: dg.SensorResult) -> dict[str, object]:
    (event,) = result.asset_events
    return {name: value.value for name, value in event.metadata.items()}


def clearinghouse(pipeline: Pipeline) -> Clearinghouse:
    folder = pipeline.settings.x12_folder / "demo"
    return Clearinghouse(
        outgoing=folder / "outgoing",
        incoming=folder / "incoming",
        make_world=lambda day: World(seed=7, today=day),
        today=lambda: date(2026, 11, 30),
        delay=timedelta(0),
    )


def test_without_partners_it_has_nothing_to_do(pipeline: Pipeline) -> None:
    assert isinstance(tick(pipeline), dg.SkipReason)


def test_it_writes_what_is_queued_and_takes_what_comes_back(pipeline: Pipeline) -> None:
    save_partners(pipeline.engine, ORGANIZATION, [make_partner()])
    queued(
        pipeline,
        make_inquiry(
            provider=make_inquiry().provider.__class__(name="Sample", tin="070000001"),
            window=DateWindow(date(2026, 10, 25), date(2026, 11, 5)),
        ),
    )
    sent = tick(pipeline)
    assert isinstance(sent, dg.SensorResult)
    assert shown(sent)["files_sent"] == 1
    assert shown(sent)["inquiries_awaited"] == 1
    clearinghouse(pipeline).step()
    first = tick(pipeline)
    assert isinstance(first, dg.SensorResult)
    assert not first.asset_events
    taken = tick(pipeline, first.cursor)
    assert isinstance(taken, dg.SensorResult)
    assert shown(taken)["files_taken"] == 3
    assert shown(taken)["answers"] == 1
    assert shown(taken)["inquiries_awaited"] == 0
    rest = tick(pipeline, taken.cursor)
    assert isinstance(rest, dg.SensorResult)
    assert not rest.asset_events


def test_what_it_shows_names_nobody(pipeline: Pipeline) -> None:
    save_partners(pipeline.engine, ORGANIZATION, [make_partner()])
    queued(pipeline, make_inquiry())
    result = tick(pipeline)
    assert isinstance(result, dg.SensorResult)
    told = f"{result.skip_reason} {result.cursor} {shown(result)}"
    for value in ("EXAMPLE", "Example", "ADA", "M00000001", "aaaa"):
        assert value not in told


def test_a_partner_that_owes_answers_is_told_to_operators(pipeline: Pipeline) -> None:
    save_partners(pipeline.engine, ORGANIZATION, [make_partner()])
    queued(pipeline, make_inquiry())
    tick(pipeline)
    (fine,) = examine_partners(pipeline.settings, now())
    assert fine.state is State.OK
    later = now() + timedelta(days=5)
    (overdue,) = examine_partners(pipeline.settings, later)
    assert overdue.state is State.FAILED
    assert "1 of 1 inquiries" in overdue.message
    with reading(pipeline.engine) as connection:
        (owed,) = store_metrics(connection, later).awaited_of_partners
    assert (owed.partner, owed.awaited, owed.overdue) == ("demo", 1, 1)
