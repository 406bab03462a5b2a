"""Answered rows as the results table shows them, each with its claims. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from claims_pipeline.intake.columns import canonical_positions
from claims_pipeline.intake.headers.persons import PATIENT_NAME
from claims_pipeline.model import AnsweredRow, Claim, DateWindow, MatchedClaim, Outcome, Result
from claims_pipeline.store.rows.answered import TO_BE_ASKED
from claims_pipeline.store.rows.filters import ResultFilter
from claims_pipeline.upload_api.pages.claim_words import (
    action_sentence,
    claim_status_tone,
    claim_status_word,
    denial_category_word,
    matched_by_words,
    outcome_tone,
    outcome_word,
)

# Nobody posts a payment, or appeals, before it is certain whose claim it is.
_COMPARE = "Is this the row's claim? Compare the patient, the numbers and the dates first."


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A state in words, and its tone."""

    word: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownClaim:
    """One claim of a row. `facts` and `amounts` leave out what the payer left out."""

    claim: Claim = field(repr=False)
    badge: Badge
    primary: bool
    next_action: str | None
    still_open: Decimal | None
    denial: str | None
    note: str | None
    same_claim_as_row: int | None
    facts: tuple[tuple[str, str], ...] = field(repr=False)
    amounts: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    """One input row: who it asks about, what came of it, and what to do.

    `claim_number`, `service` and the amounts are those of the claim that stands for the row: the
    first that is asked for, else the primary one; without one, the row's own number. `denial` is
    its kind of denial with `codes`, `decided` how many days ago the payer decided.
    """

    row_number: int
    line_number: int
    patient: str = field(repr=False)
    born: str = field(repr=False)
    claim_number: str | None = field(repr=False)
    outcome: Badge
    status: Badge | None
    next_action: str | None
    service: tuple[date | None, date | None]
    charged: Decimal | None
    paid: Decimal | None
    still_open: Decimal | None
    denial: str | None
    codes: tuple[str, ...]
    decided: int | None
    is_in_doubt: bool
    match_note: str | None
    matched_by: str | None
    error_code: str | None
    error_message: str | None
    searched: DateWindow | None
    checked_at: datetime | None
    claims: tuple[ShownClaim, ...]
    own_cells: tuple[tuple[str, str], ...] = field(repr=False)


def shown_rows(
    rows: Sequence[AnsweredRow], header: Sequence[str], wanted: ResultFilter, *, today: date
) -> tuple[ShownRow, ...]:
    """The rows for people, each with the claim that `wanted` asks for; `header` names its cells."""
    positions = canonical_positions(header)
    return tuple(_shown_row(row, header, positions, _shown(row, wanted), today) for row in rows)


def _shown(answered: AnsweredRow, wanted: ResultFilter) -> MatchedClaim | None:
    claims = answered.result.claims
    asked_for = (match for match in claims if wanted.wants(match, answered.result.outcome))
    return next(asked_for, _primary(claims))


def _shown_row(
    answered: AnsweredRow,
    header: Sequence[str],
    positions: Mapping[str, int],
    match: MatchedClaim | None,
    today: date,
) -> ShownRow:
    result = answered.result
    claim = match.claim if match else None
    is_in_doubt = result.outcome is Outcome.AMBIGUOUS

    def own(column: str) -> str:
        position = positions.get(column, len(answered.row.cells))
        return answered.row.cells[position] if position < len(answered.row.cells) else ""

    return ShownRow(
        row_number=answered.row.row_number,
        line_number=answered.row.line_number,
        patient=", ".join(name for name in (own("last_name"), own("first_name")) if name)
        or own(PATIENT_NAME),
        born=own("date_of_birth"),
        claim_number=(claim and claim.claim_number) or own("claim_number") or None,
        outcome=_outcome_badge(result),
        status=_status_badge(match) if match else None,
        next_action=_next_action(answered, match),
        service=(claim.service_from, claim.service_to) if claim else (None, None),
        charged=claim.total_charged if claim else None,
        paid=claim.total_paid if claim else None,
        still_open=match.open_amount if match else None,
        denial=_denial(match) if match else None,
        codes=tuple(denial.code for denial in match.denials) if match else (),
        decided=(today - claim.processed).days if claim and claim.processed else None,
        is_in_doubt=is_in_doubt,
        match_note=result.match_note,
        matched_by=matched_by_words(result.matched_by),
        error_code=result.error_code,
        error_message=result.error_message,
        searched=result.searched,
        checked_at=result.checked_at,
        claims=tuple(_shown_claim(each, is_in_doubt=is_in_doubt) for each in result.claims),
        own_cells=tuple(_named_cells(header, answered.row.cells)),
    )


