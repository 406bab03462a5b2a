"""Decides rows: found, ambiguous, not found, or failed with the class of what went wrong."""

from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.matching import Match, is_on_other_days, match, nearest_miss, notes
from claims_pipeline.matching.rules import BY_PATIENT
from claims_pipeline.model import (
    Claim,
    DateWindow,
    MatchedClaim,
    Outcome,
    QueryKind,
    Request,
    Result,
)
from claims_pipeline.payers.status import claim_status, next_action_for_error
from claims_pipeline.planning import Span, one_per_row_calls
from claims_pipeline.store.ledger.entries import Conclusion, RowProgress

_PARTIAL = PayerError(
    ErrorClass.PARTIAL,
    "partial",
    "The payer did not return all of this patient's claims. Retry later.",
)
# What clears up a doubt; where several claims fit, one has to be chosen.
_ACTION_BY_DOUBT = MappingProxyType(
    {
        notes.NUMBER_ALONE: "check_whose_number",
        notes.ACCOUNT_ALONE: "check_whose_number",
        notes.NUMBER_UNKNOWN: "check_number_of_claims",
        notes.SAME_FAMILY: "check_which_person",
        notes.UNSURE_FIRST_NAME: "check_which_person",
        notes.NEAR_FIRST_NAME: "check_name",
        notes.NEAR_LAST_NAME: "check_name",
        notes.CROSSWISE_LAST_NAME: "check_name",
        notes.OTHER_LAST_NAME: "check_name",
        notes.NAMES_EXCHANGED: "check_name",
        notes.NEAR_BIRTH_DATE: "check_birth_date",
        notes.NO_BIRTH_DATE: "check_birth_date",
    }
)


def conclude(
    row: RowProgress, *, span: Span, environment: str, confirms: bool = False
) -> Conclusion | None:
    """Decide a row at a checkpoint of its queries; None when it needs a further query.

    A row is concluded when all of its window is covered by complete answers, or when it was to
    be searched until found and is found. With `confirms`, one that may be at the payer under
    another name is left open until its days are swept. What could not be asked is failed with its
    class, and never not found.
    """
    if any(window.contains(span.window) for window in row.covered):
        conclusion = _matched_by(row, span, environment)
        is_sure = row.single_only or not confirms or not may_be_missed(row.request, conclusion)
        return conclusion if is_sure or is_swept(row.swept, span) else None
    if span.until_found and row.claims:
        conclusion = _matched_by(row, span, environment)
        if conclusion.result.outcome is not Outcome.NOT_FOUND:
            return conclusion
    if row.failed_by is not None and row.failed_by.error is not None:
        kind = row.failed_by.leased.query.kind
        return _concluded_by_error(row.request, row.failed_by.error, kind, environment)
    is_single = row.decided_by.leased.query.kind is QueryKind.SINGLE
    answer = row.decided_by.answer
    if is_single and answer is not None and not answer.complete:
        return _concluded_by_error(row.request, _PARTIAL, QueryKind.SINGLE, environment)
    return None


def may_be_missed(request: Request, conclusion: Conclusion) -> bool:
    """Whether a claim of the row may stand at the payer under a name that was not asked for.

    Searched by name, a payer shows what it files under that name. What else is in a row's file
    must not decide whether its claim is seen (I9).
    """
    result = conclusion.result
    if result.outcome is Outcome.NOT_FOUND:
        return True
    return request.claim_number is not None and result.matched_by == BY_PATIENT


def is_swept(swept: tuple[DateWindow, ...], span: Span) -> bool:
    """Whether every claim of the row's days was looked at, whatever its name."""
    return any(window.contains(span.window) for window in swept)


def _concluded_by_error(
    request: Request, error: PayerError, kind: QueryKind, environment: str
) -> Conclusion | None:
    # Transient: the payer answers other searches, so it may answer smaller ones of these rows too.
    asked_singly_instead = {
        ErrorClass.FIX_INPUT,
        ErrorClass.NEAR_MATCH,
        ErrorClass.PARTIAL,
        ErrorClass.TRANSIENT,
    }
    if kind is QueryKind.SWEEP and error.error_class in asked_singly_instead:
        return None
    result = failed(request.row_number, error.code, error.message, error.error_class, environment)
    return Conclusion(result=result, one_per_row_calls=1)


