"""How many search calls a file will take, round by round, before anything is asked.

The first plan is not the whole story: rows without dates are searched window after window until
they are found, and the days of rows that are not found by name are swept. Each round is planned as
the run will plan it; what answers will bring is expected from what is known of the practice, or,
of a practice never asked about, assumed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from claims_pipeline.model import DateWindow, DensityObservation, QueryKind
from claims_pipeline.planning import (
    Need,
    Plan,
    Span,
    Terms,
    free_concurrency,
    next_windows,
    plan,
)

# Of the rows of a worklist; the others are found.
_NOT_FOUND_SHARE = 0.1
# Of those asked singly, since they stand apart from the others' days, as a mistyped date does.
_UNSURE_SHARE_OF_SINGLES = 0.25
# Claims that people ask about are young: half of them are of the last so many days.
_HALF_ARE_YOUNGER_DAYS = 90
# Of a practice about which nothing is known. Its worklist names a part of its claims.
_CLAIMS_A_DAY = 18.0
_CLAIMS_FOR_EACH_ROW = 3.0
_ASSUMED_DAYS = 365
# Practices have so few claims a day, or so many: between them lies what asking will take.
_FEWEST_A_DAY, _MOST_A_DAY = 1.0, 200.0
# Larger files are planned once: three times would be waited for.
_MOST_ROWS_IN_A_RANGE = 20_000
# What comes near to the bound on confirming may fall on either side of it.
_SURELY_WITHIN = 0.75
# No look-back has more windows.
_MOST_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """What planning must know of a row."""

    number: int
    patient_key: int
    span: Span
    is_askable_by_name: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The first plan, and the calls of all rounds; `confirming` of them are to confirm.

    `least_calls` and `most_calls` are one with it where the practice was asked about before; where
    nothing is known of it, it may have few claims or many.
    `one_per_row_calls` and `sweep_calls` are those of the two plain ways to ask, all rounds too.
    """

    first: Plan
    calls: int
    least_calls: int
    most_calls: int
    confirming: int
    one_per_row_calls: int
    sweep_calls: int


def forecast(
    rows: Sequence[PlannedRow],
    terms: Terms,
    *,
    tin: str,
    payer_id: str,
    known: Sequence[DensityObservation],
    confirming_so_far: int = 0,
) -> Forecast:
    """Expect the rounds of one group; the bound on confirming is the upload's, not the group's."""
    group = _Group(rows, terms, tin=tin, payer_id=payer_id, known=known)
    expected = _expected(group, terms, known, confirming_so_far)
    if known or len(rows) > _MOST_ROWS_IN_A_RANGE:
        return expected
    bounds = [
        _expected(
            _Group(rows, terms, tin=tin, payer_id=payer_id, known=(), assumed=claims_a_day),
            terms,
            (),
            confirming_so_far,
        ).calls
        for claims_a_day in (_FEWEST_A_DAY, _MOST_A_DAY)
    ]
    return replace(
        expected,
        least_calls=min(*bounds, expected.calls),
        most_calls=max(*bounds, expected.calls),
    )


def _expected(
    group: "_Group",
    terms: Terms,
    known: Sequence[DensityObservation],
    confirming_so_far: int,
) -> Forecast:
    first = group.plan([group.need(row, (), free=group.free) for row in group.rows], known)
    rounds, days = group.dated()
    further_rounds, look_back = group.undated()
    rounds += further_rounds
    room = max(0, terms.confirmation_calls - confirming_so_far) if terms.confirms else 0
    # As the run chooses: all of the days, or else the newest, or none.
    confirming = 0
    for needs in ([*days, *look_back], days):
        wanted = group.plan(needs, group.expected).estimated_calls if needs else 0
        if wanted <= room * _SURELY_WITHIN:
            confirming = wanted
            break
    calls = sum(each.estimated_calls for each in rounds) + confirming
    return Forecast(
        first=first,
        calls=calls,
        least_calls=calls,
        most_calls=calls,
        confirming=confirming,
        one_per_row_calls=sum(each.one_per_row_calls for each in rounds),
        sweep_calls=sum(each.sweep_calls for each in rounds),
    )


