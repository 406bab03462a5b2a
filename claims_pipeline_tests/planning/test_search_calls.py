"""The promises about search calls, kept over generated workloads."""

import random
from dataclasses import dataclass

import numpy as np
import pytest

from claims_pipeline.planning import Need
from claims_pipeline_tests.planning.offline import optimum_calls
from claims_pipeline_tests.planning.payer_model import (
    CAPABILITIES,
    Workload,
    ask,
    day_by_day,
    one_per_row_calls,
    sweep_everything_calls,
)
from claims_pipeline_tests.planning.workloads import (
    NAMED,
    a_busy_practice_and_very_many_rows,
    a_thousand_rows_of_two_months,
    generated,
    no_dates,
    recent_rows,
)
from claims_pipeline_tests.thoroughness import examples


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What one workload costs in all the ways we compare."""

    name: str
    singles: int
    sweeps: int
    cold: int
    known: int
    optimum: int
    legal_windows: int

    @property
    def cheaper(self) -> int:
        return min(self.singles, self.sweeps)


def spend(workload: Workload) -> Spent:
    needs = [
        Need(row_number=number, patient_key=row.patient, windows=(row.span.window,))
        for number, row in enumerate(workload.rows, start=1)
    ]
    days = (
        max(row.span.window.last for row in workload.rows)
        - min(row.span.window.first for row in workload.rows)
    ).days + 1
    return Spent(
        name=workload.name,
        singles=ask(workload, use_sweeps=False).calls,
        sweeps=sweep_everything_calls(workload),
        cold=ask(workload).calls,
        known=ask(workload, known=day_by_day(workload)).calls,
        optimum=optimum_calls(needs, workload),
        legal_windows=-(-days // CAPABILITIES.max_window_days),
    )


@pytest.fixture(scope="module")
def spent() -> list[Spent]:
    """Practices with rows that are searched to their end: two hundred, where all are tried."""
    workloads = generated(examples(200), seed=20, undated_shares=(0.0,))
    return [spend(workload) for workload in workloads]


@pytest.mark.hypothesis
def test_with_densities_known_we_are_never_above_the_cheaper_of_singles_and_sweeps(
    spent: list[Spent],
) -> None:
    assert not [case for case in spent if case.known > case.cheaper]


@pytest.mark.hypothesis
def test_with_densities_known_we_are_near_the_offline_optimum(spent: list[Spent]) -> None:
    ratios = [case.known / case.optimum for case in spent]
    assert np.mean(ratios) <= 1.05
    assert max(ratios) <= 1.25


@pytest.mark.hypothesis
def test_cold_we_spend_at_most_twice_the_cheaper_and_one_probe_a_window(
    spent: list[Spent],
) -> None:
    assert not [case for case in spent if case.cold > 2 * case.cheaper + case.legal_windows]


@pytest.mark.hypothesis
def test_cold_we_are_near_the_cheaper_on_average(spent: list[Spent]) -> None:
    assert np.mean([case.cold / case.cheaper for case in spent]) <= 1.25


@pytest.mark.parametrize("make", NAMED)
def test_what_one_run_learned_never_makes_the_next_one_dearer_than_its_rivals(make) -> None:
    workload = make(random.Random(11))
    cold = ask(workload)
    warm = ask(workload, known=cold.observations)
    rivals = min(one_per_row_calls(workload), sweep_everything_calls(workload))
    assert warm.calls <= max(cold.calls, rivals) * 1.15


def test_a_thousand_rows_of_one_practice_wait_at_most_six_round_trips() -> None:
    workload = a_thousand_rows_of_two_months(random.Random(7))
    known = day_by_day(workload)
    side_by_side = ask(workload, known=known, concurrency=16)
    one_by_one = ask(workload, known=known, concurrency=1)
    assert side_by_side.round_trips <= 6
    assert side_by_side.calls <= one_by_one.calls * 1.15
    learned = ask(workload, known=ask(workload).observations, concurrency=16)
    assert learned.round_trips <= 6


@pytest.mark.parametrize(
    ("rows", "times_less", "times_less_learned"), [(100, 40, 20), (1000, 400, 150)]
)
@pytest.mark.parametrize("seed", range(4))
def test_recent_rows_of_one_practice_wait_far_less_than_one_after_the_other(
    rows: int, times_less: int, times_less_learned: int, seed: int
) -> None:
    """Round trips of sixteen threads beside those of a client that asks row after row."""
    workload = recent_rows(random.Random(seed), rows=rows)
    known = ask(workload, known=day_by_day(workload))
    learned = ask(workload, known=ask(workload).observations)
    assert max(known.round_trips, learned.round_trips) <= 6
    assert known.round_trips * times_less <= one_per_row_calls(workload)
    assert learned.round_trips * times_less_learned <= one_per_row_calls(workload)


def test_windows_that_are_refused_again_and_again_lead_to_a_width_that_is_not_soon() -> None:
    """Each refusal costs a call, and each round looks at every row."""
    workload = a_busy_practice_and_very_many_rows(random.Random(7))
    cold = ask(workload)
    known = ask(workload, known=day_by_day(workload))
    assert cold.rounds <= 7
    assert cold.calls <= known.calls * 1.15


def test_claim_numbers_without_dates_cost_far_less_than_row_by_row() -> None:
    workload = no_dates(random.Random(7))
    outcome = ask(workload)
    assert outcome.calls * 5 < one_per_row_calls(workload)
    assert outcome.rounds <= 5
