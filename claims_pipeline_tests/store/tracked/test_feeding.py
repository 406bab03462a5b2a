"""Answers told to tracked claims: joined, never doubled, told once."""

import threading
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, func, select, update

from claims_pipeline.model import ClaimStatus, Outcome
from claims_pipeline.store import tables, uploads
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.rows.results import iterate_answered_rows
from claims_pipeline.store.tracked import feeding
from claims_pipeline.store.tracked.rules import switch_follow_up
from claims_pipeline_tests.store.tracked.builders import (
    NOW,
    ORGANIZATION,
    TODAY,
    Row,
    follow,
    hand_in,
    told,
    tracked,
)

PENDING = (("FH00000001", ClaimStatus.PENDING),)
PAID = (("FH00000001", ClaimStatus.PAID),)
LATER = NOW + timedelta(days=14)


def test_an_upload_is_followed_as_it_says_or_else_as_its_organization_has_it(
    engine: Engine,
) -> None:
    follow(engine, Row(claims=PENDING), follow_up=None)
    follow(engine, Row(claims=PENDING), follow_up=False)
    assert tracked(engine) == []

    switch_follow_up(engine, ORGANIZATION, is_on=True, now=NOW)
    follow(engine, Row(claims=PENDING), follow_up=False)
    assert tracked(engine) == []
    follow(engine, Row(claims=PENDING), follow_up=None)
    assert len(tracked(engine)) == 1


def test_a_claim_that_is_handed_in_again_joins_what_is_tracked(engine: Engine) -> None:
    follow(engine, Row(claims=PENDING))
    follow(engine, Row(claims=PENDING), checked_at=LATER)
    # By its number, from a file of another shape.
    follow(
        engine,
        Row(claim_number="FH00000001", visit=date(2026, 2, 2), claims=PAID),
        checked_at=LATER + timedelta(days=1),
    )

    [claim] = tracked(engine)
    assert (claim.status, claim.checks, claim.previous_status) == ("PAID", 3, "PENDING")
    assert told(engine) == [("new", None, "PENDING"), ("status", "PENDING", "PAID")]


def test_each_claim_of_a_row_is_followed_for_itself(engine: Engine) -> None:
    both = (("FH00000001", ClaimStatus.PAID), ("FH00000002", ClaimStatus.PENDING))
    follow(engine, Row(claims=both))

    paid, pending = tracked(engine)
    assert (paid.final_at is not None, pending.final_at) == (True, None)
    assert (paid.next_check_on, pending.next_check_on) == (None, TODAY + timedelta(days=14))


def test_a_row_that_was_not_found_becomes_the_claim_that_is_found_later(engine: Engine) -> None:
    follow(engine, Row(outcome=Outcome.NOT_FOUND))
    [missing] = tracked(engine)
    assert (missing.status, missing.next_check_on) == ("not_found", TODAY + timedelta(days=14))

    follow(engine, Row(claims=PENDING), checked_at=LATER)

    [found] = tracked(engine)
    assert (found.id, found.status, found.claim_number) == (missing.id, "PENDING", "FH00000001")
    assert told(engine)[-1] == ("status", "not_found", "PENDING")


def test_a_row_that_turns_out_to_be_a_claim_that_is_tracked_is_merged_into_it(
    engine: Engine,
) -> None:
    follow(engine, Row(claim_number="FH00000001", claims=PENDING))
    follow(engine, Row(outcome=Outcome.NOT_FOUND))
    assert len(tracked(engine)) == 2

    follow(engine, Row(claims=PAID), checked_at=LATER)

    merged = [claim for claim in tracked(engine) if claim.claim_key is None]
    assert [(claim.next_check_on, claim.needs_person) for claim in merged] == [(None, False)]
    assert told(engine)[-1] == ("status", "PENDING", "PAID")
    # Not told of the merged one: it is the same claim.
    assert [kind for kind, _, _ in told(engine)] == ["new", "new", "status"]


def test_a_check_that_fails_says_nothing_about_the_claim(engine: Engine) -> None:
    follow(engine, Row(claims=PENDING))
    follow(engine, Row(outcome=Outcome.FAILED), checked_at=LATER)

    [claim] = tracked(engine)
    assert (claim.status, claim.checks) == ("PENDING", 1)
    assert claim.next_check_on == TODAY + timedelta(days=1)
    assert told(engine) == [("new", None, "PENDING")]


def test_a_claim_first_asked_in_vain_is_new_with_its_first_answer(engine: Engine) -> None:
    follow(engine, Row(outcome=Outcome.FAILED))
    follow(engine, Row(claims=PAID), checked_at=LATER)

    [claim] = tracked(engine)
    assert (claim.status, claim.checks) == ("PAID", 1)
    assert told(engine) == [("new", None, "PAID")]


