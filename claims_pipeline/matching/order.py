"""Which of a row's claims comes first; whether one is paid plays no part."""

from collections.abc import Sequence
from datetime import date

from claims_pipeline.matching.comparison import Comparison
from claims_pipeline.model import Claim, DateWindow, Request

_FAR = date.max.toordinal()


def in_order(request: Request, candidates: Sequence[Comparison]) -> tuple[Claim, ...]:
    """The claims, first the one that is most likely the row's.

    That which the row names by number; then those that overlap the row's own service dates, nearest
    first; then those of other days, nearest first; among equals the latest processed. Candidates
    come latest processed first, and no two of one identity.
    """
    return tuple(
        one.claim for one in sorted(candidates, key=lambda one: _distance(request.service, one))
    )


def is_on_other_days(request: Request, claim: Claim) -> bool:
    """Whether the row has service dates of its own and the claim's do not touch them."""
    return request.service is not None and _days_apart(request.service, claim) > 0


def _distance(service: DateWindow | None, one: Comparison) -> tuple[bool, bool, int, int]:
    if service is None:
        return (not one.claim_number, not one.account_number, 0, 0)
    first = one.claim.service_from
    from_first_day = abs((first - service.first).days) if first else _FAR
    return (
        not one.claim_number,
        not one.account_number,
        _days_apart(service, one.claim),
        from_first_day,
    )


def _days_apart(service: DateWindow, claim: Claim) -> int:
    """Days between the row's dates and the claim's; 0 where they overlap, or the claim has none."""
    first, last = claim.service_from, claim.service_to or claim.service_from
    if first is None or last is None:
        return 0
    return max((first - service.last).days, (service.first - last).days, 0)
