"""What searches have shown of a practice is kept while it is new and different."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Engine

from claims_pipeline.model import DateWindow, DensityObservation
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.ledger.densities import observations, record_observations
from claims_pipeline_tests.store.builders import ORGANIZATION, PAYER_ID, TIN, make_upload


def _observed(
    day: int, claims: int, *, at_least: bool = False, age_days: float = 0, tin: str = TIN
) -> DensityObservation:
    first = date(2026, 1, 1) + timedelta(days=day)
    return DensityObservation(
        tin=tin,
        payer_id=PAYER_ID,
        window=DateWindow(first, first + timedelta(days=6)),
        claims=claims,
        at_least=at_least,
        observed_at=datetime.now(UTC) - timedelta(days=age_days),
    )


def _record(engine: Engine, *items: DensityObservation) -> None:
    with writing(engine) as connection:
        record_observations(connection, ORGANIZATION, items, now=datetime.now(UTC))


def _known(engine: Engine, tin: str = TIN) -> list[DensityObservation]:
    with reading(engine) as connection:
        return observations(connection, ORGANIZATION, tin, PAYER_ID)


def test_observations_come_back_newest_first_for_their_practice(engine: Engine) -> None:
    make_upload(engine)
    older, newer = _observed(0, 10, age_days=2), _observed(7, 20, at_least=True, age_days=1)
    other = _observed(0, 5, tin="070000002")
    _record(engine, newer, older, other)
    assert _known(engine) == [newer, older]
    assert [item.observed_at for item in _known(engine)] == [newer.observed_at, older.observed_at]
    assert _known(engine, "070000002") == [other]


def test_a_newer_observation_replaces_one_of_the_same_window(engine: Engine) -> None:
    make_upload(engine)
    _record(engine, _observed(0, 10, at_least=True, age_days=1), _observed(7, 3, age_days=1))
    _record(engine, _observed(0, 30))
    assert [item.claims for item in _known(engine)] == [30, 3]


def test_one_without_an_instant_was_made_now(engine: Engine) -> None:
    make_upload(engine)
    window = DateWindow(date(2026, 1, 1), date(2026, 1, 7))
    _record(engine, DensityObservation(tin=TIN, payer_id=PAYER_ID, window=window, claims=1))
    (known,) = _known(engine)
    assert known.observed_at is not None
    assert datetime.now(UTC) - known.observed_at < timedelta(minutes=5)


def test_old_and_surplus_observations_are_dropped(engine: Engine) -> None:
    make_upload(engine)
    _record(engine, _observed(0, 1, age_days=181))
    assert _known(engine) == []
    _record(engine, *(_observed(day, day, age_days=1 + day / 1000) for day in range(2010)))
    assert len(_known(engine)) == 2000
    assert [item.claims for item in _known(engine)][:2] == [0, 1]
