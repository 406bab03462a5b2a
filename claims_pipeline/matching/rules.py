"""Which of the payer's claims answer a row, and how certain that is.

The rules are tried from the strongest to the weakest, and the first that a claim passes decides:

1. the row's claim number, with the name or the date of birth: found;
2. the row's account number, or its claim number taken for one, with the name or the date of
   birth, in the searched days: found;
3. for a row that names no claim: the person, in the searched days; found when certain;
4. for a row that names a claim: the number alone, or the person's claims in the row's own service
   dates; never more than ambiguous. Without dates of its own such a row asks for one claim, and
   other claims of the person are no answer to it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from claims_pipeline.matching import notes
from claims_pipeline.matching.comparison import Comparison, compare
from claims_pipeline.matching.order import in_order
from claims_pipeline.matching.people import BirthDates, FirstNames, LastNames, first_name_core
from claims_pipeline.matching.roster import answers_by_patient
from claims_pipeline.matching.versions import are_one_claim, current_versions
from claims_pipeline.model import Claim, DateWindow, Outcome, Request

BY_CLAIM_NUMBER = "claim_number"
BY_ACCOUNT_NUMBER = "account_number"
BY_PATIENT = "patient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The claims that answer a row, in the order of `order.in_order`.

    `claims` holds current versions only. `matched_by` is `claim_number`, `account_number` or
    `patient`. `note` is in plain words and repeats no value; `doubts` are those of `notes` that
    leave it ambiguous.
    """

    outcome: Outcome
    claims: tuple[Claim, ...] = ()
    matched_by: str | None = None
    note: str | None = None
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleMatch:
    """Claims that pass a rule, all equally well."""

    certain: bool
    candidates: Sequence[Comparison]
    matched_by: str
    notes: tuple[str, ...] = ()


def match(request: Request, claims: Sequence[Claim], *, searched: DateWindow | None) -> Match:
    """Decide a row by the claims that its queries brought.

    Args:
        request: The row.
        claims: All claims seen for the row, in any order; those that do not fit are left out.
        searched: The days that the row asks about, already widened; None sets no limit. A claim
            that the row names by its number may lie outside.

    Returns:
        A match whose outcome is `found`, `ambiguous` or `not_found`.

    """
    candidates = [compare(request, claim, searched=searched) for claim in current_versions(claims)]
    rule_match = _by_claim_number(request, candidates) or _by_account_number(request, candidates)
    if rule_match is None:
        person = _by_person(request, candidates) if answers_by_patient(request) else None
        rule_match = person if request.claim_number is None else _in_doubt(candidates, person)
    if rule_match is None:
        return Match(outcome=Outcome.NOT_FOUND)
    return _as_match(request, rule_match)


def nearest_miss(request: Request, claims: Sequence[Claim]) -> str | None:
    """What comes nearest to a row that no claim fits, in words; None when nothing does."""
    if match(request, claims, searched=None).outcome is not Outcome.NOT_FOUND:
        return notes.ON_OTHER_DAYS
    candidates = [compare(request, claim, searched=None) for claim in current_versions(claims)]
    if any(one.claim_number for one in candidates):
        return notes.NUMBER_OF_ANOTHER
    if any(one.account_number for one in candidates):
        return notes.ACCOUNT_OF_ANOTHER
    return None


def _by_claim_number(request: Request, candidates: Sequence[Comparison]) -> RuleMatch | None:
    numbered = [one for one in candidates if one.claim_number]
    # Written in another way, a number alone says too little.
    certain = [one for one in numbered if one.number_as_written or one.person]
    return _one_claim(request, _surest(certain), BY_CLAIM_NUMBER)


def _by_account_number(request: Request, candidates: Sequence[Comparison]) -> RuleMatch | None:
    fitting = _surest(one for one in candidates if one.account_number and one.in_window)
    if fitting and not any(one.name or one.has_name_in_part for one in fitting):
        # Practices give their numbers to families, and again.
        return RuleMatch(
            certain=False,
            candidates=fitting,
            matched_by=BY_ACCOUNT_NUMBER,
            notes=(notes.ACCOUNT_ALONE,),
        )
    if fitting and request.claim_number is None:
        return RuleMatch(certain=True, candidates=fitting, matched_by=BY_ACCOUNT_NUMBER)
    return _one_claim(request, fitting, BY_ACCOUNT_NUMBER)


def _surest(numbered: Iterable[Comparison]) -> list[Comparison]:
    """Those with name and date of birth; if there are none, those with either."""
    known = [one for one in numbered if one.name or one.birth_date]
    return [one for one in known if one.person] or known


