"""Figures of the store and of HTTP requests, as Prometheus reads them."""

from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from claims_pipeline.model import Outcome
from claims_pipeline.store.database import writing
from claims_pipeline.store.tables import payer_calls, payer_limits
from claims_pipeline.upload_api.http.metrics import StoreCollector, exposition
from claims_pipeline_tests.store.builders import (
    NOW,
    answer,
    make_result,
    make_runs,
    make_upload,
    seconds_later,
    store_rows,
)


def samples(collector: StoreCollector) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels, sorted."""
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(exposition(collector).decode())
        for sample in family.samples
    }


def add_calls(engine: Engine, upload_id: str, *calls: tuple[str, int | None, float]) -> None:
    with writing(engine) as connection:
        for kind, status, duration_s in calls:
            connection.execute(
                payer_calls.insert().values(
                    organization_id="demo",
                    payer="uhc",
                    upload_id=upload_id,
                    attempt_id="0" * 36,
                    kind=kind,
                    started_at=NOW,
                    duration_s=duration_s,
                    http_status=status,
                    try_number=1,
                )
            )


def test_uploads_rows_and_ages_are_told(engine: Engine) -> None:
    runs = make_runs(engine)
    hold = runs.held()
    store_rows(engine, hold, accepted=3)
    answer(engine, hold, make_result(1), make_result(2, Outcome.NOT_FOUND))
    make_upload(engine, now=seconds_later(10))
    with writing(engine) as connection:
        for organization, open_until in (("a", 60), ("b", -60)):
            connection.execute(
                payer_limits.insert().values(
                    organization_id=organization,
                    payer="uhc",
                    breaker_open_until=seconds_later(open_until),
                )
            )

    found = samples(StoreCollector(engine, lambda: seconds_later(40)))

    assert found["claims_database_up",] == 1
    assert found["claims_uploads", "PROCESSING"] == 1
    assert found["claims_uploads", "PENDING"] == 1
    assert found["claims_uploads", "FAILED"] == 0
    assert found["claims_rows", "found"] == 1
    assert found["claims_rows", "not_found"] == 1
    assert found["claims_rows", "rejected"] == 0
    assert found["claims_payer_breakers_open", "uhc"] == 1
    assert found["claims_oldest_pending_upload_age_seconds",] == 30
    assert found["claims_oldest_heartbeat_age_seconds",] == 40


def test_an_empty_store_has_figures_too(engine: Engine) -> None:
    found = samples(StoreCollector(engine, lambda: NOW))
    assert found["claims_oldest_pending_upload_age_seconds",] == 0
    assert found["claims_rows", "unprocessed"] == 0


def test_calls_are_counted_once_and_stay_counted_when_their_upload_goes(engine: Engine) -> None:
    collector = StoreCollector(engine, lambda: NOW + timedelta(seconds=1))
    upload = make_upload(engine)
    add_calls(engine, upload.id, ("search", 200, 0.2), ("search", 200, 3.0), ("token", None, 60.5))

    first = samples(collector)
    assert first["claims_payer_calls_total", "200", "search", "uhc"] == 2
    assert first["claims_payer_calls_total", "none", "token", "uhc"] == 1
    bucket = "claims_payer_call_duration_seconds_bucket"
    assert first[bucket, "0.25", "search", "uhc"] == 1
    assert first[bucket, "5.0", "search", "uhc"] == 2
    assert first[bucket, "60.0", "token", "uhc"] == 0
    assert first[bucket, "+Inf", "token", "uhc"] == 1
    assert first["claims_payer_call_duration_seconds_sum", "search", "uhc"] == 3.2

    add_calls(engine, upload.id, ("search", 503, 0.1))
    samples(collector)  # Newer calls wait for one look more.
    with writing(engine) as connection:
        connection.execute(payer_calls.delete().where(payer_calls.c.http_status == 200))
    last = samples(collector)
    assert last["claims_payer_calls_total", "503", "search", "uhc"] == 1
    assert last["claims_payer_calls_total", "200", "search", "uhc"] == 2
    assert samples(collector) == last


def test_calls_are_counted_on_when_all_before_them_are_deleted(engine: Engine) -> None:
    collector = StoreCollector(engine, lambda: NOW)
    upload = make_upload(engine)
    add_calls(engine, upload.id, ("search", 200, 0.2), ("search", 200, 0.2))
    samples(collector)
    with writing(engine) as connection:
        connection.execute(payer_calls.delete())
    samples(collector)
    add_calls(engine, upload.id, ("search", 200, 0.2))
    samples(collector)
    assert samples(collector)["claims_payer_calls_total", "200", "search", "uhc"] == 3


def test_without_a_database_the_figures_say_so(empty_engine: Engine) -> None:
    found = samples(StoreCollector(empty_engine, lambda: NOW))
    assert found["claims_database_up",] == 0
    assert ("claims_uploads", "FAILED") not in found