def test_an_answer_that_was_overtaken_tells_nothing(engine: Engine) -> None:
    early = hand_in(engine, Row(claims=PENDING), checked_at=NOW)
    follow(engine, Row(claims=PAID), checked_at=LATER)
    early.tell()

    [claim] = tracked(engine)
    assert (claim.status, claim.checks) == ("PAID", 1)
    assert told(engine) == [("new", None, "PAID")]


def test_rows_that_show_the_same_claim_check_it_once(engine: Engine) -> None:
    follow(engine, Row(claims=PENDING), Row(claim_number="FH00000001", claims=PENDING))
    [claim] = tracked(engine)
    assert (claim.checks, told(engine)) == (1, [("new", None, "PENDING")])


def test_another_amount_is_a_change_too(engine: Engine) -> None:
    follow(engine, Row(claims=PAID, paid=Decimal(80)))
    follow(engine, Row(claims=PAID, paid=Decimal(95)), checked_at=LATER)
    assert [kind for kind, _, _ in told(engine)] == ["new", "amount"]


def test_what_is_told_stands_in_the_results(engine: Engine) -> None:
    follow(engine, Row(claims=PENDING))
    handed = follow(engine, Row(claims=PAID), checked_at=LATER)

    [row] = iterate_answered_rows(engine, handed.upload_id)
    [match] = row.result.claims
    assert match.check is not None
    assert (match.check.changed, match.check.previous_status) == ("status", "PENDING")
    assert (match.check.checks, match.check.status_since) == (2, LATER)


def test_telling_twice_tells_once(engine: Engine) -> None:
    handed = hand_in(engine, Row(claims=PENDING), Row(person="OTHER", outcome=Outcome.NOT_FOUND))
    handed.tell()
    first = told(engine)
    handed.tell()
    # A run that died between the last portion and the note that all is done.
    with writing(engine) as connection:
        connection.execute(update(tables.attempts).values(followed_at=None))
    handed.tell()
    assert told(engine) == first


def test_whoever_dies_between_two_portions_tells_nothing_twice_and_loses_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        Row(person=f"EXAMPLE{chr(65 + n)}", claims=((f"FH0000000{n}", ClaimStatus.PENDING),))
        for n in range(7)
    ]
    handed = hand_in(engine, *rows)
    monkeypatch.setattr(feeding, "_ROWS_AT_ONCE", 3)
    written = feeding._write
    portions = []

    def dies_at_the_third(*arguments: object) -> None:
        portions.append(1)
        written(*arguments)  # type: ignore[arg-type]
        if len(portions) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(feeding, "_write", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        handed.tell()
    assert len(told(engine)) == 6

    handed.tell()

    assert len(told(engine)) == 7
    assert [claim.checks for claim in tracked(engine)] == [1] * 7


def test_two_that_tell_at_once_tell_each_change_once(engine: Engine) -> None:
    people = [f"EXAMPLE{chr(65 + n)}" for n in range(20)]
    rows = [
        Row(person=person, claims=((f"FH000000{n:02d}", ClaimStatus.PENDING),))
        for n, person in enumerate(people)
    ]
    uploads_at_once = [hand_in(engine, *rows), hand_in(engine, *rows)]
    threads = [
        threading.Thread(target=handed.tell) for handed in (*uploads_at_once, *uploads_at_once)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(tracked(engine)) == 20
    assert sorted(told(engine)) == [("new", None, "PENDING")] * 20
    assert {claim.checks for claim in tracked(engine)} == {2}


def test_operators_are_told_of_changes_and_not_of_claims_that_are_merely_new(
    engine: Engine,
) -> None:
    def alerts() -> int:
        with reading(engine) as connection:
            query = select(func.count()).select_from(tables.alerts)
            count: int = connection.execute(query).scalar_one()
        return count

    follow(engine, Row(claims=PENDING))
    assert alerts() == 0
    follow(engine, Row(claims=PAID), checked_at=LATER)
    assert alerts() == 1


def test_tracked_claims_outlive_the_uploads_that_told_them(engine: Engine) -> None:
    handed = follow(engine, Row(claims=PENDING))
    with writing(engine) as connection:
        connection.execute(tables.uploads.delete().where(tables.uploads.c.id == handed.upload_id))
    [claim] = tracked(engine)
    assert claim.last_upload_id is None
    assert uploads.get_upload(engine, handed.upload_id) is None
    assert len(told(engine)) == 1
