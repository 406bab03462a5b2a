"""What an analyst does with an upload's answers: groups of rows as tasks, and where dollars stand.

Pure: takes what the database has added up and returns what the page shows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from claims_pipeline.model import ClaimStatus, DenialCategory, Outcome
from claims_pipeline.store.rows.totals import ClaimGroup, RowGroup
from claims_pipeline.upload_api.pages.claim_words import (
    STILL_TO_ASK,
    action_sentence,
    claim_status_word,
    denial_action_sentence,
    denial_category_word,
    outcome_word,
)

_ZERO = Decimal("0.00")
_NOT_TO_SUBMIT_AGAIN = "check_claim_number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Claims with the same thing to be done, as one line. `code` is the filter that shows them.

    Of ambiguous rows it is not certain that the claims are theirs: `in_doubt`, and in no sum.
    """

    code: str
    sentence: str
    claims: int
    charged: Decimal
    paid: Decimal
    still_open: Decimal
    oldest: date | None
    in_doubt: bool = False


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
    claims: int
    charged: Decimal
    allowed: Decimal
    paid: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryLine:
    """Claims that were denied, in whole or in part, for one kind of reason."""

    category: DenialCategory
    word: str
    sentence: str
    claims: int
    charged: Decimal
    still_open: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklist:
    """Everything the overview shows of an upload's rows and claims.

    `tasks` are about claims, each counted once; sums leave out those in doubt. `missing` are rows
    that the payer answered and has no claim for, `missing_numbered` those of them that must not be
    submitted again; `could_not_ask` are rows for which there is no answer, which says nothing about
    the claim. `missing_stated`, `failed_stated` and `not_asked_stated` are what the file says was
    charged for rows that are missing, could not be asked, or were not asked. `row_actions` are the
    next actions of rows without a claim.
    """

    tasks: tuple[Task, ...]
    missing: int
    missing_numbered: int
    missing_stated: Decimal
    could_not_ask: tuple[Unasked, ...]
    not_asked: int
    not_asked_stated: Decimal
    rejected: int
    outcomes: tuple[OutcomeLine, ...]
    statuses: tuple[StatusLine, ...]
    categories: tuple[CategoryLine, ...]
    row_actions: tuple[str, ...]
    rows: int
    claims: int
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


def worklist_of(groups: Sequence[RowGroup], claims: Sequence[ClaimGroup]) -> Worklist:
    """The page's view of an upload's groups of rows and of claims."""
    missing = _with_outcome(groups, Outcome.NOT_FOUND)
    not_asked = _with_outcome(groups, Outcome.UNPROCESSED)
    certain = [group for group in claims if group.outcome is Outcome.FOUND]
    doubtful = [group for group in claims if group.outcome is not Outcome.FOUND]
    sums = _sums(certain)
    return Worklist(
        tasks=(*_tasks(certain, in_doubt=False), *_tasks(doubtful, in_doubt=True)),
        missing=_rows(missing),
        missing_numbered=_rows(
            group for group in missing if group.next_action == _NOT_TO_SUBMIT_AGAIN
        ),
        missing_stated=_stated(missing),
        could_not_ask=_could_not_ask(_with_outcome(groups, Outcome.FAILED)),
        not_asked=_rows(not_asked),
        not_asked_stated=_stated(not_asked),
        rejected=_rows(_with_outcome(groups, Outcome.REJECTED)),
        outcomes=_outcomes(groups),
        statuses=_statuses(certain),
        categories=_categories(certain),
        row_actions=tuple({group.next_action: None for group in groups if group.next_action}),
        rows=_rows(groups),
        claims=sums.claims,
        charged=sums.charged,
        allowed=sums.allowed,
        paid=sums.paid,
        still_open=sums.still_open,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sums:
    claims: int
    charged: Decimal
    allowed: Decimal
    paid: Decimal
    still_open: Decimal


def _sums(groups: Sequence[ClaimGroup]) -> _Sums:
    return _Sums(
        claims=sum(group.claims for group in groups),
        charged=sum((group.charged for group in groups), _ZERO),
        allowed=sum((group.allowed for group in groups), _ZERO),
        paid=sum((group.paid for group in groups), _ZERO),
        still_open=sum((group.still_open for group in groups), _ZERO),
    )


def _tasks(groups: Iterable[ClaimGroup], *, in_doubt: bool) -> list[Task]:
    """Largest open amount first, then the oldest, then the most claims."""
    by_action: dict[str, list[ClaimGroup]] = {}
    for group in groups:
        if group.next_action is not None:
            by_action.setdefault(group.next_action, []).append(group)
    tasks = [_task(code, members, in_doubt=in_doubt) for code, members in by_action.items()]
    return sorted(
        tasks,
        key=lambda task: (-task.still_open, task.oldest or date.max, -task.claims, task.code),
    )


def _task(code: str, groups: Sequence[ClaimGroup], *, in_doubt: bool) -> Task:
    days = [group.oldest for group in groups if group.oldest is not None]
    sums = _sums(groups)
    return Task(
        code=code,
        sentence=action_sentence(code) or code,
        claims=sums.claims,
        charged=sums.charged,
        paid=sums.paid,
        still_open=sums.still_open,
        oldest=min(days, default=None),
        in_doubt=in_doubt,
    )


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


def _statuses(groups: Iterable[ClaimGroup]) -> tuple[StatusLine, ...]:
    """Every status that a claim has, most charged first."""
    by_status: dict[ClaimStatus, list[ClaimGroup]] = {}
    for group in groups:
        by_status.setdefault(group.claim_status, []).append(group)
    summed = [(status, _sums(members)) for status, members in by_status.items()]
    lines = [
        StatusLine(
            status=status,
            word=claim_status_word(status),
            claims=sums.claims,
            charged=sums.charged,
            allowed=sums.allowed,
            paid=sums.paid,
        )
        for status, sums in summed
    ]
    return tuple(sorted(lines, key=lambda line: (-line.charged, -line.claims, line.status)))


def _categories(groups: Iterable[ClaimGroup]) -> tuple[CategoryLine, ...]:
    """Every kind of denial that a claim has, most open dollars first."""
    by_category: dict[DenialCategory, list[ClaimGroup]] = {}
    for group in groups:
        if group.denial_category is not None:
            by_category.setdefault(group.denial_category, []).append(group)
    summed = [(category, _sums(members)) for category, members in by_category.items()]
    lines = [
        CategoryLine(
            category=category,
            word=denial_category_word(category),
            sentence=denial_action_sentence(category),
            claims=sums.claims,
            charged=sums.charged,
            still_open=sums.still_open,
        )
        for category, sums in summed
    ]
    return tuple(sorted(lines, key=lambda line: (-line.still_open, -line.claims, line.category)))


def _with_outcome(groups: Iterable[RowGroup], outcome: Outcome | None) -> list[RowGroup]:
    return [group for group in groups if group.outcome is outcome]


def _rows(groups: Iterable[RowGroup]) -> int:
    return sum(group.rows for group in groups)


def _stated(groups: Iterable[RowGroup]) -> Decimal:
    """Dollars that the file says were charged."""
    return sum((group.stated for group in groups), _ZERO)
