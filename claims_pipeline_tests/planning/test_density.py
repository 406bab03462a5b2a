from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from claims_pipeline.model import DateWindow, DensityObservation
from claims_pipeline.planning.costs import expected_calls
from claims_pipeline.planning.density import Density, learn_density
from claims_pipeline_tests.planning.payer_model import CAPABILITIES, PAYER_ID, TIN, TODAY

FIRST = TODAY.toordinal() - 299


def seen(
    first: int, days: int, claims: int, *, at_least: bool = False, days_old: int | None = None
) -> DensityObservation:
    begin = TODAY - timedelta(days=299 - first)
    return DensityObservation(
        tin=TIN,
        payer_id=PAYER_ID,
        window=DateWindow(begin, begin + timedelta(days=days - 1)),
        claims=claims,
        at_least=at_least,
        observed_at=None
        if days_old is None
        else datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC) - timedelta(days=days_old),
    )


def learn(observations: Sequence[DensityObservation], *, guessed_rate: float = 1.0) -> Density:
    return learn_density(
        observations,
        first=FIRST,
        last=TODAY.toordinal(),
        guessed_rate=guessed_rate,
        highest_rate=300.0,
        capabilities=CAPABILITIES,
        today=TODAY,
    )


def between(density: Density, first: int, days: int) -> tuple[float, float]:
    mean, variance = density.between(np.array([FIRST + first]), np.array([FIRST + first + days]))
    return float(mean[0]), float(variance[0])


def test_a_window_refused_within_a_refused_one_is_guessed_to_hold_far_more() -> None:
    def refused(days: int) -> DensityObservation:
        return seen(0, days, 501, at_least=True)

    once, twice = learn([refused(40)]), learn([refused(40), refused(20)])
    assert between(once, 0, 40)[0] == pytest.approx(2 * 501, rel=0.01)
    assert between(twice, 0, 20)[0] >= 4 * 501 * 0.99
    # Never beyond the highest rate, unless it is proven.
    often = learn([refused(days) for days in (32, 16, 8, 4)])
    assert between(often, 0, 4)[0] <= 4 * 300 * 1.01
    proven = learn([refused(4), refused(1)])
    assert between(proven, 0, 1)[0] >= 501


def test_a_counted_window_is_known_for_certain() -> None:
    density = learn([seen(0, 90, 270)])
    assert between(density, 0, 90) == (pytest.approx(270), pytest.approx(0))
    assert density.is_counted(np.array([FIRST]), np.array([FIRST + 89]))
    assert not density.is_counted(np.array([FIRST]), np.array([FIRST + 90]))


def test_a_part_of_a_counted_window_is_estimated_with_doubt() -> None:
    mean, variance = between(learn([seen(0, 90, 270)]), 10, 30)
    assert mean == pytest.approx(90)
    assert 0 < variance < mean * 3


def test_windows_counted_side_by_side_add_up_to_certainty() -> None:
    density = learn([seen(0, 30, 60), seen(30, 30, 10)])
    assert between(density, 0, 60) == (pytest.approx(70), pytest.approx(0))


def test_a_shorter_count_says_where_in_the_longer_one_the_claims_are() -> None:
    density = learn([seen(0, 90, 300), seen(0, 30, 200)])
    assert between(density, 0, 30)[0] == pytest.approx(200)
    assert between(density, 30, 60)[0] == pytest.approx(100)
    assert between(density, 0, 90) == (pytest.approx(300), pytest.approx(0))


def test_a_hole_in_the_middle_leaves_doubt_about_the_rest() -> None:
    density = learn([seen(0, 90, 300), seen(30, 30, 200)])
    assert between(density, 30, 30) == (pytest.approx(200), pytest.approx(0))
    mean, variance = between(density, 0, 30)
    assert mean == pytest.approx(50)
    assert variance > 0


def test_days_never_asked_about_take_their_rate_from_the_nearest_counts() -> None:
    density = learn([seen(0, 30, 30), seen(200, 30, 300)])
    near_old, near_new = between(density, 35, 10), between(density, 190, 10)
    assert near_old[0] < 25
    assert near_new[0] > 90
    assert near_old[1] > near_old[0]


def test_a_practice_never_asked_about_is_a_guess_with_much_doubt() -> None:
    density = learn([], guessed_rate=2.0)
    mean, variance = between(density, 0, 50)
    assert mean == pytest.approx(100)
    assert variance > 90**2
    assert not density.is_learned


def test_a_refused_window_is_expected_to_hold_more_than_the_cap() -> None:
    density = learn([seen(0, 90, 501, at_least=True)])
    assert between(density, 0, 90)[0] > 501
    assert density.has_capped_windows


def test_whatever_holds_a_refused_window_is_refused_too() -> None:
    density = learn([seen(10, 20, 501, at_least=True)])
    first = np.array([FIRST + 10, FIRST, FIRST + 11, FIRST])
    end = np.array([FIRST + 30, FIRST + 90, FIRST + 60, FIRST + 29])
    assert density.exceeds_cap(first, end).tolist() == [True, True, False, False]


def test_a_sweep_stopped_by_its_page_limit_tells_a_bound_but_no_refusal() -> None:
    density = learn([seen(0, 30, 150, at_least=True)])
    assert between(density, 0, 30)[0] > 150
    assert not density.has_capped_windows
    assert density.least_pages(FIRST, FIRST + 29) == 3
    assert density.least_pages(FIRST + 1, FIRST + 29) == 0
    assert density.spent_calls(FIRST, FIRST + 29) == pytest.approx(3)
    assert density.spent_calls(FIRST + 15, FIRST + 40) == pytest.approx(1.5)


def test_a_complete_count_outweighs_an_older_bound() -> None:
    density = learn([seen(0, 30, 150, at_least=True), seen(0, 30, 40)])
    assert between(density, 0, 30)[0] == pytest.approx(40)


def test_an_old_count_is_not_taken_for_certain() -> None:
    assert between(learn([seen(0, 90, 270, days_old=0)]), 0, 90)[1] == pytest.approx(0)
    assert between(learn([seen(0, 90, 270, days_old=30)]), 0, 90)[1] > 0


def test_observations_beyond_the_days_asked_about_still_teach() -> None:
    density = learn([seen(-100, 50, 250)])
    assert between(density, 0, 10)[0] == pytest.approx(50, rel=0.01)


# What a sweep is expected to cost


def calls(mean: float, variance: float = 0.0) -> float:
    return float(
        expected_calls(np.array([float(mean)]), np.array([variance]), capabilities=CAPABILITIES)[0]
    )


@pytest.mark.parametrize(
    ("claims", "pages"), [(0, 1), (49, 1), (50, 2), (99, 2), (100, 3), (499, 10), (500, 11)]
)
def test_a_known_count_costs_its_pages(claims: int, pages: int) -> None:
    assert calls(claims) == pytest.approx(pages)


def test_above_the_cap_the_refusal_comes_on_top() -> None:
    assert calls(501) > calls(500)
    assert calls(2000) > 2000 / 50 + 4


def test_doubt_is_felt_near_the_edge_of_a_page() -> None:
    assert calls(40) < calls(40, 100) < 2
    assert 1.4 < calls(50, 100) < 1.6
