"""Answered rows as the results table shows them, each with its claims. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from claims_pipeline.intake.columns import canonical_positions
from claims_pipeline.intake.headers.persons import PATIENT_NAME
from claims_pipeline.model import AnsweredRow, Claim, DateWindow, MatchedClaim, Outcome
from claims_pipeline.upload_api.pages.claim_words import (
    action_sentence,
    claim_status_tone,
    claim_status_word,
    matched_by_words,
    outcome_tone,
    outcome_word,
)


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
    facts: tuple[tuple[str, str], ...] = field(repr=False)
    amounts: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    """One input row: who it asks about, what came of it, and what to do.

    `claim_number`, `service` and the amounts are those of the primary claim; without one, the
    row's own number.
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
    match_note: str | None
    matched_by: str | None
    error_code: str | None
    error_message: str | None
    searched: DateWindow | None
    checked_at: datetime | None
    claims: tuple[ShownClaim, ...]
    own_cells: tuple[tuple[str, str], ...] = field(repr=False)


def shown_rows(rows: Sequence[AnsweredRow], header: Sequence[str]) -> tuple[ShownRow, ...]:
    """The rows for people; `header` names the cells of each."""
    positions = canonical_positions(header)
    return tuple(_shown_row(row, header, positions) for row in rows)


def _shown_row(
    answered: AnsweredRow, header: Sequence[str], positions: Mapping[str, int]
) -> ShownRow:
    result = answered.result
    primary = _primary(result.claims)
    claim = primary.claim if primary else None

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
        outcome=Badge(word=outcome_word(result.outcome), tone=outcome_tone(result.outcome)),
        status=_status_badge(primary) if primary else None,
        next_action=_next_action(answered, primary),
        service=(claim.service_from, claim.service_to) if claim else (None, None),
        charged=claim.total_charged if claim else None,
        paid=claim.total_paid if claim else None,
        match_note=result.match_note,
        matched_by=matched_by_words(result.matched_by),
        error_code=result.error_code,
        error_message=result.error_message,
        searched=result.searched,
        checked_at=result.checked_at,
        claims=tuple(_shown_claim(match) for match in result.claims),
        own_cells=tuple(_named_cells(header, answered.row.cells)),
    )


def _primary(claims: Sequence[MatchedClaim]) -> MatchedClaim | None:
    return next((match for match in claims if match.primary), claims[0] if claims else None)


def _next_action(answered: AnsweredRow, primary: MatchedClaim | None) -> str | None:
    code = answered.result.next_action
    if primary is not None and answered.result.outcome is Outcome.FOUND:
        code = primary.next_action
    return action_sentence(code)


def _status_badge(match: MatchedClaim) -> Badge:
    return Badge(word=claim_status_word(match.status), tone=claim_status_tone(match.status))


def _shown_claim(match: MatchedClaim) -> ShownClaim:
    return ShownClaim(
        claim=match.claim,
        badge=_status_badge(match),
        primary=match.primary,
        next_action=action_sentence(match.next_action),
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
