"""The payer behind the clearinghouse: inquiries to answers, from the world."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from claims_pipeline.sandbox.world.practices import WorldPractice
from claims_pipeline.sandbox.world.records import Record
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
    return next((one for one in world.practices if npi_of(one) == provider_id), None)


def npi_of(practice: WorldPractice) -> str:
    """The practice's NPI; no real one begins so."""
    return f"000000{practice.number:04d}"


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
    by_person: dict[int, list[Record]] = {}
    for record in _records(claim, practice, world):
        by_person.setdefault(record.person.index, []).append(record)
    if not by_person:
        yield from levels.person(claim, style)
        yield from nothing_found(claim.trace, at)
    for records in by_person.values():
        person = records[0].person
        names = (person.last_name, person.first_name)
        if claim.dependent:
            style.dependent = names
        else:
            style.subscriber, style.member_id = names, person.subscriber_id
        yield from levels.person(claim, style)
        for record in records:
            yield from claim_loop(claim.trace, record, style, today=world.today)


def _records(claim: AskedClaim, practice: WorldPractice, world: World) -> Sequence[Record]:
    patient = claim.patient
    if patient is None or claim.window is None:
        return ()
    return world.search(practice, claim.window, patient)
