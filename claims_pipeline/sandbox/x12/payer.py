"""The payer behind the clearinghouse: inquiries to answers, from the world."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from claims_pipeline.sandbox.world.as_277 import Claim277, search_277
from claims_pipeline.sandbox.world.practices import WorldPractice
from claims_pipeline.sandbox.world.world import World
from claims_pipeline.sandbox.x12.asked import AskedClaim, AskedSet
from claims_pipeline.sandbox.x12.faults import Fault, Faults
from claims_pipeline.sandbox.x12.rendering import (
    Levels,
    SegmentText,
    Style,
    claim_loop,
    nothing_found,
)

_FOREIGN_TRACE = "SOMEBODYELSES0001"


def answer_set(
    asked: AskedSet,
    claims: Sequence[AskedClaim],
    *,
    world: World,
    faults: Faults,
    reference: str,
    at: datetime,
) -> list[SegmentText]:
    """A 277 about some of a set's inquiries, without ST and SE."""
    levels = Levels(asked, at)
    body = list(levels.head(reference))
    if faults.happens(Fault.RECEIVER_REJECTED):
        return [*body, *levels.receiver_status("E0:24")]
    if faults.happens(Fault.RECEIVER_DOWN):
        return [*body, *levels.receiver_status("E1:484")]
    provider_id, is_refused = "", False
    for claim in claims:
        if claim.provider_id != provider_id:
            provider_id = claim.provider_id
            practice = practice_of(world, provider_id)
            is_refused = practice is None or faults.happens(Fault.PROVIDER_REJECTED)
            body += levels.provider(claim)
            if is_refused:
                body += levels.provider_status("E0:562:1P")
        if is_refused or practice is None:
            continue
        body += _answer(claim, practice, levels, world=world, faults=faults, at=at)
    return body


def practice_of(world: World, provider_id: str) -> WorldPractice | None:
    """Who asks, by tax id or NPI."""
    found = world.practice_by_tin(provider_id)
    if found is not None:
        return found
    return next((one for one in world.practices if one.npi == provider_id), None)


def _answer(
    claim: AskedClaim,
    practice: WorldPractice,
    levels: Levels,
    *,
    world: World,
    faults: Faults,
    at: datetime,
) -> Iterator[SegmentText]:
    if faults.happens(Fault.MISSING):
        return
    if faults.happens(Fault.FOREIGN):
        yield from levels.person(claim, Style())
        yield from nothing_found(_FOREIGN_TRACE, at)
    for codes, fault in (("A0:484", Fault.DOWN), ("E0:33", Fault.REJECTED)):
        if faults.happens(fault):
            yield from levels.person(claim, Style())
            yield from nothing_found(claim.trace, at, codes)
            return
    style = Style(
        no_person=faults.happens(Fault.NO_PERSON),
        lower_case=faults.happens(Fault.LOWER_CASE),
        missing_elements=faults.happens(Fault.MISSING_ELEMENTS),
        two_statuses=faults.happens(Fault.TWO_STATUSES),
    )
    by_person: dict[int, list[Claim277]] = {}
    for found in _claims(claim, practice, world):
        by_person.setdefault(found.record.person.index, []).append(found)
    if not by_person:
        yield from levels.person(claim, style)
        yield from nothing_found(claim.trace, at)
    for claims in by_person.values():
        person = claims[0].record.person
        names = (person.last_name, person.first_name)
        if claim.dependent:
            style.dependent = names
        else:
            style.subscriber, style.member_id = names, person.subscriber_id
        yield from levels.person(claim, style)
        for found in claims:
            yield from claim_loop(claim.trace, found, style, today=world.today)


def _claims(claim: AskedClaim, practice: WorldPractice, world: World) -> Sequence[Claim277]:
    patient = claim.patient
    if patient is None or claim.window is None:
        return ()
    return search_277(world, practice, claim.window, patient, member_id=claim.member_id)
