"""Queries whose answers come later: kept with their reference, looked at when due, sent once."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from claims_pipeline.errors import HoldLostError
from claims_pipeline.payers.base import Submitted
from claims_pipeline.store import attempts
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.ledger.entries import Group, LeasedQuery, SubmittedQuery
from claims_pipeline.store.ledger.ledger import Ledger
from claims_pipeline_tests.store.builders import (
    NOW,
    PAYER_ID,
    TIN,
    make_runs,
    seconds_later,
    store_rows,
)
from claims_pipeline_tests.store.ledger.test_ledger import (
    Book,
    answered,
    conclude_all,
    single,
)

GROUP = Group(tin=TIN, payer_id=PAYER_ID)
SOON = timedelta(seconds=2)


@pytest.fixture
def book(engine: Engine) -> Book:
    runs = make_runs(engine)
    hold = runs.held("run-1")
    store_rows(engine, hold, accepted=3)
    book = Book(engine=engine, runs=runs, hold=hold)
    lane(book).write_plan(GROUP, [single(1), single(2), single(3)])
    return book


def lane(book: Book, hold: Hold | None = None, *, most: int | None = None) -> Ledger:
    return Ledger(
        book.engine,
        hold or book.hold,
        lease_s=60,
        now=book.clock,
        awaits_answers=True,
        max_in_flight=most,
    )


def submitted(book: Book, leased: LeasedQuery, name: str = "a") -> SubmittedQuery:
    at = book.clock() + SOON
    return SubmittedQuery(leased=leased, submitted=Submitted(reference=name, next_look_at=at))


def test_what_was_submitted_is_looked_at_when_it_is_due_and_not_before(book: Book) -> None:
    ledger = lane(book)
    first, *others = ledger.lease(3)
    ledger.record_submitted([submitted(book, first)])
    assert book.states() == ["submitted", "leased", "leased"]
    ledger.settle([answered(other) for other in others], conclude_all)

    assert ledger.lease(3) == []
    assert not ledger.others_are_asking()
    assert ledger.next_look_at() == book.clock() + SOON
    book.clock.now += SOON
    assert ledger.others_are_asking()
    [look] = ledger.lease(3)
    assert (look.query_id, look.reference) == (first.query_id, "a")
    assert look.submitted_at == book.clock() - SOON
    ledger.settle([answered(look)], conclude_all)
    assert book.states() == ["settled"] * 3
    assert ledger.next_look_at() is None


def test_a_group_with_answers_to_come_is_not_planned_anew(book: Book) -> None:
    ledger = lane(book)
    first, second, third = ledger.lease(3)
    ledger.settle([answered(second), answered(third)], conclude_all)
    ledger.record_submitted([submitted(book, first)])
    assert ledger.groups_to_plan() == []


def test_a_later_look_keeps_when_it_was_submitted(book: Book) -> None:
    ledger = lane(book)
    [first] = ledger.lease(1)
    began = book.clock()
    ledger.record_submitted([submitted(book, first)])
    book.clock.now += SOON
    [look] = ledger.lease(1)
    ledger.record_submitted([submitted(book, look)])
    book.clock.now += SOON
    [again] = ledger.lease(1)
    assert again.submitted_at == began


def test_a_run_that_dies_while_it_looks_leaves_the_reference_to_the_next(book: Book) -> None:
    ledger = lane(book)
    [first] = ledger.lease(1)
    ledger.record_submitted([submitted(book, first)])
    book.clock.now += SOON
    assert [one.reference for one in ledger.lease(1)] == ["a"]

    book.clock.now += timedelta(seconds=61)
    taken = lane(book).lease(3)
    assert [one.reference for one in taken] == ["a", None, None]


def test_what_is_given_back_is_looked_at_again_and_not_sent_again(book: Book) -> None:
    ledger = lane(book)
    [first, _, _] = ledger.lease(3)
    ledger.record_submitted([submitted(book, first)])
    book.clock.now += SOON
    ledger.lease(3)
    ledger.release()
    assert book.states() == ["submitted", "planned", "planned"]


def test_no_more_are_sent_than_the_channel_bears(book: Book) -> None:
    ledger = lane(book, most=2)
    leased = ledger.lease(3)
    assert len(leased) == 2
    ledger.record_submitted([submitted(book, one, str(at)) for at, one in enumerate(leased)])
    assert lane(book, most=2).lease(3) == []
    assert not ledger.others_are_asking()

    book.clock.now += SOON
    look, other = ledger.lease(3)
    ledger.settle([answered(look)], conclude_all)
    ledger.record_submitted([submitted(book, other)])
    assert [one.reference for one in ledger.lease(3)] == [None]


def test_a_run_that_lost_the_attempt_records_nothing(book: Book) -> None:
    ledger = lane(book)
    [first] = ledger.lease(1)
    assert book.runs.acquire("run-2", has_parent=True, now=seconds_later(31)) is None
    attempts.heartbeat(book.engine, book.hold, NOW)
    assert book.runs.acquire("run-2", has_parent=True, now=seconds_later(31)) is not None
    with pytest.raises(HoldLostError):
        ledger.record_submitted([submitted(book, first)])


def test_an_attempt_that_is_cancelled_awaits_nothing_any_longer(book: Book) -> None:
    ledger = lane(book)
    [first] = ledger.lease(1)
    ledger.record_submitted([submitted(book, first)])
    attempts.wait_for_payer(
        book.engine,
        book.hold,
        reason="awaiting_answers",
        next_try_at=book.clock() + SOON,
        now=book.clock(),
        is_down=False,
    )
    attempt = attempts.get_attempt(book.engine, book.hold.attempt_id)
    assert attempt is not None
    assert attempt.payer_down_since is None
    attempts.request_cancel(book.engine, book.hold.upload_id, now=book.clock())
    assert "submitted" not in book.states()
