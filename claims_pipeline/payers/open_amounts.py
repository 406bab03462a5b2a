"""What can still be won on a claim, in dollars. Pure."""

from decimal import Decimal

from claims_pipeline.model import Claim, ClaimStatus
from claims_pipeline.payers.denials import denied_amount, is_denied

_ZERO = Decimal("0.00")
# The payer has decided these and is done with them; what it did not pay is no longer open.
_SETTLED = frozenset({ClaimStatus.PAID, ClaimStatus.CLOSED_NO_PAYMENT, ClaimStatus.ADJUSTED})


def is_partly_denied(claim: Claim, status: ClaimStatus) -> bool:
    """Whether some lines were denied of a claim that was not denied as a whole."""
    if status in {ClaimStatus.DENIED, ClaimStatus.REJECTED, ClaimStatus.CLOSED_NO_PAYMENT}:
        return False
    return bool(claim.partial_denial) or any(is_denied(line) for line in claim.lines)


def open_amount(claim: Claim, status: ClaimStatus, *, denied_in_part: bool) -> Decimal | None:
    """What was charged on a claim that is not settled; of one that is, what its lines lost."""
    if status in _SETTLED:
        if not denied_in_part:
            return _ZERO
        return denied_amount(claim.lines) if claim.lines else claim.not_covered
    if status is ClaimStatus.MULTIPLE and claim.lines:
        undecided = (line.charged for line in claim.lines if line.allowed is None)
        open_part = sum((charged for charged in undecided if charged), _ZERO)
        return open_part + denied_amount(claim.lines)
    if claim.total_charged is None:
        return None
    # What an approved claim calls paid has not been sent yet.
    received = None if status is ClaimStatus.APPROVED else claim.total_paid
    return claim.total_charged - (received or 0)
