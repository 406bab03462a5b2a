"""When a claim is asked again: by where it stands, what there is to do, and how old it is.

An organization may have a rule table of its own; these are the rules of the package. The first rule
that fits decides. Whether a claim is final is one with whether it is ever asked again by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from claims_pipeline.model import ClaimStatus, Outcome

# The payer was not reached, or the check was stopped: this says nothing about the claim.
UNANSWERED = frozenset({Outcome.FAILED.value, Outcome.UNPROCESSED.value})


class Then(StrEnum):
    """What a rule says instead of a number of days."""

    NEVER = "never"  # nothing more is to be expected of the payer: the claim is final
    WHEN_WORKED = "when worked"  # a person is to do something first


@dataclass(frozen=True, slots=True, kw_only=True)
class CadenceRule:
    """After how many days a claim is asked again, or `Then`.

    None fits anything. `status` is a `ClaimStatus` or, in lower case, an outcome; `next_action` a
    code of `NEXT_ACTIONS`; `is_worked` whether a person has marked the claim as done; `until_age`
    the age in days, counted from the last day of service, up to which the rule holds.
    """

    then: int | Then
    status: str | None = None
    next_action: str | None = None
    is_worked: bool | None = None
    until_age: int | None = None


DEFAULT_RULES = (
    CadenceRule(status=Outcome.FAILED, then=1),
    CadenceRule(status=Outcome.UNPROCESSED, then=1),
    CadenceRule(status=ClaimStatus.PAID, then=Then.NEVER),
    CadenceRule(status=ClaimStatus.CLOSED_NO_PAYMENT, then=Then.NEVER),
    CadenceRule(status=ClaimStatus.ADJUSTED, then=Then.NEVER),
    CadenceRule(status=ClaimStatus.REJECTED, then=Then.NEVER),
    CadenceRule(status=ClaimStatus.DENIED, is_worked=True, then=30),
    CadenceRule(status=ClaimStatus.DENIED, then=Then.WHEN_WORKED),
    CadenceRule(status=ClaimStatus.ACKNOWLEDGED, then=7),
    CadenceRule(status=ClaimStatus.APPROVED, then=7),
    CadenceRule(status=Outcome.NOT_FOUND, until_age=21, then=7),
    CadenceRule(status=Outcome.NOT_FOUND, until_age=45, then=14),
    CadenceRule(status=Outcome.NOT_FOUND, then=Then.NEVER),
    CadenceRule(status=Outcome.AMBIGUOUS, then=Then.WHEN_WORKED),
    # Pending, and what only the payer's own words tell.
    CadenceRule(then=14),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the rules look at. `age_days` may be negative for a visit that is still to come."""

    status: str
    next_action: str | None = None
    is_worked: bool = False
    age_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NextCheck:
    """The day of the next check, None where none is planned, and whether the claim is final."""

    on: date | None
    is_final: bool


def next_check(
    rules: Sequence[CadenceRule], situation: Situation, *, checked_on: date
) -> NextCheck:
    """When a claim that was checked on that day is asked again.

    A table without a rule that fits says what the rules of the package say.
    """
    then = next(rule.then for rule in (*rules, *DEFAULT_RULES) if _fits(rule, situation))
    if isinstance(then, Then):
        return NextCheck(on=None, is_final=then is Then.NEVER)
    return NextCheck(on=checked_on + timedelta(days=then), is_final=False)


def age_on(day: date, *, service_to: date | None, first_seen: date) -> int:
    """How old a claim is: from its last day of service, else from when it was first seen."""
    return (day - (service_to or first_seen)).days


def _fits(rule: CadenceRule, situation: Situation) -> bool:
    return (
        rule.status in {None, situation.status}
        and rule.next_action in {None, situation.next_action}
        and rule.is_worked in {None, situation.is_worked}
        and (rule.until_age is None or situation.age_days <= rule.until_age)
    )
