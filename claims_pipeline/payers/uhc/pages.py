"""One page of a UHC search: which of its claims are ours, and can be told from each other."""

from dataclasses import dataclass

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import Claim, Query
from claims_pipeline.payers.json_fields import entries
from claims_pipeline.payers.relevance import is_identified, may_be
from claims_pipeline.payers.replies import HttpReply, unreadable_answer
from claims_pipeline.payers.status import ABSENT_CATEGORIES, categories, error_of
from claims_pipeline.payers.uhc.answers import payer_error, read_answer, transaction_of
from claims_pipeline.payers.uhc.claims import claim_of, tins_of

# What a search knows an answer to; every other error ends or repeats the call.
_DEALT_WITH = frozenset(
    {
        ErrorClass.NOT_FOUND,
        ErrorClass.SPLIT_WINDOW,
        ErrorClass.RESTART_PAGING,
        ErrorClass.PARTIAL,
        ErrorClass.NEAR_MATCH,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page, sorted out. `seen` counts all of its entries, `unreadable` those in doubt.

    A claim that cannot be told from others is among `claims` and counted as unreadable too: a
    row may still know it by its number, and no row may be not found because of it.
    """

    claims: tuple[Claim, ...]
    seen: int
    unreadable: int
    unrelated: int
    transaction: str | None
    problem: PayerError | None


def read_page(reply: HttpReply, query: Query) -> Page:
    """Understand one answer to a search; `problem` is an error that the search deals with.

    Raises:
        PayerError: every other error.

    """
    answer = read_answer(reply, done=_DEALT_WITH)
    listed = answer.fields.get("claims")
    if not isinstance(listed, list):
        if answer.problem is None:
            raise unreadable_answer()
        listed = []
    objects = list(entries(listed))
    claims: list[Claim] = []
    not_answered: list[ErrorClass] = []
    unreadable, unrelated = len(listed) - len(objects), 0
    for entry in objects:
        claim = claim_of(entry, payer_id=query.payer_id, tin=query.tin)
        if claim is None:
            unreadable += 1
        elif _is_foreign(claim, tins_of(entry), query):
            unrelated += 1
        elif error_class := error_of(claim):
            not_answered.append(error_class)
        elif not _is_absent(claim):
            unreadable += not is_identified(claim)
            claims.append(claim)
    if not_answered and not claims and query.patient is not None:
        raise payer_error(not_answered[0], "payer_could_not_look")
    return Page(
        claims=tuple(claims),
        seen=len(listed),
        unreadable=unreadable + len(not_answered),
        unrelated=unrelated,
        transaction=transaction_of(answer.fields),
        problem=answer.problem,
    )


def _is_absent(claim: Claim) -> bool:
    """Whether it only says that there is no such claim."""
    found = categories(claim)
    return bool(found) and found <= ABSENT_CATEGORIES


def _is_foreign(claim: Claim, tins: frozenset[str], query: Query) -> bool:
    if tins and query.tin not in tins:
        return True
    return query.patient is not None and not may_be(claim, query.patient)
