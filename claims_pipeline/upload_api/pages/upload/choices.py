"""What results can be narrowed to, with how many claims or rows; only what occurs. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from claims_pipeline.model import Outcome
from claims_pipeline.upload_api.pages.claim_words import (
    action_sentence,
    claim_status_word,
    denial_category_word,
    outcome_word,
)
from claims_pipeline.upload_api.pages.upload.result_view import ResultView
from claims_pipeline.upload_api.pages.upload.worklist import Worklist
from claims_pipeline.upload_api.pages.wording import dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Values and words for the lists of filters."""

    outcomes: Sequence[tuple[str, str]]
    statuses: Sequence[tuple[str, str]]
    actions: Sequence[tuple[str, str]]
    categories: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A view that is one click away; `query` takes it back where it is on."""

    word: str
    number: int
    query: str
    is_on: bool


def choices_of(worklist: Worklist) -> Choices:
    """Outcomes, statuses, next actions and kinds of denial that the upload has."""
    actions = {task.code: task.sentence for task in worklist.tasks}
    actions |= {code: action_sentence(code) or code for code in worklist.row_actions}
    return Choices(
        outcomes=[(line.outcome, line.word) for line in worklist.outcomes if line.outcome],
        statuses=[(line.status, line.word) for line in worklist.statuses],
        actions=sorted(actions.items(), key=lambda action: action[1]),
        categories=[(line.category, line.word) for line in worklist.categories],
    )


def chips_of(view: ResultView, worklist: Worklist) -> tuple[Chip, ...]:
    """Claims by status, then rows without a certain claim, as the page's quickest filters."""
    query = view.query
    statuses = (
        Chip(
            word=line.word,
            number=line.claims,
            query=view.address(
                claim_status=None if query.claim_status is line.status else line.status,
                outcome=None,
            ),
            is_on=query.claim_status is line.status,
        )
        for line in worklist.statuses
    )
    outcomes = (
        Chip(
            word=line.word,
            number=line.rows,
            query=view.address(
                outcome=None if query.outcome is line.outcome else line.outcome,
                claim_status=None,
            ),
            is_on=query.outcome is line.outcome,
        )
        for line in worklist.outcomes
        if line.outcome is not None and line.outcome is not Outcome.FOUND
    )
    return (*statuses, *outcomes)


def filters_on(view: ResultView) -> tuple[tuple[str, str], ...]:
    """Each filter that is on: what it says, and the address without it."""
    query = view.query
    told = (
        ("outcome", query.outcome and outcome_word(query.outcome)),
        ("claim_status", query.claim_status and claim_status_word(query.claim_status)),
        ("next_action", action_sentence(query.next_action)),
        ("denial_category", query.denial_category and denial_category_word(query.denial_category)),
        ("denial_code", query.denial_code and f"Code {query.denial_code}"),
        (
            "open_at_least",
            None if query.open_at_least is None else f"{dollars(query.open_at_least)} or more open",
        ),
        ("days_since_service", _days(query.days_since_service, "since service")),
        ("days_since_processed", _days(query.days_since_processed, "since decided")),
    )
    return tuple((words, view.address(**{name: None})) for name, words in told if words)


def _days(days: int | None, since: str) -> str | None:
    return None if days is None else f"{days} days or more {since}"
