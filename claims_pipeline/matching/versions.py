"""Which version of a claim is current, and which claims are one."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from claims_pipeline.model import Claim


def current_versions(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Of each identity the version that was processed last, the latest processed first.

    Two copies of one version are one claim; the one whose detail was fetched is kept.
    """
    latest: dict[tuple[str, ...], Claim] = {}
    for claim in claims:
        identity = claim.identity
        known = latest.get(identity)
        if known is None or _age(claim) > _age(known):
            latest[identity] = claim
    return tuple(sorted(latest.values(), key=_rank, reverse=True))


def are_one_claim(claims: Sequence[Claim]) -> bool:
    """Whether claims of one number are one claim or the parts it was split into.

    Parts carry suffixes that tell them apart, and each may have its own service dates.
    """
    if len({claim.claim_number for claim in claims}) > 1:
        return False
    if len({(claim.service_from, claim.service_to) for claim in claims}) <= 1:
        return True
    suffixes = [_suffixes(claim) for claim in claims]
    return all(suffixes) and len(set(suffixes)) == len(suffixes)


def _suffixes(claim: Claim) -> frozenset[str]:
    return frozenset(code.icn_suffix for code in claim.status_codes if code.icn_suffix)


def _age(claim: Claim) -> tuple[date, str, int, Decimal]:
    # The amount only makes the choice independent of the order in which answers come.
    return (
        claim.processed or date.min,
        claim.processed_time or "",
        len(claim.codes) + len(claim.lines) + len(claim.payments),
        claim.total_paid or Decimal(0),
    )


def _rank(claim: Claim) -> tuple[date, str, date, tuple[str, ...]]:
    return (
        claim.processed or date.min,
        claim.processed_time or "",
        claim.service_from or date.min,
        claim.identity,
    )
