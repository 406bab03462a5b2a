import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_pipeline.model import DateWindow, DensityObservation, QueryKind
from claims_pipeline.planning import Need, Plan, plan
from claims_pipeline_tests.planning.payer_model import (
    CAPABILITIES,
    OLDEST,
    PAYER_ID,
    TIN,
    TODAY,
    Row,
    Workload,
    ask,
    dated,
)
from claims_pipeline_tests.planning.workloads import NAMED, practice
from claims_pipeline_tests.thoroughness import examples

DAYS = (TODAY - OLDEST).days + 1


def window(first_days_ago: int, last_days_ago: int) -> DateWindow:
    return DateWindow(TODAY - timedelta(days=first_days_ago), TODAY - timedelta(days=last_days_ago))


def make_need(number: int, where: DateWindow, **flags: bool) -> Need:
    return Need(row_number=number, patient_key=number, windows=(where,), **flags)


def make_plan(
    needs: Sequence[Need],
    *,
    observations: Sequence[DensityObservation] = (),
    use_sweeps: bool = True,
    concurrency: int = 16,
) -> Plan:
    return plan(
        needs,
        tin=TIN,
        payer_id=PAYER_ID,
        capabilities=CAPABILITIES,
        observations=observations,
        use_sweeps=use_sweeps,
        concurrency=concurrency,
        today=TODAY,
    )


def counted(where: DateWindow, claims: int, *, at_least: bool = False) -> DensityObservation:
    return DensityObservation(
        tin=TIN, payer_id=PAYER_ID, window=where, claims=claims, at_least=at_least
    )


def kinds(planned: Plan) -> list[QueryKind]:
    return [query.kind for query in planned.queries]


def test_no_needs_make_no_queries() -> None:
    assert make_plan([]) == Plan(queries=(), estimated_calls=0, one_per_row_calls=0, sweep_calls=0)


def test_one_row_is_asked_singly() -> None:
    planned = make_plan([make_need(7, window(60, 46))])
    assert kinds(planned) == [QueryKind.SINGLE]
    assert planned.queries[0].row_numbers == (7,)
    assert planned.queries[0].window == window(60, 46)
    assert planned.estimated_calls == planned.one_per_row_calls == 1


def test_many_rows_of_one_fortnight_are_swept_together() -> None:
    planned = make_plan([make_need(n, window(60, 46)) for n in range(1, 51)])
    assert kinds(planned) == [QueryKind.SWEEP]
    (sweep,) = planned.queries
    assert sweep.window == window(60, 46)
    assert sweep.row_numbers == tuple(range(1, 51))
    assert planned.one_per_row_calls == 50
    assert planned.estimated_calls == planned.sweep_calls < 10


def test_a_sweep_on_a_guess_may_cost_no_more_than_the_singles_it_replaces() -> None:
    planned = make_plan([make_need(n, window(60, 46)) for n in range(1, 7)])
    assert kinds(planned) == [QueryKind.SWEEP]
    assert planned.queries[0].page_limit == 6


def test_a_sweep_of_a_counted_window_has_no_page_limit() -> None:
    planned = make_plan(
        [make_need(n, window(60, 46)) for n in range(1, 7)],
        observations=[counted(window(60, 46), 120)],
    )
    assert [query.page_limit for query in planned.queries] == [None]
    assert planned.estimated_calls == 3


def test_a_counted_window_is_not_swept_when_singles_cost_less() -> None:
    planned = make_plan(
        [make_need(n, window(60, 46)) for n in range(1, 4)],
        observations=[counted(window(60, 46), 400)],
    )
    assert kinds(planned) == [QueryKind.SINGLE] * 3


def test_what_is_known_of_another_practice_or_payer_says_nothing() -> None:
    needs = [make_need(n, window(60, 46)) for n in range(1, 7)]
    other = counted(window(60, 46), 500)
    assert make_plan(
        needs, observations=[replace(other, tin="070000002"), replace(other, payer_id="1")]
    ) == make_plan(needs)


def test_a_refused_window_is_split_and_never_asked_whole_again() -> None:
    needs = [make_need(n, window(60, 31)) for n in range(1, 101)]
    planned = make_plan(needs, observations=[counted(window(60, 31), 501, at_least=True)])
    sweeps = [query for query in planned.queries if query.kind is QueryKind.SWEEP]
    assert len(sweeps) > 1
    assert not any(sweep.window.contains(window(60, 31)) for sweep in sweeps)


def test_a_sweep_that_was_stopped_is_replaced_by_singles() -> None:
    needs = [make_need(n, window(60, 46)) for n in range(1, 7)]
    limit = make_plan(needs).queries[0].page_limit
    assert limit is not None
    again = make_plan(needs, observations=[counted(window(60, 46), limit * 50, at_least=True)])
    assert kinds(again) == [QueryKind.SINGLE] * 6


def test_sweeps_are_never_asked_when_they_are_switched_off() -> None:
    planned = make_plan([make_need(n, window(60, 46)) for n in range(1, 51)], use_sweeps=False)
    assert kinds(planned) == [QueryKind.SINGLE] * 50
    assert planned.sweep_calls == 0


def test_rows_of_one_patient_share_a_single() -> None:
    needs = [
        Need(row_number=1, patient_key=5, windows=(window(60, 46),)),
        Need(row_number=2, patient_key=5, windows=(window(50, 36),)),
        Need(row_number=3, patient_key=6, windows=(window(300, 286),)),
    ]
    planned = make_plan(needs, use_sweeps=False)
    assert sorted(query.row_numbers for query in planned.queries) == [(1, 2), (3,)]


