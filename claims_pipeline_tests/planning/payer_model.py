"""An in-memory payer that only counts: what a plan costs, and how long it makes people wait.

It answers like the payer's search (fifty claims a page, a further call after exactly a full page,
a refusal above the cap) and drives the planner as the ledger does: plan, ask, learn, plan again.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from claims_pipeline.model import DateWindow, DensityObservation, Query, QueryKind, merge_windows
from claims_pipeline.payers.base import Capabilities
from claims_pipeline.planning import (
    Need,
    Plan,
    Span,
    free_concurrency,
    next_windows,
    plan,
)
from claims_pipeline.planning import one_per_row_calls as calls_of_row

TIN = "070000001"
PAYER_ID = "87726"
TODAY = date(2026, 6, 30)
CAPABILITIES = Capabilities(
    single_by_claim_number=False,
    single_by_patient=True,
    sweep=True,
    max_window_days=90,
    look_back_months=24,
    page_size=50,
    max_results=500,
)
OLDEST = CAPABILITIES.oldest_day(TODAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One open row: whom it asks about, which days, and where its claim is, if anywhere."""

    patient: int
    span: Span
    claim_day: date | None = None
    sweep_only: bool = False
    single_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Rows of one practice, and how many claims that practice truly had on each day."""

    name: str
    rows: tuple[Row, ...]
    claims_by_day: np.ndarray  # from OLDEST to TODAY

    def claims_in(self, window: DateWindow) -> int:
        low, high = (window.first - OLDEST).days, (window.last - OLDEST).days
        return int(self.claims_by_day[max(low, 0) : high + 1].sum())


def dated(first: date, last: date | None = None) -> Span:
    window = DateWindow(first, last or first)
    return Span(window=window, first_wave=window, until_found=False, max_window_days=90)


@dataclass(slots=True)
class Outcome:
    """What asking a workload came to."""

    calls: int = 0
    rounds: int = 0
    round_trips: int = 0
    observations: list[DensityObservation] = field(default_factory=list)
    asked: list[list[Need]] = field(default_factory=list)
    unanswered: set[int] = field(default_factory=set)
    unaskable: set[int] = field(default_factory=set)


def ask(
    workload: Workload,
    *,
    known: Sequence[DensityObservation] = (),
    use_sweeps: bool = True,
    concurrency: int = 16,
    most_rounds: int = 60,
) -> Outcome:
    """Drive the planner until every row is answered; what it learns comes from answers alone."""
    outcome = Outcome(observations=list(known))
    covered: dict[int, list[DateWindow]] = {n: [] for n in range(1, len(workload.rows) + 1)}
    open_rows = set(covered)
    while open_rows:
        wave = free_concurrency(
            open_rows=len(open_rows),
            observations=outcome.observations,
            capabilities=CAPABILITIES,
            use_sweeps=use_sweeps,
            concurrency=concurrency,
        )
        needs = _needs(workload, covered, open_rows, wave)
        if not needs:
            break
        assert outcome.rounds < most_rounds, "the planner goes round in circles"
        planned = plan(
            needs,
            tin=TIN,
            payer_id=PAYER_ID,
            capabilities=CAPABILITIES,
            observations=outcome.observations,
            use_sweeps=use_sweeps,
            concurrency=concurrency,
            today=TODAY,
        )
        outcome.rounds += 1
        outcome.asked.append(needs)
        outcome.unaskable.update(planned.unaskable)
        open_rows -= set(planned.unaskable)
        _check(planned, needs, use_sweeps=use_sweeps)
        chains = [
            _answer(query, workload, covered, open_rows, outcome) for query in planned.queries
        ]
        outcome.calls += sum(chains)
        outcome.round_trips += _makespan(chains, concurrency)
    outcome.unanswered = open_rows
    return outcome


def _needs(
    workload: Workload,
    covered: dict[int, list[DateWindow]],
    open_rows: set[int],
    wave: int,
) -> list[Need]:
    needs = []
    for number in sorted(open_rows):
        row = workload.rows[number - 1]
        windows = next_windows(row.span, covered[number], free_concurrency=wave)
        if windows:
            needs.append(
                Need(
                    row_number=number,
                    patient_key=row.patient,
                    windows=windows,
                    sweep_only=row.sweep_only,
                    single_only=row.single_only,
                )
            )
        else:
            open_rows.discard(number)
    return needs


def _answer(
    query: Query,
    workload: Workload,
    covered: dict[int, list[DateWindow]],
    open_rows: set[int],
    outcome: Outcome,
) -> int:
    """Answer one query; the calls it took."""
    calls = 1
    if query.kind is QueryKind.SWEEP:
        claims = workload.claims_in(query.window)
        pages = 1 + claims // CAPABILITIES.page_size
        observed, is_complete = claims, True
        if claims > CAPABILITIES.max_results:
            observed, is_complete = CAPABILITIES.max_results + 1, False
        elif query.page_limit is not None and pages > query.page_limit:
            calls = query.page_limit
            observed, is_complete = calls * CAPABILITIES.page_size, False
        else:
            calls = pages
        outcome.observations.insert(
            0,
            DensityObservation(
                tin=TIN,
                payer_id=PAYER_ID,
                window=query.window,
                claims=observed,
                at_least=not is_complete,
            ),
        )
        if not is_complete:
            return calls
    for number in query.row_numbers:
        row = workload.rows[number - 1]
        covered[number] = list(merge_windows([*covered[number], query.window]))
        is_found = row.claim_day is not None and (
            query.window.first <= row.claim_day <= query.window.last
        )
        if is_found and row.span.until_found:
            open_rows.discard(number)
    return calls


def _check(planned: Plan, needs: Sequence[Need], *, use_sweeps: bool) -> None:
    """Every need is covered, no query breaks a limit, and rows are named where they belong."""
    by_number = {need.row_number: need for need in needs}
    asked: dict[int, list[DateWindow]] = {need.row_number: [] for need in needs}
    for query in planned.queries:
        assert query.window.days <= CAPABILITIES.max_window_days
        assert OLDEST <= query.window.first <= query.window.last <= TODAY
        assert query.row_numbers
        assert query.patient is None
        assert len(set(query.row_numbers)) == len(query.row_numbers)
        if query.kind is QueryKind.SWEEP:
            assert use_sweeps
            assert query.page_limit is None or query.page_limit >= 1
            assert not any(by_number[n].single_only for n in query.row_numbers)
        else:
            assert query.page_limit is None
            assert len({by_number[n].patient_key for n in query.row_numbers}) == 1
            assert not any(by_number[n].sweep_only for n in query.row_numbers)
        for number in query.row_numbers:
            asked[number].append(query.window)
            assert any(window.overlaps(query.window) for window in by_number[number].windows)
    for number, need in by_number.items():
        if number in planned.unaskable:
            continue
        union = merge_windows(asked[number])
        for window in need.windows:
            assert any(part.contains(window) for part in union)


def _makespan(chains: Sequence[int], threads: int) -> int:
    """Round trips until all are answered, each thread taking the next query when it is free."""
    free_at = [0] * threads
    for chain in chains:
        heapq.heapreplace(free_at, free_at[0] + chain)
    return max(free_at)


# What others would spend


def one_per_row_calls(workload: Workload) -> int:
    """A client that asks each row's windows in turn, newest wave first where it may stop."""
    return sum(
        calls_of_row(row.span, found_in=row.claim_day and DateWindow(row.claim_day, row.claim_day))
        for row in workload.rows
    )


