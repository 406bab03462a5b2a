"""Made-up workloads: practices of every size, and the rows people ask about."""

import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import numpy as np

from claims_pipeline.model import DateWindow
from claims_pipeline.planning import Span
from claims_pipeline_tests.planning.payer_model import OLDEST, TODAY, Row, Workload, dated

_DAYS = (TODAY - OLDEST).days + 1
_SLACK = 7
_WEEK = (1.2, 1.3, 1.25, 1.2, 1.15, 0.6, 0.3)


def practice(
    dice: random.Random, *, claims_a_day: float, growth: float = 0.0, season: float = 0.2
) -> np.ndarray:
    """Claims by day: busy in the week, quiet at the weekend, with a season and a trend."""
    noise = np.random.default_rng(dice.randrange(2**32))
    day = np.arange(_DAYS)
    weekday = np.array([_WEEK[(OLDEST + timedelta(days=int(d))).weekday()] for d in day])
    rate = claims_a_day * weekday * (1 + season * np.sin(day / 58)) * (1 + growth * day / _DAYS)
    return noise.poisson(np.maximum(rate, 0))


def visit(dice: random.Random, *, patient: int, day: date, missing: float = 0.1) -> Row:
    """A row that names its date of service; some have no claim."""
    first = max(OLDEST, day - timedelta(days=_SLACK))
    last = min(TODAY, day + timedelta(days=_SLACK))
    return Row(
        patient=patient,
        span=dated(first, last),
        claim_day=None if dice.random() < missing else day,
    )


def undated(dice: random.Random, *, patient: int, missing: float = 0.2) -> Row:
    """A row with a claim number and no date: searched until found."""
    newest = DateWindow(TODAY - timedelta(days=89), TODAY)
    day = TODAY - timedelta(days=int(min(_DAYS - 1, dice.expovariate(1 / 120))))
    return Row(
        patient=patient,
        span=Span(
            window=DateWindow(OLDEST, TODAY),
            first_wave=newest,
            until_found=True,
            max_window_days=90,
        ),
        claim_day=None if dice.random() < missing else day,
    )


def _days_ago(dice: random.Random, low: int, high: int) -> date:
    return TODAY - timedelta(days=dice.randint(low, high))


def few_rows_in_a_busy_practice(dice: random.Random) -> Workload:
    rows = [visit(dice, patient=n, day=_days_ago(dice, 10, 400)) for n in range(20)]
    return Workload(
        name="20 rows over a year, 40 claims a day",
        rows=tuple(rows),
        claims_by_day=practice(dice, claims_a_day=40),
    )


def many_rows_in_a_quiet_practice(dice: random.Random) -> Workload:
    rows = [visit(dice, patient=n, day=_days_ago(dice, 10, 300)) for n in range(300)]
    return Workload(
        name="300 rows over 10 months, 1 claim a day",
        rows=tuple(rows),
        claims_by_day=practice(dice, claims_a_day=1),
    )


def a_thousand_rows_of_two_months(dice: random.Random) -> Workload:
    rows = [visit(dice, patient=n, day=_days_ago(dice, 20, 80)) for n in range(1000)]
    return Workload(
        name="1,000 rows of two months, 20 claims a day",
        rows=tuple(rows),
        claims_by_day=practice(dice, claims_a_day=20),
    )


def recent_rows(dice: random.Random, *, rows: int) -> Workload:
    return Workload(
        name=f"{rows:,} rows of ten weeks, 20 claims a day",
        rows=tuple(visit(dice, patient=n, day=_days_ago(dice, 10, 70)) for n in range(rows)),
        claims_by_day=practice(dice, claims_a_day=20),
    )


def clustered_dates(dice: random.Random) -> Workload:
    centres = [_days_ago(dice, 20, 600) for _ in range(4)]
    rows = [
        visit(dice, patient=n, day=dice.choice(centres) + timedelta(days=dice.randint(-3, 3)))
        for n in range(120)
    ]
    return Workload(
        name="120 rows around 4 dates, 10 claims a day",
        rows=tuple(rows),
        claims_by_day=practice(dice, claims_a_day=10),
    )


def clusters_and_strays(dice: random.Random) -> Workload:
    centre = _days_ago(dice, 60, 400)
    rows = [
        visit(dice, patient=n, day=centre + timedelta(days=dice.randint(-5, 5))) for n in range(80)
    ]
    rows += [visit(dice, patient=100 + n, day=_days_ago(dice, 10, 700)) for n in range(25)]
    return Workload(
        name="80 rows of one fortnight and 25 strays, 15 claims a day",
        rows=tuple(rows),
        claims_by_day=practice(dice, claims_a_day=15),
    )


def one_patient_with_many_claims(dice: random.Random) -> Workload:
    rows = [visit(dice, patient=1, day=_days_ago(dice, 10, 600)) for _ in range(60)]
    return Workload(
        name="60 visits of one patient, 20 claims a day",
        rows=tuple(rows),
        claims_by_day=practice(dice, claims_a_day=20),
    )


