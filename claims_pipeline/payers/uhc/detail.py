"""Which claims deserve a detail or payment call, and what those calls add to a claim.

Both calls answer by claim number, so earlier versions and other parts of the claim come along:
lines and drafts that carry another part's suffix, draft or processed date are left out.
"""

from dataclasses import replace
from decimal import Decimal

from claims_pipeline.model import (
    Claim,
    ClaimStatus,
    DetailLevel,
    Payment,
    ServiceLine,
)
from claims_pipeline.payers.details import is_partly_denied
from claims_pipeline.payers.json_fields import Fields, entries, text
from claims_pipeline.payers.replies import unreadable_answer
from claims_pipeline.payers.status import claim_status
from claims_pipeline.payers.uhc.claims import line_of, payment_of

_ZERO = Decimal()


def wants_payments(claim: Claim, level: DetailLevel) -> bool:
    """Whether check numbers are worth a payment call."""
    if level is DetailLevel.SUMMARY:
        return False
    if level is DetailLevel.FULL and claim.detail_available:
        return True
    if claim.total_paid is None:
        return claim_status(claim).status is ClaimStatus.PAID
    return claim.total_paid > 0


def read_lines(answer: Fields, claim: Claim) -> tuple[ServiceLine, ...]:
    """The lines of this claim in a detail answer; raises when it has no such thing as lines."""
    if not isinstance(answer.get("claimsDetailInfo"), list):
        raise unreadable_answer()
    lines = [
        line_of(line)
        for detail in entries(answer["claimsDetailInfo"])
        if text(detail.get("claimNumber")) in {None, claim.claim_number}
        for line in entries(detail.get("lines"))
    ]
    suffixes = {code.icn_suffix for code in claim.status_codes}
    own = [line for line in lines if line.icn_suffix in suffixes] or lines
    return tuple([line for line in own if line.processed == claim.processed] or own)


def read_payments(answer: Fields, claim: Claim) -> tuple[Payment, ...]:
    """The payments of this claim in a payment answer; raises when it has no such thing."""
    if not isinstance(answer.get("payments"), list):
        raise unreadable_answer()
    payments = tuple(payment_of(entry) for entry in entries(answer["payments"]))
    drafts = {code.draft_number for code in claim.status_codes if code.draft_number}
    return tuple(payment for payment in payments if payment.draft_number in drafts) or payments


def enriched(
    claim: Claim,
    *,
    lines: tuple[ServiceLine, ...] | None,
    payments: tuple[Payment, ...] | None,
    detail_error: str | None,
) -> Claim:
    """The claim with what was fetched; None stands for what was not, or could not be."""
    line_codes = tuple(code for line in lines or () for code in line.codes)
    return replace(
        claim,
        codes=tuple(dict.fromkeys(claim.codes + line_codes)),
        lines=lines or (),
        payments=payments or claim.payments,
        partial_denial=is_partly_denied(lines) if lines else claim.partial_denial,
        reconciled=_reconciles(claim, lines, payments),
        detail_error=detail_error,
    )


def _reconciles(
    claim: Claim, lines: tuple[ServiceLine, ...] | None, payments: tuple[Payment, ...] | None
) -> bool | None:
    """Whether lines, drafts and the paid total agree; None unless all of them are known."""
    paid = [line.paid for line in lines or ()]
    drafts = [payment.amount for payment in payments or ()]
    if not paid or not drafts or claim.total_paid is None or None in paid or None in drafts:
        return None
    line_total = sum((amount for amount in paid if amount is not None), _ZERO)
    draft_total = sum((amount for amount in drafts if amount is not None), _ZERO)
    return line_total == draft_total == claim.total_paid