def _one_claim(request: Request, fitting: list[Comparison], matched_by: str) -> RuleMatch | None:
    """The row names one claim: several that are not parts of one leave it in doubt."""
    if not fitting:
        return None
    told = [] if matched_by == BY_CLAIM_NUMBER else [notes.ACCOUNT_NUMBER]
    if _are_one(fitting):
        return RuleMatch(certain=True, candidates=fitting, matched_by=matched_by, notes=tuple(told))
    narrowed = [one for one in fitting if one.in_window] or fitting
    narrowed = _as_charged(request, narrowed) or narrowed
    certain = _are_one(narrowed)
    told.append(notes.TOLD_APART if certain else notes.SEVERAL_CLAIMS)
    return RuleMatch(certain=certain, candidates=narrowed, matched_by=matched_by, notes=tuple(told))


def _by_person(request: Request, candidates: Sequence[Comparison]) -> RuleMatch | None:
    near = [one for one in candidates if one.in_window]
    persons = [one for one in near if one.person]
    if persons:
        return _one_person(request, persons)
    unsure = [one for one in near if one.unsure_person]
    if not unsure:
        return None
    told = tuple(dict.fromkeys(_doubt(one) for one in unsure))
    return RuleMatch(certain=False, candidates=unsure, matched_by=BY_PATIENT, notes=told)


def _one_person(request: Request, persons: list[Comparison]) -> RuleMatch:
    """Twins share a last name and a date of birth: the full first name tells them apart."""
    equal = [one for one in persons if one.first_names is FirstNames.EQUAL]
    if equal:
        told = (notes.OTHERS_LEFT_OUT,) if len(equal) < len(persons) else ()
        return RuleMatch(certain=True, candidates=equal, matched_by=BY_PATIENT, notes=told)
    if _have_one_name(persons):
        return RuleMatch(certain=True, candidates=persons, matched_by=BY_PATIENT)
    charged = _as_charged(request, persons)
    if charged and _have_one_name(charged):
        return RuleMatch(
            certain=True, candidates=charged, matched_by=BY_PATIENT, notes=(notes.TOLD_APART,)
        )
    return RuleMatch(
        certain=False, candidates=persons, matched_by=BY_PATIENT, notes=(notes.SAME_FAMILY,)
    )


def _in_doubt(candidates: Sequence[Comparison], person: RuleMatch | None) -> RuleMatch | None:
    """The row names a claim, and no claim of that number is certainly the patient's."""
    numbered = [
        one
        for one in candidates
        if one.claim_number and (one.number_as_written or one.name or one.birth_date)
    ]
    if numbered:
        of_person = person.candidates if person else ()
        others = [one for one in of_person if not one.claim_number]
        return RuleMatch(
            certain=False,
            candidates=[*numbered, *others],
            matched_by=BY_CLAIM_NUMBER,
            notes=(notes.NUMBER_ALONE,),
        )
    if person is None:
        return None
    told = (notes.NUMBER_UNKNOWN, *person.notes)
    return RuleMatch(certain=False, candidates=person.candidates, matched_by=BY_PATIENT, notes=told)


def _doubt(one: Comparison) -> str:
    if one.birth_date:
        return _doubt_about_name(one)
    missing = one.birth_dates is BirthDates.MISSING
    return notes.NO_BIRTH_DATE if missing else notes.NEAR_BIRTH_DATE


def _doubt_about_name(one: Comparison) -> str:
    if one.last_name:
        near = one.first_names is FirstNames.NEAR
        return notes.NEAR_FIRST_NAME if near else notes.UNSURE_FIRST_NAME
    if one.first_names < FirstNames.CLOSE:
        return notes.NAMES_EXCHANGED
    match one.last_names:
        case LastNames.NEAR:
            return notes.NEAR_LAST_NAME
        case LastNames.CROSSWISE:
            return notes.CROSSWISE_LAST_NAME
        case _:
            return notes.OTHER_LAST_NAME


def _are_one(fitting: Iterable[Comparison]) -> bool:
    return are_one_claim([one.claim for one in fitting])


def _have_one_name(persons: Iterable[Comparison]) -> bool:
    return len({first_name_core(one.claim.patient_first_name or "") for one in persons}) == 1


def _as_charged(request: Request, fitting: Iterable[Comparison]) -> list[Comparison]:
    """Those that charge what the row says, which breaks a tie; none if it says nothing."""
    if request.total_charged is None:
        return []
    return [one for one in fitting if one.claim.total_charged == request.total_charged]


def _as_match(request: Request, rule_match: RuleMatch) -> Match:
    told = list(rule_match.notes)
    if rule_match.certain:
        told += [note for one in rule_match.candidates for note in one.differences()]
    return Match(
        outcome=Outcome.FOUND if rule_match.certain else Outcome.AMBIGUOUS,
        claims=in_order(request, rule_match.candidates),
        matched_by=rule_match.matched_by,
        note=" ".join(dict.fromkeys(told)) or None,
        doubts=() if rule_match.certain else rule_match.notes,
    )
