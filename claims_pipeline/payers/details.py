"""Which claims deserve a call for their lines, and what the lines tell. Pure."""

from claims_pipeline.model import Claim, ClaimStatus, DetailLevel, ServiceLine
from claims_pipeline.payers.denials import is_denied
from claims_pipeline.payers.status import claim_status

_NEEDS_REASONS = frozenset(
    {
        ClaimStatus.DENIED,
        ClaimStatus.REJECTED,
        ClaimStatus.ACTION_REQUIRED,
        ClaimStatus.CLOSED_NO_PAYMENT,
        ClaimStatus.MULTIPLE,
    }
)


def wants_lines(claim: Claim, level: DetailLevel) -> bool:
    """Whether the lines are worth a detail call.

    A claim that is partly denied shows it in its summary by an amount that is not covered.
    """
    if level is DetailLevel.SUMMARY or not claim.detail_available:
        return False
    if level is DetailLevel.FULL:
        return True
    has_denied_part = claim.not_covered is not None and claim.not_covered > 0
    return has_denied_part or claim_status(claim).status in _NEEDS_REASONS


def is_partly_denied(lines: tuple[ServiceLine, ...]) -> bool:
    """Whether some of the lines were denied, and others were not."""
    denied = [is_denied(line) for line in lines]
    return any(denied) and not all(denied)
