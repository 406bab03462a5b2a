"""Which of an upload's rows a filter asks for: by outcome, by their claims, by a search."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    cast,
    exists,
    false,
    not_,
    or_,
    select,
    true,
    union_all,
)

from claims_pipeline.model import ClaimStatus, DenialCategory, MatchedClaim, Outcome
from claims_pipeline.payers.denials import CARC
from claims_pipeline.payers.status import next_action_for_error
from claims_pipeline.store import tables
from claims_pipeline.store.rows.answered import TO_BE_ASKED


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFilter:
    """Which rows; what is None leaves all.

    Statuses, denials, amounts and days are those of a claim: a row is wanted when one of its claims
    is, as a whole. Claims of ambiguous rows are in doubt and count only where `outcome` asks for
    such rows. `next_action` is a code, of a claim of a found row, else of the row. `denial_code` is
    a CARC or RARC of a denial. `open_at_least` is in dollars; `service_until` and
    `processed_until` are the last day that is wanted. Every word of `search` must be part of a name
    or number of the row, or of the number of a claim that the payer returned for it. `row_numbers`
    are rows that somebody has picked.
    """

    outcome: Outcome | None = None
    claim_status: ClaimStatus | None = None
    next_action: str | None = None
    denial_category: DenialCategory | None = None
    denial_code: str | None = None
    open_at_least: Decimal | None = None
    service_until: date | None = None
    processed_until: date | None = None
    search: str | None = field(default=None, repr=False)
    row_numbers: frozenset[int] | None = None

    @property
    def is_about_claims(self) -> bool:
        """Whether it asks for anything of a claim but its next action."""
        asked = (
            self.claim_status,
            self.denial_category,
            self.denial_code,
            self.open_at_least,
            self.service_until,
            self.processed_until,
        )
        return any(each is not None for each in asked)

    def wants(self, match: MatchedClaim, outcome: Outcome) -> bool:
        """Whether a claim of a row with that outcome is one that is asked for."""
        claim = match.claim
        return (
            self.claim_status in {None, match.status}
            and (outcome is not Outcome.FOUND or self.next_action in {None, match.next_action})
            and self.denial_category in {None, match.denial_category}
            and (self.denial_code is None or self.denial_code.upper() in _codes_of(match))
            and (self.open_at_least is None or (match.open_amount or 0) >= self.open_at_least)
            and _is_until(claim.service_from, self.service_until)
            and _is_until(claim.processed, self.processed_until)
        )


def numbers_of(upload_id: str, wanted: ResultFilter, *, after: int = 0) -> Select[Any]:
    """Numbers of the wanted rows after that one, in order."""
    rejected = select(tables.rejected_rows.c.row_number).where(
        tables.rejected_rows.c.upload_id == upload_id,
        tables.rejected_rows.c.row_number > after,
        _is_picked(tables.rejected_rows.c.row_number, wanted),
        _has_default_answer(wanted, Outcome.REJECTED, next_action_for_error(Outcome.REJECTED)),
        _rejected_row_is_searched(wanted.search),
    )
    accepted = select(tables.requests.c.row_number).where(
        tables.requests.c.upload_id == upload_id,
        tables.requests.c.row_number > after,
        _is_picked(tables.requests.c.row_number, wanted),
        _request_is_searched(upload_id, wanted.search),
    )
    is_any = not wanted.is_about_claims and (wanted.outcome or wanted.next_action) is None
    numbers = union_all(
        *((accepted,) if is_any else _accepted_by_answer(accepted, upload_id, wanted)), rejected
    ).subquery()
    return select(numbers.c.row_number).order_by(numbers.c.row_number)


def _is_picked(number: ColumnElement[int], wanted: ResultFilter) -> ColumnElement[bool]:
    return true() if wanted.row_numbers is None else number.in_(wanted.row_numbers)


def claim_is_wanted(wanted: ResultFilter) -> ColumnElement[bool]:
    """What the filter asks of a claim, on the claims' table."""
    claims = tables.claims.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.claim_status is not None:
        conditions.append(claims.claim_status == wanted.claim_status)
    if wanted.next_action is not None and wanted.outcome in {None, Outcome.FOUND}:
        conditions.append(claims.next_action == wanted.next_action)
    if wanted.denial_category is not None:
        conditions.append(claims.denial_category == wanted.denial_category)
    if wanted.denial_code is not None:
        code = f" {wanted.denial_code.upper()} "
        conditions += [
            claims.denial_category.is_not(None),
            claims.codes.contains(code, autoescape=True),
        ]
    if wanted.open_at_least is not None:
        conditions.append(claims.open_amount >= wanted.open_at_least)
    if wanted.service_until is not None:
        conditions.append(claims.service_from <= wanted.service_until)
    if wanted.processed_until is not None:
        conditions.append(claims.processed <= wanted.processed_until)
    return and_(true(), *conditions)


