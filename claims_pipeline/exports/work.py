"""What the answered rows come to: what is to be done, and why was denied. Pure.

As on the page: a row counts once, and a claim counts once, on the line without
`same_claim_as_row`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from claims_pipeline.model import AnsweredRow, DenialCategory, MatchedClaim, Outcome

_ZERO = Decimal("0.00")


@dataclass(slots=True, kw_only=True)
class Tally:
    """Rows without a claim, or claims, and their dollars; `oldest` is a first day of service.

    Claims of ambiguous rows are in doubt.
    """

    rows: int = 0
    claims: int = 0
    charged: Decimal = _ZERO
    paid: Decimal = _ZERO
    still_open: Decimal = _ZERO
    oldest: date | None = None
    in_doubt: bool = False

    def add(self, match: MatchedClaim) -> None:
        """Count a claim."""
        claim = match.claim
        self.claims += 1
        self.charged += claim.total_charged or _ZERO
        self.paid += claim.total_paid or _ZERO
        self.still_open += match.open_amount or _ZERO
        if claim.service_from is not None:
            self.oldest = min(self.oldest or claim.service_from, claim.service_from)


@dataclass(slots=True, kw_only=True)
class ReasonTally:
    """Claims denied with one code, and what lines with it lost."""

    description: str | None = None
    claims: int = 0
    amount: Decimal = _ZERO


@dataclass(slots=True, kw_only=True)
class Work:
    """Everything that is to be done, by next action, and denials by kind and by code."""

    actions: dict[str, Tally] = field(default_factory=dict)
    categories: dict[DenialCategory, Tally] = field(default_factory=dict)
    reasons: dict[str, ReasonTally] = field(default_factory=dict)
    outcomes: dict[Outcome, int] = field(default_factory=dict)

    def add(self, row: AnsweredRow) -> None:
        """Count a row and its claims."""
        result = row.result
        self.outcomes[result.outcome] = self.outcomes.get(result.outcome, 0) + 1
        if not result.claims and result.next_action is not None:
            self._action(result.next_action).rows += 1
        for match in result.claims:
            if match.same_claim_as_row is None:
                self._add_claim(match, result.outcome, result.next_action)

    def sorted_actions(self) -> Iterator[tuple[str, Tally]]:
        """Most open dollars first, then the oldest; what is in doubt, and rows alone, after."""
        yield from sorted(
            self.actions.items(),
            key=lambda each: (
                each[1].claims == 0,
                each[1].in_doubt,
                -each[1].still_open,
                each[1].oldest or date.max,
                -each[1].claims - each[1].rows,
                each[0],
            ),
        )

    def _add_claim(self, match: MatchedClaim, outcome: Outcome, of_row: str | None) -> None:
        is_found = outcome is Outcome.FOUND
        tally = self._action(match.next_action if is_found else of_row or match.next_action)
        tally.add(match)
        tally.in_doubt = not is_found
        if not is_found or match.denial_category is None:
            return
        self.categories.setdefault(match.denial_category, Tally()).add(match)
        for denial in match.denials:
            reason = self.reasons.setdefault(denial.code, ReasonTally())
            reason.description = reason.description or denial.description
            reason.claims += 1
            reason.amount += match.open_amount or _ZERO if denial.amount is None else denial.amount

    def _action(self, code: str) -> Tally:
        return self.actions.setdefault(code, Tally())