def failed(
    row_number: int, code: str, message: str, error_class: ErrorClass, environment: str
) -> Result:
    """A row that could not be asked, with its class turned into what to do."""
    return Result(
        row_number=row_number,
        outcome=Outcome.FAILED,
        next_action=next_action_for_error(Outcome.FAILED, error_class),
        error_code=code,
        error_message=message,
        payer_environment=environment,
        checked_at=datetime.now(UTC),
    )


def _matched_by(row: RowProgress, span: Span, environment: str) -> Conclusion:
    return matched(
        row.request,
        row.claims,
        covered=row.covered,
        swept=row.swept,
        span=span,
        environment=environment,
        search=row.decided_by.leased.query.kind,
    )


def matched(
    request: Request,
    claims: tuple[Claim, ...],
    *,
    covered: tuple[DateWindow, ...],
    swept: tuple[DateWindow, ...] = (),
    span: Span,
    environment: str,
    search: QueryKind | None = None,
) -> Conclusion:
    """Conclude a row by the claims seen for it in the windows covered."""
    found = match(request, claims, searched=span.window)
    result = replace(
        _result(request, found),
        searched=_searched(span, covered),
        search=search,
        payer_environment=environment,
    )
    if found.outcome is Outcome.NOT_FOUND:
        result = _not_found(result, request, claims, everything_seen=is_swept(swept, span))
    return Conclusion(
        result=result, one_per_row_calls=one_per_row_calls(span, found_in=_visit(found))
    )


def _not_found(
    result: Result, request: Request, claims: tuple[Claim, ...], *, everything_seen: bool
) -> Result:
    """A row that no claim fits, with how it was searched, and the nearest miss in words."""
    told = [notes.EVERY_CLAIM_SEEN if everything_seen else notes.BY_NAME_ONLY]
    if miss := nearest_miss(request, claims):
        told.append(miss)
    action = result.next_action if everything_seen else _ask_about_spelling(result.next_action)
    return replace(result, match_note=" ".join(told), next_action=action)


def _ask_about_spelling(action: str | None) -> str | None:
    """Nobody is told to submit a claim again that the payer may have under another name."""
    return "check_spelling" if action == "check_row" else action


def _searched(span: Span, covered: tuple[DateWindow, ...]) -> DateWindow:
    """From the first to the last day of the row's window that was searched."""
    days = [days for window in covered if (days := window.intersection(span.window))]
    if not days:
        return span.window
    return DateWindow(min(window.first for window in days), max(window.last for window in days))


def _visit(matched: Match) -> DateWindow | None:
    """The day of service by which a row-by-row client would have come upon the claim."""
    days = [claim.service_from for claim in matched.claims if claim.service_from]
    return DateWindow(max(days), max(days)) if days else None


def _next_action(request: Request, matched: Match, shown: tuple[MatchedClaim, ...]) -> str:
    if matched.outcome is Outcome.FOUND:
        return shown[0].next_action
    if matched.outcome is Outcome.NOT_FOUND and request.claim_number is not None:
        # The payer has numbered the claim, so it has had it: sent again, it is a duplicate.
        return "check_claim_number"
    in_doubt = (_ACTION_BY_DOUBT[each] for each in matched.doubts if each in _ACTION_BY_DOUBT)
    return next(in_doubt, next_action_for_error(matched.outcome))


def _result(request: Request, matched: Match) -> Result:
    readings = [(claim, claim_status(claim)) for claim in matched.claims]
    shown = tuple(
        MatchedClaim(
            claim=claim,
            status=reading.status,
            next_action=reading.next_action,
            primary=position == 0,
            open_amount=reading.open_amount,
            denial_category=reading.denial_category,
            denials=reading.denials,
            note=notes.OTHER_DAYS if is_on_other_days(request, claim) else None,
        )
        for position, (claim, reading) in enumerate(readings)
    )
    return Result(
        row_number=request.row_number,
        outcome=matched.outcome,
        claims=shown,
        matched_by=matched.matched_by,
        match_note=matched.note,
        next_action=_next_action(request, matched, shown),
        checked_at=datetime.now(UTC),
    )