def _shows_wanted_claim(upload_id: str, wanted: ResultFilter) -> ColumnElement[bool]:
    """Whether the row's current result, joined already, shows a claim that is asked for."""
    return exists().where(
        tables.claims.c.upload_id == upload_id,
        tables.claims.c.row_number == tables.results.c.row_number,
        tables.claims.c.attempt == tables.results.c.attempt,
        claim_is_wanted(wanted),
    )


def _accepted_by_answer(
    accepted: Select[Any], upload_id: str, wanted: ResultFilter
) -> tuple[Select[Any], ...]:
    """Rows with a result that is wanted, and the open ones, which count as unprocessed."""
    current = and_(
        tables.results.c.upload_id == tables.requests.c.upload_id,
        tables.results.c.row_number == tables.requests.c.row_number,
        tables.results.c.is_current.is_(True),
    )
    answered = accepted.join(tables.results, current)
    if wanted.outcome is not None:
        answered = answered.where(tables.results.c.outcome == wanted.outcome)
    if wanted.is_about_claims:
        answered = answered.where(
            tables.results.c.outcome == (wanted.outcome or Outcome.FOUND),
            _shows_wanted_claim(upload_id, wanted),
        )
    if wanted.next_action is not None:
        is_found = tables.results.c.outcome == Outcome.FOUND
        answered = answered.where(
            or_(
                and_(is_found, _shows_wanted_claim(upload_id, wanted)),
                and_(not_(is_found), _next_action_is(wanted.next_action)),
            )
        )
    still_open = accepted.where(
        tables.requests.c.is_open.is_(True),
        _has_default_answer(wanted, Outcome.UNPROCESSED, TO_BE_ASKED),
    )
    return answered, still_open


def _next_action_is(code: str) -> ColumnElement[bool]:
    # Rows that the end of an upload answered in bulk carry no action of their own.
    usual = [
        outcome
        for outcome in Outcome
        if outcome is not Outcome.FOUND and next_action_for_error(outcome) == code
    ]
    return or_(
        tables.results.c.next_action == code,
        and_(tables.results.c.next_action.is_(None), tables.results.c.outcome.in_(usual)),
    )


def _has_default_answer(
    wanted: ResultFilter, outcome: Outcome, next_action: str
) -> ColumnElement[bool]:
    """Whether rows that have this outcome and no result of their own are wanted."""
    is_wanted = (
        wanted.outcome in {None, outcome}
        and not wanted.is_about_claims
        and wanted.next_action in {None, next_action}
    )
    return true() if is_wanted else false()


def _request_is_searched(upload_id: str, search: str | None) -> ColumnElement[bool]:
    named = (
        tables.requests.c.first_name,
        tables.requests.c.last_name,
        tables.requests.c.claim_number,
        tables.requests.c.patient_account_number,
        tables.requests.c.subscriber_id,
    )
    return _every_word(
        search,
        lambda word: or_(
            *(column.icontains(word, autoescape=True) for column in named),
            _has_claim(upload_id, word),
        ),
    )


def _has_claim(upload_id: str, word: str) -> ColumnElement[bool]:
    """Whether the payer returned, for the row's current result, a claim of such a number.

    The upload is named and not taken from the row: PostgreSQL would look through all claims of all
    uploads first, to have an answer for any row.
    """
    number = tables.claims.c.body["claim_number"].as_string()
    current = tables.results.alias()
    return exists().where(
        tables.claims.c.upload_id == upload_id,
        tables.claims.c.row_number == tables.requests.c.row_number,
        number.icontains(word, autoescape=True),
        current.c.upload_id == upload_id,
        current.c.row_number == tables.claims.c.row_number,
        current.c.attempt == tables.claims.c.attempt,
        current.c.is_current.is_(True),
    )


def _rejected_row_is_searched(search: str | None) -> ColumnElement[bool]:
    # What each cell of a row that could not be understood means is not known.
    cells = cast(tables.rejected_rows.c.cells, Text)
    return _every_word(search, lambda word: cells.icontains(word, autoescape=True))


def _codes_of(match: MatchedClaim) -> set[str]:
    if match.denial_category is None:
        return set()
    remarks = {code.code for code in match.claim.codes if code.kind != CARC}
    return remarks | {denial.code for denial in match.denials}


def _is_until(day: date | None, last: date | None) -> bool:
    return last is None or (day is not None and day <= last)


def _every_word(
    search: str | None, condition: Callable[[str], ColumnElement[bool]]
) -> ColumnElement[bool]:
    return and_(true(), *(condition(word) for word in (search or "").split()))
