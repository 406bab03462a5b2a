"""The ledger: planned, leased, settled in the transaction that writes the answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from claims_pipeline.errors import (
    CancelRequestedError,
    ErrorClass,
    HoldLostError,
    PayerError,
)
from claims_pipeline.model import Claim, DateWindow, Outcome, Query, QueryKind
from claims_pipeline.payers.base import Answer, CallKind, CallRecord
from claims_pipeline.store import attempts, tables
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.database import reading
from claims_pipeline.store.ledger.entries import (
    AnsweredQuery,
    Conclusion,
    Group,
    LeasedQuery,
    RowProgress,
)
from claims_pipeline.store.ledger.ledger import Ledger
from claims_pipeline.store.rows.results import count_outcomes, iterate_answered_rows
from claims_pipeline_tests.store.builders import (
    NOW,
    PAYER_ID,
    TIN,
    Runs,
    make_claim,
    make_request,
    make_result,
    make_runs,
    seconds_later,
    store_rows,
)

GROUP = Group(tin=TIN, payer_id=PAYER_ID)
WINTER = DateWindow(date(2026, 1, 1), date(2026, 1, 31))
SPRING = DateWindow(date(2026, 2, 1), date(2026, 2, 28))


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Book:
    """An attempt with rows, and lanes that work on it."""

    engine: Engine
    runs: Runs
    hold: Hold
    clock: Clock = field(default_factory=Clock)

    def lane(self, hold: Hold | None = None) -> Ledger:
        return Ledger(self.engine, hold or self.hold, lease_s=60, now=self.clock)

    def states(self) -> list[str]:
        columns = tables.queries.c
        with reading(self.engine) as connection:
            return list(
                connection.execute(select(columns.state).order_by(columns.position)).scalars()
            )


@pytest.fixture
def book(engine: Engine) -> Book:
    runs = make_runs(engine)
    hold = runs.held("run-1")
    store_rows(engine, hold, accepted=3)
    return Book(engine=engine, runs=runs, hold=hold)


def single(row: int, window: DateWindow = WINTER) -> Query:
    return Query(
        kind=QueryKind.SINGLE, tin=TIN, payer_id=PAYER_ID, window=window, row_numbers=(row,)
    )


def sweep(*rows: int, window: DateWindow = WINTER) -> Query:
    return Query(kind=QueryKind.SWEEP, tin=TIN, payer_id=PAYER_ID, window=window, row_numbers=rows)


def answered(
    leased: LeasedQuery,
    *,
    claims: Sequence[Claim] = (),
    incomplete: str | None = None,
    claims_seen: int = 7,
) -> AnsweredQuery:
    return AnsweredQuery(
        leased=leased,
        answer=Answer(
            claims=tuple(claims),
            claims_seen=claims_seen,
            pages=1,
            complete=incomplete is None,
            incomplete_reason=incomplete,
            unrelated_claims=2,
        ),
        candidates={request.row_number: list(claims) for request in leased.requests},
    )


def refused(leased: LeasedQuery) -> AnsweredQuery:
    error = PayerError(ErrorClass.ESCALATE, "LCLM_PS_302", "Call the payer.")
    return AnsweredQuery(leased=leased, error=error)


def conclude_all(row: RowProgress) -> Conclusion | None:
    outcome = Outcome.FOUND if row.claims else Outcome.NOT_FOUND
    return Conclusion(result=make_result(row.request.row_number, outcome), one_per_row_calls=2)


def conclude_none(row: RowProgress) -> Conclusion | None:
    del row
    return None


def seen_by(rows: list[RowProgress]) -> Callable[[RowProgress], Conclusion | None]:
    def conclude(row: RowProgress) -> Conclusion | None:
        rows.append(row)

    return conclude


def test_a_group_is_planned_once_while_its_queries_are_under_way(book: Book) -> None:
    first, second = book.lane(), book.lane()
    assert first.groups_to_plan() == [GROUP]

    first.write_plan(GROUP, [single(1), single(2), single(3)])
    second.write_plan(GROUP, [sweep(1, 2, 3)])

    assert second.groups_to_plan() == []
    assert book.states() == ["planned"] * 3


def test_a_query_is_leased_to_one_lane_at_a_time(book: Book) -> None:
    first, second = book.lane(), book.lane()
    first.write_plan(GROUP, [single(1), single(2), single(3)])

    mine = {item.query_id for item in first.lease(2)}
    theirs = {item.query_id for item in second.lease(2)}

    assert (len(mine), len(theirs)) == (2, 1)
    assert not mine & theirs
    assert first.lease(5) == []
    assert first.others_are_asking()


def test_queries_are_asked_in_the_order_of_the_plan(book: Book) -> None:
    lane = book.lane()
    lane.write_plan(GROUP, [single(3), single(1), single(2)])

    assert [item.query.row_numbers for item in lane.lease(3)] == [(3,), (1,), (2,)]


def test_a_lease_ends_with_the_query_that_makes_its_rows_enough(book: Book) -> None:
    lane = book.lane()
    lane.write_plan(GROUP, [single(1), sweep(1, 2, 3), single(2), single(3)])

    rows = [item.query.row_numbers for item in lane.lease(4, most_rows=3)]

    assert rows == [(1,), (1, 2, 3)]
    assert [item.query.row_numbers for item in lane.lease(4, most_rows=1)] == [(2,)]
    assert lane.lease(4, most_rows=0) == []


def test_a_single_asks_for_the_patient_of_its_row(book: Book) -> None:
    lane = book.lane()
    lane.write_plan(GROUP, [single(2), sweep(1, 2, 3)])

    one, all_rows = lane.lease(2)

    assert one.query.patient is not None
    assert one.query.patient.last_name == "Example2"
    assert all_rows.query.patient is None
    assert [request.row_number for request in all_rows.requests] == [1, 2, 3]


def test_settling_writes_answers_counters_and_the_query_together(book: Book) -> None:
    lane = book.lane()
    lane.write_plan(GROUP, [sweep(1, 2, 3)])
    [leased] = lane.lease(1)

    concluded = lane.settle([answered(leased, claims=[make_claim()])], conclude_all)

    assert concluded == 3
    assert book.states() == ["settled"]
    assert count_outcomes(book.engine, book.hold.upload_id).found == 3
    attempt = attempts.latest_attempt(book.engine, book.hold.upload_id)
    assert attempt is not None
    assert (attempt.one_per_row_calls, attempt.unrelated_claims) == (6, 2)
    assert not lane.has_open_rows()
    assert not lane.others_are_asking()


def test_a_duplicate_row_shares_its_firsts_answer_and_counts_for_one_per_row(
    engine: Engine,
) -> None:
    runs = make_runs(engine)
    hold = runs.held("run-1")
    store_rows(engine, hold, accepted=1, duplicates=[1, 1])
    lane = Ledger(engine, hold, lease_s=60, now=Clock())
    assert [row.request.row_number for row in lane.view(GROUP).rows] == [1]
    lane.write_plan(GROUP, [single(1)])
    [leased] = lane.lease(1)

    lane.settle([answered(leased, claims=[make_claim()])], conclude_all)

    assert count_outcomes(engine, hold.upload_id).found == 3
    attempt = attempts.latest_attempt(engine, hold.upload_id)
    assert attempt is not None
    assert attempt.one_per_row_calls == 6


def test_planning_sees_all_of_a_row_but_its_cells(book: Book) -> None:
    [first, *_] = book.lane().view(GROUP).rows

    assert first.request == replace(make_request(1), cells=())


def test_a_plan_that_comes_second_concludes_nothing(book: Book) -> None:
    first, second = book.lane(), book.lane()
    first.write_plan(GROUP, [single(1), single(2), single(3)])

    second.write_plan(GROUP, [], [Conclusion(result=make_result(1), one_per_row_calls=2)])

    assert count_outcomes(book.engine, book.hold.upload_id).with_outcome == 0


def test_a_row_of_two_windows_waits_for_both_and_keeps_what_it_saw(book: Book) -> None:
    lane = book.lane()
    lane.write_plan(GROUP, [single(1), single(1, SPRING)])
    winter, spring = lane.lease(2)
    lane.settle([answered(winter, claims=[make_claim("FH1")])], conclude_none)
    rows: list[RowProgress] = []

    lane.settle([answered(spring, claims=[make_claim("FH2")])], seen_by(rows))

    [row] = rows
    assert row.covered == (DateWindow(WINTER.first, SPRING.last),)
    assert {claim.claim_number for claim in row.claims} == {"FH1", "FH2"}


def test_two_queries_of_a_row_in_one_checkpoint_conclude_it_once(book: Book) -> None:
    lane = book.lane()
    lane.write_plan(GROUP, [single(1), single(1, SPRING)])
    both = [answered(item, claims=[make_claim()]) for item in lane.lease(2)]

    assert lane.settle(both, conclude_all) == 1
    assert count_outcomes(book.engine, book.hold.upload_id).found == 1


@pytest.mark.parametrize(
    ("reason", "single_only"),
    [("partial", True), ("unreadable_claims", True), ("result_cap", False), ("page_limit", False)],
)
def test_an_incomplete_sweep_proves_nothing(book: Book, reason: str, single_only: bool) -> None:
    lane = book.lane()
    lane.write_plan(GROUP, [sweep(1, 2, 3)])
    [leased] = lane.lease(1)

    lane.settle([answered(leased, claims=[make_claim()], incomplete=reason)], conclude_none)

    rows = lane.view(GROUP).rows
    assert [row.covered for row in rows] == [(), (), ()]
    assert {row.single_only for row in rows} == {single_only}
    assert lane.groups_to_plan() == [GROUP]
    assert lane.interim_claims([1, 2, 3]) == {}


@pytest.mark.parametrize(
    ("reason", "learned"),
    [
        (None, [(7, False)]),
        ("result_cap", [(7, True)]),
        ("page_limit", [(7, True)]),
        ("partial", []),
    ],
)
def test_sweeps_teach_how_many_claims_a_window_has(
    book: Book, reason: str | None, learned: list[tuple[int, bool]]
) -> None:
    lane = book.lane()
    lane.write_plan(GROUP, [sweep(1, 2, 3)])
    [leased] = lane.lease(1)

    lane.settle([answered(leased, incomplete=reason)], conclude_none)

    seen = [(item.claims, item.at_least) for item in lane.view(GROUP).observations]
    assert seen == learned


def test_a_failed_query_is_closed_with_its_class(book: Book) -> None:
    lane = book.lane()
    lane.write_plan(GROUP, [single(1)])
    [leased] = lane.lease(1)
    rows: list[RowProgress] = []

    lane.settle([refused(leased)], seen_by(rows))

    assert book.states() == ["failed"]
    assert rows[0].failed_by is not None
    assert rows[0].covered == ()


def test_a_lease_that_ran_out_goes_to_another_lane_which_alone_settles_it(book: Book) -> None:
    slow, quick = book.lane(), book.lane()
    slow.write_plan(GROUP, [single(1)])
    [before] = slow.lease(1)
    book.clock.now += timedelta(seconds=61)
    [after] = quick.lease(1)

    assert slow.settle([answered(before, claims=[make_claim()])], conclude_all) == 0
    assert quick.settle([answered(after, claims=[make_claim()])], conclude_all) == 1
    assert count_outcomes(book.engine, book.hold.upload_id).found == 1


def test_a_lane_that_renews_keeps_its_leases(book: Book) -> None:
    lane, other = book.lane(), book.lane()
    lane.write_plan(GROUP, [single(1)])
    lane.lease(1)
    for _ in range(4):
        book.clock.now += timedelta(seconds=30)
        lane.renew_if_due()

    assert other.lease(1) == []


def test_a_lane_that_was_held_up_does_not_take_again_what_it_is_asking(book: Book) -> None:
    lane, other = book.lane(), book.lane()
    lane.write_plan(GROUP, [single(1), single(2)])
    lane.lease(1)
    book.clock.now += timedelta(seconds=61)

    [leased] = lane.lease(2)

    assert leased.query.row_numbers == (2,)
    # And says so: its leases are its own for another minute.
    assert other.lease(2) == []


def test_leases_of_a_run_that_lost_the_attempt_are_free_at_once(book: Book) -> None:
    lane = book.lane()
    lane.write_plan(GROUP, [single(1)])
    lane.lease(1)
    book.runs.ended.add("run-1")
    heir = book.runs.acquire("run-2", has_parent=True)
    assert heir is not None

    assert len(book.lane(heir).lease(1)) == 1


def test_a_frozen_lane_writes_nothing_once_another_run_holds_the_attempt(book: Book) -> None:
    frozen = book.lane()
    frozen.write_plan(GROUP, [single(1)])
    [leased] = frozen.lease(1)
    assert book.runs.acquire("run-2", has_parent=True, now=seconds_later(31)) is None
    attempts.heartbeat(book.engine, book.hold, NOW)
    heir = book.runs.acquire("run-2", has_parent=True, now=seconds_later(31))
    assert heir is not None

    with pytest.raises(HoldLostError):
        frozen.settle([answered(leased, claims=[make_claim()])], conclude_all)
    with pytest.raises(HoldLostError):
        frozen.lease(1)
    with pytest.raises(HoldLostError):
        frozen.write_plan(GROUP, [single(2)])
    assert count_outcomes(book.engine, book.hold.upload_id).found == 0


def test_a_cancelled_attempt_settles_nothing_more(book: Book) -> None:
    lane = book.lane()
    lane.write_plan(GROUP, [single(1)])
    [leased] = lane.lease(1)
    attempts.request_cancel(book.engine, book.hold.upload_id, NOW)

    with pytest.raises(CancelRequestedError):
        lane.settle([answered(leased, claims=[make_claim()])], conclude_all)


def test_a_query_whose_rows_are_all_answered_is_closed_without_a_call(book: Book) -> None:
    lane = book.lane()
    lane.write_plan(GROUP, [single(1), single(1, SPRING), single(2)])
    [winter] = lane.lease(1)
    lane.settle([answered(winter, claims=[make_claim()])], conclude_all)

    [left] = lane.lease(5)

    assert left.query.row_numbers == (2,)
    assert book.states() == ["settled", "settled", "leased"]


def test_calls_are_counted_by_kind_even_after_the_hold_is_lost(book: Book) -> None:
    lane = book.lane()
    book.runs.ended.add("run-1")
    book.runs.acquire("run-2", has_parent=True)
    calls = [
        CallRecord(
            kind=kind,
            started_at=datetime(2026, 3, 4, tzinfo=UTC),
            duration_s=0.3,
            http_status=200,
            error_code=None,
            try_number=1,
        )
        for kind in (CallKind.TOKEN, CallKind.SEARCH, CallKind.SEARCH, CallKind.DETAIL)
    ]

    lane.record_calls("uhc", calls)

    attempt = attempts.latest_attempt(book.engine, book.hold.upload_id)
    assert attempt is not None
    counted = (attempt.search_calls, attempt.detail_calls, attempt.payment_calls)
    assert counted == (2, 1, 0)


def test_answers_of_an_earlier_run_stay_when_another_goes_on(book: Book) -> None:
    lane = book.lane()
    lane.write_plan(GROUP, [single(1), single(2), single(3)])
    first, *_ = lane.lease(3)
    lane.settle([answered(first, claims=[make_claim()])], conclude_all)
    book.runs.ended.add("run-1")
    heir = book.runs.acquire("run-2", has_parent=True)
    assert heir is not None
    going_on = book.lane(heir)

    left = going_on.lease(5)
    going_on.settle([answered(item, claims=[make_claim()]) for item in left], conclude_all)

    assert [item.query.row_numbers for item in left] == [(2,), (3,)]
    answers = list(iterate_answered_rows(book.engine, book.hold.upload_id))
    assert [answer.result.outcome for answer in answers] == [Outcome.FOUND] * 3
