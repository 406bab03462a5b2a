"""Which tracked claim an answer is about; docs/adr/0016 says why by these keys.

A claim that the payer has shown is known by payer, practice, claim number and first day of service.
What no claim answers yet is known by what its row asked. Whoever hands in the same row again, or
another row that shows the same claim, joins what is tracked already.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from claims_pipeline.model import Claim, Outcome, Request, Standing
from claims_pipeline.names import folded_name

# A person has turned down every claim that fits.
_NONE_OF_THEM = Standing(status=Outcome.NOT_FOUND.value, next_action="check_row")
_NOT_IN_A_NUMBER = re.compile(r"[^0-9A-Z]")


def claim_key(payer: str, claim: Claim) -> str:
    """The key of a payer's claim, whatever its version and however the payer splits it.

    `payer` is the short name. 32 hexadecimal digits, as `row_key`.
    """
    first_day = claim.service_from.isoformat() if claim.service_from else ""
    return _digest("claim", payer, claim.tin, _folded(claim.claim_number), first_day)


def row_key(request: Request) -> str:
    """The key of what a row asks: its claim number, or else the person and the days of service.

    Names are folded as matching does; a row that names no days is one with itself only.
    """
    patient = request.patient
    person = (
        folded_name(patient.last_name),
        folded_name(patient.first_name),
        patient.date_of_birth.isoformat(),
    )
    asked: tuple[str, ...]
    if request.claim_number:
        asked = ("number", _folded(request.claim_number))
    else:
        days = request.service
        asked = (
            "days",
            *((days.first.isoformat(), days.last.isoformat()) if days else ("", "")),
            _folded(request.subscriber_id or ""),
        )
    return _digest("row", request.payer, request.tin, *person, *asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A tracked claim as far as joining goes.

    `claim_key` is None until the payer has shown the claim. `chosen` is the key of the claim that a
    person chose for it, `turned_down` are those that they said it is not.
    """

    id: str
    claim_key: str | None = None
    chosen: str | None = None
    turned_down: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A claim of a row's answer."""

    key: str
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """One tracked claim and what it was told; `tracked_id` is None for one that is new.

    `claim_key` is None where no claim is certain. `merged_into` is the key of the claim that
    another tracked claim stands for: the one of this id is closed, having been the same all along.
    """

    tracked_id: str | None
    claim_key: str | None
    standing: Standing
    merged_into: str | None = None


def join(
    outcome: Outcome,
    shown: Sequence[Shown],
    known: Sequence[Known],
    *,
    without_claim: Standing,
    asked_for: str | None = None,
) -> list[Joined]:
    """What an answer tells of which tracked claims, each claim and each tracked claim once.

    Args:
        outcome: The row's.
        shown: The claims of the answer, best first, each key once.
        known: What is tracked of the row already: by its own key, and by those of `shown`.
        without_claim: Where the row stands if no claim is certain.
        asked_for: Id of the tracked claim that the row was asked for, if it was; it is told
            something in any case.

    """
    certain = _certain(outcome, shown, known)
    if not certain:
        return _nobody_answers(outcome, shown, known, without_claim, asked_for)
    by_key = {each.claim_key: each for each in known if each.claim_key is not None}
    joined: list[Joined] = []
    unmatched: list[Shown] = []
    for each in certain:
        if each.key in by_key:
            joined.append(_told(by_key[each.key].id, each))
        else:
            unmatched.append(each)
    told = {each.tracked_id for each in joined}
    waiting = [each for each in known if each.id not in told and _is_open_for(each, asked_for)]
    takers = [each.id for each in waiting[: len(unmatched)]]
    takers_or_new = [*takers, *[None] * (len(unmatched) - len(takers))]
    joined.extend(map(_told, takers_or_new, unmatched))
    for left in waiting[len(unmatched) :]:
        if left.claim_key is None:
            joined.append(
                Joined(
                    tracked_id=left.id,
                    claim_key=None,
                    standing=joined[0].standing,
                    merged_into=joined[0].claim_key,
                )
            )
        else:
            # Asked for by its number, and the payer shows other claims only.
            joined.append(_untold(left.id, left.claim_key, without_claim))
    return joined


def _certain(outcome: Outcome, shown: Sequence[Shown], known: Sequence[Known]) -> Sequence[Shown]:
    """Of a found row all its claims; of an ambiguous one those that are tracked or chosen."""
    if outcome is Outcome.FOUND:
        refused = frozenset(key for each in known for key in each.turned_down)
        return [each for each in shown if each.key not in refused]
    if outcome is Outcome.AMBIGUOUS:
        wanted = {each.claim_key for each in known} | {each.chosen for each in known}
        return [each for each in shown if each.key in wanted]
    return ()


def _nobody_answers(
    outcome: Outcome,
    shown: Sequence[Shown],
    known: Sequence[Known],
    without_claim: Standing,
    asked_for: str | None,
) -> list[Joined]:
    concerned = [each for each in known if asked_for in {None, each.id}]
    if not concerned:
        return [Joined(tracked_id=None, claim_key=None, standing=without_claim)]
    joined = []
    for each in concerned:
        all_refused = bool(shown) and all(claim.key in each.turned_down for claim in shown)
        if outcome in {Outcome.AMBIGUOUS, Outcome.FOUND} and all_refused:
            joined.append(_untold(each.id, each.claim_key, _NONE_OF_THEM))
        else:
            joined.append(_untold(each.id, each.claim_key, without_claim))
    return joined


def _is_open_for(known: Known, asked_for: str | None) -> bool:
    """Whether a claim that nobody stands for may turn out to be this one."""
    return known.claim_key is None or known.id == asked_for


def _told(tracked_id: str | None, shown: Shown) -> Joined:
    return Joined(tracked_id=tracked_id, claim_key=shown.key, standing=shown.standing)


def _untold(tracked_id: str, key: str | None, standing: Standing) -> Joined:
    return Joined(tracked_id=tracked_id, claim_key=key, standing=standing)


def _folded(number: str) -> str:
    return _NOT_IN_A_NUMBER.sub("", number.upper()).lstrip("0")


def _digest(*parts: str) -> str:
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def number_key(request: Request, claim_number: str) -> str:
    """The key of a row that asked for the same person's claim by the payer's number."""
    return row_key(replace(request, claim_number=claim_number))