class _Group:
    def __init__(
        self,
        rows: Sequence[PlannedRow],
        terms: Terms,
        *,
        tin: str,
        payer_id: str,
        known: Sequence[DensityObservation],
        assumed: float | None = None,
    ) -> None:
        self.rows = rows
        self._terms = terms
        self._tin = tin
        self._payer_id = payer_id
        self.expected = known or [self._assumed(assumed)]
        # The same share of idle threads that the run will give to undated rows.
        self.free = free_concurrency(
            open_rows=len(rows),
            observations=known,
            capabilities=terms.capabilities,
            use_sweeps=terms.use_sweeps,
            concurrency=terms.threads,
        )

    def plan(self, needs: Sequence[Need], observations: Sequence[DensityObservation]) -> Plan:
        return plan(
            needs,
            tin=self._tin,
            payer_id=self._payer_id,
            capabilities=self._terms.capabilities,
            observations=observations,
            use_sweeps=self._terms.use_sweeps,
            concurrency=self._terms.threads,
            today=self._terms.today,
        )

    def need(
        self, row: PlannedRow, covered: tuple[DateWindow, ...], *, free: int, confirms: bool = False
    ) -> Need:
        return Need(
            row.number,
            row.patient_key,
            next_windows(row.span, covered, free_concurrency=free),
            sweep_only=confirms or not row.is_askable_by_name,
        )

    def dated(self) -> tuple[list[Plan], list[Need]]:
        """The round of rows with days of their own, and what is to confirm of them."""
        rows = [row for row in self.rows if not row.span.until_found]
        if not rows:
            return [], []
        planned = self.plan([self.need(row, (), free=1) for row in rows], self.expected)
        asked_singly = _asked_singly(planned)
        singly = [row for row in rows if row.number in asked_singly]
        unsure = singly[:: round(1 / _UNSURE_SHARE_OF_SINGLES)]
        return [planned], [self.need(row, (), free=1, confirms=True) for row in unsure]

    def undated(self) -> tuple[list[Plan], list[Need]]:
        """The rounds of rows that are searched until found, newest days first."""
        rows = [row for row in self.rows if row.span.until_found]
        rounds: list[Plan] = []
        singly: list[tuple[DateWindow, ...]] = []
        covered: tuple[DateWindow, ...] = ()
        left: Sequence[PlannedRow] = rows
        for _ in range(_MOST_ROUNDS):
            needs = [self.need(row, covered, free=self.free) for row in left]
            if not needs or not needs[0].windows:
                break
            planned = self.plan(needs, self.expected)
            rounds.append(planned)
            if _asked_singly(planned):
                singly.append(needs[0].windows)
            covered = (*covered, *needs[0].windows)
            oldest = min(window.first for window in covered)
            age = (self._terms.today - oldest).days
            open_share = _NOT_FOUND_SHARE + (1 - _NOT_FOUND_SHARE) * math.pow(
                0.5, age / _HALF_ARE_YOUNGER_DAYS
            )
            left = rows[: math.ceil(len(rows) * open_share)]
        return rounds, [
            Need(rows[0].number, rows[0].patient_key, windows, sweep_only=True)
            for windows in singly
        ]

    def _assumed(self, claims_a_day: float | None) -> DensityObservation:
        spans = [row.span.window for row in self.rows if not row.span.until_found]
        days = (max(s.last for s in spans) - min(s.first for s in spans)).days + 1 if spans else 1
        a_day = claims_a_day or max(_CLAIMS_A_DAY, _CLAIMS_FOR_EACH_ROW * len(spans) / days)
        last = self._terms.today
        return DensityObservation(
            tin=self._tin,
            payer_id=self._payer_id,
            window=DateWindow(last - timedelta(days=_ASSUMED_DAYS - 1), last),
            claims=round(a_day * _ASSUMED_DAYS),
        )


def _asked_singly(planned: Plan) -> frozenset[int]:
    swept = {
        number
        for query in planned.queries
        if query.kind is QueryKind.SWEEP
        for number in query.row_numbers
    }
    return frozenset(
        number
        for query in planned.queries
        if query.kind is QueryKind.SINGLE
        for number in query.row_numbers
        if number not in swept
    )