def a_few_patients_seen_weekly(dice: random.Random) -> Workload:
    rows = [
        visit(dice, patient=n, day=TODAY - timedelta(days=10 + 7 * week))
        for n in range(12)
        for week in range(20)
    ]
    return Workload(
        name="12 patients weekly for 5 months, 5 claims a day",
        rows=tuple(rows),
        claims_by_day=practice(dice, claims_a_day=5),
    )


def no_dates(dice: random.Random) -> Workload:
    rows = [undated(dice, patient=n) for n in range(200)]
    return Workload(
        name="200 claim numbers without dates, 3 claims a day",
        rows=tuple(rows),
        claims_by_day=practice(dice, claims_a_day=3),
    )


def few_rows_without_dates(dice: random.Random) -> Workload:
    rows = [undated(dice, patient=n) for n in range(6)]
    return Workload(
        name="6 claim numbers without dates, 20 claims a day",
        rows=tuple(rows),
        claims_by_day=practice(dice, claims_a_day=20),
    )


def much_not_found(dice: random.Random) -> Workload:
    rows = [visit(dice, patient=n, day=_days_ago(dice, 10, 365), missing=0.8) for n in range(400)]
    return Workload(
        name="400 rows of a year, most not found, 2 claims a day",
        rows=tuple(rows),
        claims_by_day=practice(dice, claims_a_day=2),
    )


def above_the_cap_every_day(dice: random.Random) -> Workload:
    rows = [visit(dice, patient=n, day=_days_ago(dice, 10, 40)) for n in range(50)]
    return Workload(
        name="50 rows of a month, 700 claims a day",
        rows=tuple(rows),
        claims_by_day=practice(dice, claims_a_day=700),
    )


def a_busy_practice_and_very_many_rows(dice: random.Random) -> Workload:
    rows = [visit(dice, patient=n, day=_days_ago(dice, 10, 700)) for n in range(10_000)]
    return Workload(
        name="10,000 rows of two years, 200 claims a day",
        rows=tuple(rows),
        claims_by_day=practice(dice, claims_a_day=200),
    )


def growing_practice(dice: random.Random) -> Workload:
    rows = [visit(dice, patient=n, day=_days_ago(dice, 5, 720)) for n in range(250)]
    return Workload(
        name="250 rows of two years, 1 to 16 claims a day",
        rows=tuple(rows),
        claims_by_day=practice(dice, claims_a_day=1, growth=15),
    )


def one_row(dice: random.Random) -> Workload:
    return Workload(
        name="1 row, 20 claims a day",
        rows=(visit(dice, patient=1, day=_days_ago(dice, 10, 300)),),
        claims_by_day=practice(dice, claims_a_day=20),
    )


NAMED: tuple[Callable[[random.Random], Workload], ...] = (
    one_row,
    few_rows_in_a_busy_practice,
    many_rows_in_a_quiet_practice,
    a_thousand_rows_of_two_months,
    clustered_dates,
    clusters_and_strays,
    one_patient_with_many_claims,
    a_few_patients_seen_weekly,
    no_dates,
    few_rows_without_dates,
    much_not_found,
    growing_practice,
    above_the_cap_every_day,
)


def generated(
    count: int,
    *,
    seed: int,
    undated_shares: tuple[float, ...] = (0.0, 0.0, 0.0, 0.2, 1.0),
) -> Iterator[Workload]:
    """Workloads of one practice each, in sizes and mixes drawn at random."""
    dice = random.Random(seed)
    for number in range(count):
        claims_a_day = 10 ** dice.uniform(-1.5, 2.3)
        rows_wanted = int(10 ** dice.uniform(0, 2.7))
        patients = max(1, int(rows_wanted * dice.choice([0.05, 0.3, 1.0, 1.0])))
        reach = dice.choice([20, 60, 180, 400, 710])
        centres = [_days_ago(dice, 8, reach) for _ in range(dice.choice([1, 2, 5, 1000]))]
        missing = dice.choice([0.05, 0.3, 0.9])
        undated_share = dice.choice(undated_shares)
        rows = []
        for _ in range(rows_wanted):
            patient = dice.randrange(patients)
            if dice.random() < undated_share:
                rows.append(undated(dice, patient=patient, missing=missing))
            else:
                day = dice.choice(centres) + timedelta(days=dice.randint(-4, 4))
                rows.append(visit(dice, patient=patient, day=day, missing=missing))
        yield Workload(
            name=f"generated {number}",
            rows=tuple(rows),
            claims_by_day=practice(
                dice,
                claims_a_day=claims_a_day,
                growth=dice.choice([0.0, 0.0, 3.0]),
                season=dice.choice([0.0, 0.3, 0.8]),
            ),
        )