def test_a_name_that_cannot_be_asked_is_swept_however_busy_the_practice() -> None:
    planned = make_plan(
        [make_need(1, window(60, 46), sweep_only=True)],
        observations=[counted(window(89, 0), 480)],
    )
    assert set(kinds(planned)) == {QueryKind.SWEEP}
    assert all(query.page_limit is None for query in planned.queries)


def test_a_name_that_cannot_be_asked_is_unaskable_without_sweeps() -> None:
    needs = [make_need(1, window(60, 46), sweep_only=True), make_need(2, window(60, 46))]
    planned = make_plan(needs, use_sweeps=False)
    assert planned.unaskable == (1,)
    assert [query.row_numbers for query in planned.queries] == [(2,)]


def test_a_name_that_cannot_be_asked_is_unaskable_where_a_single_day_is_refused() -> None:
    day = window(50, 50)
    planned = make_plan(
        [make_need(1, window(51, 49), sweep_only=True), make_need(2, window(51, 49))],
        observations=[counted(day, 501, at_least=True)],
    )
    assert planned.unaskable == (1,)
    assert not any(
        query.window.contains(day) for query in planned.queries if query.kind is QueryKind.SWEEP
    )


def test_a_row_that_neither_kind_may_answer_is_unaskable() -> None:
    planned = make_plan([make_need(4, window(60, 46), sweep_only=True, single_only=True)])
    assert planned.unaskable == (4,)
    assert planned.queries == ()


def test_rows_that_a_sweep_left_open_are_asked_singly() -> None:
    needs = [make_need(n, window(60, 46), single_only=n <= 2) for n in range(1, 51)]
    planned = make_plan(needs)
    sweeps = [query for query in planned.queries if query.kind is QueryKind.SWEEP]
    singles = [query for query in planned.queries if query.kind is QueryKind.SINGLE]
    assert not any({1, 2} & set(sweep.row_numbers) for sweep in sweeps)
    assert sorted(single.row_numbers for single in singles) == [(1,), (2,)]


def test_a_payer_without_singles_is_swept() -> None:
    planned = plan(
        [make_need(1, window(60, 46))],
        tin=TIN,
        payer_id=PAYER_ID,
        capabilities=replace(CAPABILITIES, single_by_patient=False),
        observations=(),
        use_sweeps=True,
        concurrency=16,
        today=TODAY,
    )
    assert kinds(planned) == [QueryKind.SWEEP]


def test_known_days_are_swept_side_by_side() -> None:
    needs = [make_need(n, window(60, 1)) for n in range(1, 400)]
    daily = [counted(window(day, day), 5) for day in range(1, 61)]
    one_thread = make_plan(needs, observations=daily, concurrency=1)
    many_threads = make_plan(needs, observations=daily, concurrency=16)
    assert len(many_threads.queries) > len(one_thread.queries)
    assert many_threads.estimated_calls <= one_thread.estimated_calls * 1.15


def test_days_that_nobody_needs_are_not_swept() -> None:
    needs = [make_need(n, window(200, 191)) for n in range(1, 31)]
    needs += [make_need(n, window(20, 11)) for n in range(31, 61)]
    planned = make_plan(needs)
    assert set(kinds(planned)) == {QueryKind.SWEEP}
    assert {query.window for query in planned.queries} == {window(200, 191), window(20, 11)}


def test_reasons_are_plain_sentences() -> None:
    planned = make_plan(
        [make_need(1, window(300, 286)), *(make_need(n, window(60, 46)) for n in range(2, 30))]
    )
    assert {query.kind for query in planned.queries} == {QueryKind.SWEEP, QueryKind.SINGLE}
    for query in planned.queries:
        assert query.reason.endswith(".")
        assert not any(letter.isdigit() for letter in query.reason)


@pytest.mark.parametrize("make", NAMED)
@pytest.mark.parametrize("use_sweeps", [True, False])
def test_every_row_of_every_workload_is_answered(make, use_sweeps: bool) -> None:
    outcome = ask(make(random.Random(3)), use_sweeps=use_sweeps)
    assert not outcome.unanswered
    assert not outcome.unaskable


@settings(max_examples=examples(120), deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rows=st.lists(
        st.tuples(
            st.integers(0, 6),  # patient
            st.integers(0, 120),  # last day, days ago
            st.integers(1, 100),  # length
            st.sampled_from(["", "", "", "sweep", "single"]),
        ),
        min_size=1,
        max_size=25,
    ),
    claims_a_day=st.sampled_from([0, 0.2, 3, 30, 400, 900]),
)
def test_planning_again_ends_with_every_row_answered_or_unaskable(
    seed: int, rows: list[tuple[int, int, int, str]], claims_a_day: float
) -> None:
    workload = Workload(
        name="generated",
        rows=tuple(
            Row(
                patient=patient,
                span=dated(TODAY - timedelta(days=last + length - 1), TODAY - timedelta(days=last)),
                sweep_only=only == "sweep",
                single_only=only == "single",
            )
            for patient, last, length, only in rows
        ),
        claims_by_day=practice(random.Random(seed), claims_a_day=claims_a_day),
    )
    outcome = ask(workload)
    assert not outcome.unanswered
    assert all(rows[number - 1][3] == "sweep" for number in outcome.unaskable)


def test_one_crowded_day_does_not_stop_a_plan() -> None:
    claims = np.zeros(DAYS, np.int64)
    claims[-50] = 5_000
    rows = tuple(
        Row(patient=n, span=dated(TODAY - timedelta(days=60), TODAY - timedelta(days=40)))
        for n in range(30)
    )
    outcome = ask(Workload(name="one crowded day", rows=rows, claims_by_day=claims))
    assert not outcome.unanswered
    assert outcome.calls <= 2 * 30 + 1