def _primary(claims: Sequence[MatchedClaim]) -> MatchedClaim | None:
    return next((match for match in claims if match.primary), claims[0] if claims else None)


def _outcome_badge(result: Result) -> Badge:
    if result.next_action == TO_BE_ASKED:
        return Badge(word=outcome_word(None), tone=outcome_tone(None))
    return Badge(word=outcome_word(result.outcome), tone=outcome_tone(result.outcome))


def _next_action(answered: AnsweredRow, match: MatchedClaim | None) -> str | None:
    code = answered.result.next_action
    if match is not None and answered.result.outcome is Outcome.FOUND:
        code = match.next_action
    return action_sentence(code)


def _denial(match: MatchedClaim) -> str | None:
    return denial_category_word(match.denial_category) if match.denial_category else None


def _status_badge(match: MatchedClaim) -> Badge:
    return Badge(word=claim_status_word(match.status), tone=claim_status_tone(match.status))


def _shown_claim(match: MatchedClaim, *, is_in_doubt: bool) -> ShownClaim:
    return ShownClaim(
        claim=match.claim,
        badge=_status_badge(match),
        primary=match.primary,
        next_action=_COMPARE if is_in_doubt else action_sentence(match.next_action),
        still_open=match.open_amount,
        denial=_denial(match),
        note=match.note,
        same_claim_as_row=match.same_claim_as_row,
        facts=tuple(_facts(match.claim)),
        amounts=tuple(_amounts(match.claim)),
    )


def _facts(claim: Claim) -> Iterator[tuple[str, str]]:
    name = " ".join(part for part in (claim.patient_first_name, claim.patient_last_name) if part)
    texts = (
        ("Patient", name),
        ("Date of birth", _day(claim.patient_date_of_birth)),
        ("Subscriber", claim.subscriber_id),
        ("Account number", claim.patient_account_number),
        ("TIN", claim.tin),
        ("Dates of service", _days(claim.service_from, claim.service_to)),
        ("Received", _day(claim.received)),
        ("Processed", _day(claim.processed)),
        ("Rendering provider", claim.rendering_provider),
        ("Claim type", claim.claim_type),
        ("Network", claim.network_status),
        ("Payer's status", claim.payer_status),
        ("Partly denied", _yes(claim.partial_denial)),
        ("Payments add up", _yes(claim.reconciled)),
    )
    return ((label, text) for label, text in texts if text)


def _amounts(claim: Claim) -> Iterator[tuple[str, Decimal]]:
    amounts = (
        ("Charged", claim.total_charged),
        ("Allowed", claim.total_allowed),
        ("Paid", claim.total_paid),
        ("Written off", claim.provider_write_off),
        ("Not covered", claim.not_covered),
        ("Deductible", claim.deductible),
        ("Copay", claim.copay),
        ("Coinsurance", claim.coinsurance),
        ("Patient owes", claim.patient_responsibility),
    )
    return ((label, amount) for label, amount in amounts if amount is not None)


def _named_cells(header: Sequence[str], cells: Sequence[str]) -> Iterator[tuple[str, str]]:
    for place, cell in enumerate(cells):
        if cell:
            yield header[place] if place < len(header) else f"Cell {place + 1}", cell


def _day(day: date | None) -> str:
    return f"{day:%m/%d/%Y}" if day else ""


def _days(first: date | None, last: date | None) -> str:
    if first and last and first != last:
        return f"{_day(first)} – {_day(last)}"
    return _day(first or last)


def _yes(answer: bool | None) -> str:  # noqa: FBT001 - the value itself
    return "" if answer is None else ("yes" if answer else "no")
