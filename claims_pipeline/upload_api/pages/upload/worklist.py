"""What an analyst does with an upload's answers: groups of rows as tasks, and where dollars stand.

Pure: takes what the database has added up and returns what the page shows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from claims_pipeline.model import ClaimStatus, Outcome
from claims_pipeline.store.rows.totals import RowGroup
from claims_pipeline.upload_api.pages.claim_words import (
    STILL_TO_ASK,
    action_sentence,
    claim_status_word,
    outcome_word,
)

_ZERO = Decimal("0.00")
# The payer has decided these and is done with them; what it did not pay is no longer open.
_SETTLED = frozenset({ClaimStatus.PAID, ClaimStatus.CLOSED_NO_PAYMENT, ClaimStatus.ADJUSTED})
# What is not about a claim stands apart from the worklist, with its own reasons.
_APART = frozenset({Outcome.NOT_FOUND, Outcome.FAILED, Outcome.REJECTED, Outcome.UNPROCESSED, None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Rows with the same thing to be done, as one line. `code` is the filter that shows them."""

    code: str
    sentence: str
    rows: int
    charged: Decimal
    paid: Decimal
    still_open: Decimal
    oldest: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unasked:
    """Rows to which the payer has said nothing, for one reason."""

    code: str | None
    sentence: str
    rows: int
    stated: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeLine:
    """How many rows came to this; None is a row that is still to be asked."""

    outcome: Outcome | None
    word: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusLine:
    """What the payer did with the claims in one status."""

    status: ClaimStatus
    word: str
    rows: int
    charged: Decimal
    allowed: Decimal
    paid: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklist:
    """Everything the overview shows of an upload's rows.

    `tasks` are about claims. `missing` are rows that the payer answered and has no claim for;
    `could_not_ask` are rows for which there is no answer, which says nothing about the claim.
    `missing_stated`, `failed_stated` and `not_asked_stated` are what the file says was charged for
    rows that are missing, could not be asked, or were not asked.
    """

    tasks: tuple[Task, ...]
    missing: int
    missing_stated: Decimal
    could_not_ask: tuple[Unasked, ...]
    not_asked: int
    not_asked_stated: Decimal
    rejected: int
    outcomes: tuple[OutcomeLine, ...]
    statuses: tuple[StatusLine, ...]
    rows: int
    charged: Decimal
    allowed: Decimal
    paid: Decimal
    still_open: Decimal

    @property
    def failed(self) -> int:
        """Rows that could not be asked."""
        return sum(reason.rows for reason in self.could_not_ask)

    @property
    def failed_stated(self) -> Decimal:
        """Dollars that the file says were charged for them."""
        return sum((reason.stated for reason in self.could_not_ask), _ZERO)


def worklist_of(groups: Sequence[RowGroup]) -> Worklist:
    """The page's view of an upload's groups of rows."""
    missing = _with_outcome(groups, Outcome.NOT_FOUND)
    not_asked = _with_outcome(groups, Outcome.UNPROCESSED)
    return Worklist(
        tasks=_tasks(groups),
        missing=_rows(missing),
        missing_stated=_stated(missing),
        could_not_ask=_could_not_ask(_with_outcome(groups, Outcome.FAILED)),
        not_asked=_rows(not_asked),
        not_asked_stated=_stated(not_asked),
        rejected=_rows(_with_outcome(groups, Outcome.REJECTED)),
        outcomes=_outcomes(groups),
        statuses=_statuses(groups),
        rows=_rows(groups),
        charged=sum((group.charged for group in groups), _ZERO),
        allowed=sum((group.allowed for group in groups), _ZERO),
        paid=sum((group.paid for group in groups), _ZERO),
        still_open=sum((_still_open(group) for group in groups), _ZERO),
    )


def _tasks(groups: Iterable[RowGroup]) -> tuple[Task, ...]:
    """Largest open amount first, then the oldest, then the most rows."""
    by_action: dict[str, list[RowGroup]] = {}
    for group in groups:
        if group.outcome not in _APART and group.next_action is not None:
            by_action.setdefault(group.next_action, []).append(group)
    tasks = [_task(code, members) for code, members in by_action.items()]
    return tuple(
        sorted(
            tasks,
            key=lambda task: (-task.still_open, task.oldest or date.max, -task.rows, task.code),
        )
    )


def _task(code: str, groups: Sequence[RowGroup]) -> Task:
    days = [group.oldest for group in groups if group.oldest is not None]
    return Task(
        code=code,
        sentence=action_sentence(code) or code,
        rows=_rows(groups),
        charged=sum((group.charged for group in groups), _ZERO),
        paid=sum((group.paid for group in groups), _ZERO),
        still_open=sum((_still_open(group) for group in groups), _ZERO),
        oldest=min(days, default=None),
    )


def _still_open(group: RowGroup) -> Decimal:
    """What was charged on claims that the payer has neither paid nor closed."""
    if group.claim_status is None or group.claim_status in _SETTLED:
        return _ZERO
    return group.charged - group.paid


def _could_not_ask(failed: Iterable[RowGroup]) -> tuple[Unasked, ...]:
    by_code: dict[str | None, list[RowGroup]] = {}
    for group in failed:
        by_code.setdefault(group.error_code, []).append(group)
    reasons = [
        Unasked(
            code=code,
            sentence=next(
                (group.error_message for group in members if group.error_message),
                "The payer could not be asked.",
            ),
            rows=_rows(members),
            stated=_stated(members),
        )
        for code, members in by_code.items()
    ]
    return tuple(sorted(reasons, key=lambda reason: (-reason.rows, reason.code or "")))


def _outcomes(groups: Sequence[RowGroup]) -> tuple[OutcomeLine, ...]:
    """Every outcome that a row has, in the order of `Outcome`; rows still to be asked last."""
    lines = [
        OutcomeLine(
            outcome=outcome,
            word=STILL_TO_ASK if outcome is None else outcome_word(outcome),
            rows=_rows(_with_outcome(groups, outcome)),
        )
        for outcome in (*Outcome, None)
    ]
    return tuple(line for line in lines if line.rows)


def _statuses(groups: Iterable[RowGroup]) -> tuple[StatusLine, ...]:
    """Every status that a row's primary claim has, most charged first."""
    by_status: dict[ClaimStatus, list[RowGroup]] = {}
    for group in groups:
        if group.claim_status is not None:
            by_status.setdefault(group.claim_status, []).append(group)
    lines = [
        StatusLine(
            status=status,
            word=claim_status_word(status),
            rows=_rows(members),
            charged=sum((group.charged for group in members), _ZERO),
            allowed=sum((group.allowed for group in members), _ZERO),
            paid=sum((group.paid for group in members), _ZERO),
        )
        for status, members in by_status.items()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.charged, -line.rows, line.status)))


def _with_outcome(groups: Iterable[RowGroup], outcome: Outcome | None) -> list[RowGroup]:
    return [group for group in groups if group.outcome is outcome]


def _rows(groups: Iterable[RowGroup]) -> int:
    return sum(group.rows for group in groups)


def _stated(groups: Iterable[RowGroup]) -> Decimal:
    """Dollars that the file says were charged."""
    return sum((group.stated for group in groups), _ZERO)