def sweep_everything_calls(workload: Workload) -> int:
    """A client that sweeps the longest windows over all needed days and halves what is refused."""
    calls = 0
    needed = merge_windows(row.span.window for row in workload.rows)
    stack: list[DateWindow] = []
    reached = OLDEST - timedelta(days=1)
    for stretch in needed:
        first = max(stretch.first, reached + timedelta(days=1))
        while first <= stretch.last:
            last = min(first + timedelta(days=CAPABILITIES.max_window_days - 1), needed[-1].last)
            stack.append(DateWindow(first, last))
            reached, first = last, last + timedelta(days=1)
    while stack:
        window = stack.pop()
        calls += 1
        claims = workload.claims_in(window)
        if claims <= CAPABILITIES.max_results:
            calls += claims // CAPABILITIES.page_size
        elif window.days > 1:
            middle = window.first + timedelta(days=window.days // 2 - 1)
            stack += [
                DateWindow(window.first, middle),
                DateWindow(middle + timedelta(days=1), window.last),
            ]
        else:
            calls += sum(row.span.window.overlaps(window) for row in workload.rows)
    return calls


def day_by_day(workload: Workload) -> list[DensityObservation]:
    """Complete knowledge: what each single day holds."""
    return [
        DensityObservation(
            tin=TIN,
            payer_id=PAYER_ID,
            window=DateWindow(day, day),
            claims=min(int(claims), 501),
            at_least=bool(claims > 500),
        )
        for offset, claims in enumerate(workload.claims_by_day)
        for day in [OLDEST + timedelta(days=offset)]
    ]
