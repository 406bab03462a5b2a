"""Files go out and come back: each inquiry has its fate, whatever goes wrong on the way."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from claims_pipeline.errors import ErrorClass
from claims_pipeline.folders.mailbox.sending import send_out
from claims_pipeline.folders.mailbox.taking import Kind, Taken, take_in
from claims_pipeline.payers.x12.fates import FateKind
from claims_pipeline.payers.x12.inquiries import Inquiry
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.x12.outgoing import bind_file
from claims_pipeline_tests.folders.mailbox.conftest import Exchange
from claims_pipeline_tests.payers.x12.builders import envelope, framed
from claims_pipeline_tests.store.builders import ORGANIZATION

Make = Callable[[int], list[Inquiry]]


def fates(exchange: Exchange, references: list[str]) -> Counter[str]:
    return Counter(exchange.standing(one).fate.kind.value for one in references)


def errors(exchange: Exchange, references: list[str]) -> Counter[str | None]:
    return Counter(exchange.standing(one).fate.code for one in references)


def right(count: int) -> dict[str, int]:
    """What becomes of so many inquiries where nothing goes wrong: every fifth is a stranger."""
    return {"claim": count - count // 5, "not_found": count // 5}


def test_inquiries_go_out_and_their_answers_come_back(exchange: Exchange, inquiries: Make) -> None:
    asked = inquiries(25)
    references = exchange.queue(asked)
    assert exchange.send() == 1
    assert fates(exchange, references) == {"waiting": 25}
    taken = exchange.pass_time()
    assert taken.files == {Kind.READ: 3}
    assert fates(exchange, references) == right(25)
    assert exchange.answered == set(references)
    found = exchange.standing(references[0])
    assert found.claims[0].patient_last_name == asked[0].subscriber.last_name
    assert found.claims[0].patient_date_of_birth == asked[0].subscriber.date_of_birth
    assert not any(exchange.mailbox.outgoing.glob("*.x12"))
    assert not [one for one in exchange.mailbox.incoming.iterdir() if one.is_file()]


# What goes wrong, and what becomes of ten inquiries (two of them about strangers) in one set.
FAULTS: dict[str, tuple[list[str | dict[str, object]], dict[str, int], dict[str | None, int]]] = {
    "answers in two files": (["split"], right(10), {}),
    "answers twice": (["twice"], right(10), {}),
    "other separators": (["other_separators"], right(10), {}),
    "line ends": (["crlf"], right(10), {}),
    "wrong counts": (["wrong_counts"], right(10), {}),
    "no acknowledgment": (["no_acknowledgment"], right(10), {}),
    "acknowledged claims beside the answers": (["acknowledged_claims"], right(10), {}),
    "small letters": (["lower_case"], right(10), {}),
    "missing elements": (["missing_elements"], right(10), {}),
    "members that are no persons": (["no_person"], right(10), {}),
    "two statuses": (["two_statuses"], right(10), {}),
    "answers for somebody else": (["foreign"], right(10), {}),
    "everything at once": (
        ["split", "twice", "other_separators", "crlf", "wrong_counts", "lower_case", "foreign",
         "missing_elements", "two_statuses"],
        right(10),
        {},
    ),
    "the interchange is refused": (
        ["ta1_refused"],
        {"failed": 10},
        {"interchange_refused": 10},
    ),
    "the set is refused": (["set_refused"], {"failed": 10}, {"set_refused": 10}),
    "the receiver is refused": (
        ["receiver_rejected"],
        {"failed": 10},
        {"payer_refused_inquiry": 10},
    ),
    "the provider is refused": (["provider_rejected"], {"failed": 10}, {"provider_refused": 10}),
    "an inquiry is rejected by the payer": (
        [{"fault": "rejected", "every": 10}],
        {"claim": 8, "not_found": 1, "failed": 1},
        {"payer_refused_inquiry": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FAULTS))
def test_each_fault_gives_each_row_its_fate(exchange: Exchange, inquiries: Make, name: str) -> None:
    faults, expected, codes = FAULTS[name]
    exchange.meet(*faults)
    references = exchange.queue(inquiries(10))
    exchange.send()
    exchange.pass_time()
    exchange.pass_time(13)
    assert fates(exchange, references) == expected
    failed = {code: count for code, count in errors(exchange, references).items() if code}
    assert failed == codes


def test_an_inquiry_that_is_refused_alone_lets_the_others_be_asked_again(
    exchange: Exchange, inquiries: Make
) -> None:
    exchange.meet({"fault": "inquiry_refused", "times": 1})
    references = exchange.queue(inquiries(10))
    exchange.send()
    exchange.pass_time()
    assert fates(exchange, references) == {"waiting": 9, "failed": 1}
    failed = exchange.standing(references[0]).fate
    assert (failed.code, failed.error_class) == ("inquiry_refused", ErrorClass.FIX_INPUT)
    assert exchange.send() == 1
    exchange.pass_time()
    assert fates(exchange, references) == {"claim": 7, "not_found": 2, "failed": 1}


def test_a_payer_that_was_down_is_asked_again(exchange: Exchange, inquiries: Make) -> None:
    exchange.meet({"fault": "down", "times": 4}, "twice")
    references = exchange.queue(inquiries(10))
    exchange.send()
    exchange.pass_time()
    assert fates(exchange, references)["waiting"] == 4
    exchange.pass_time()
    exchange.send()
    exchange.pass_time()
    exchange.pass_time()
    assert fates(exchange, references) == right(10)


def test_a_receiver_that_was_down_is_asked_again(exchange: Exchange, inquiries: Make) -> None:
    exchange.meet({"fault": "receiver_down", "times": 1})
    references = exchange.queue(inquiries(10))
    exchange.send()
    exchange.pass_time()
    assert fates(exchange, references) == {"waiting": 10}
    exchange.now += timedelta(hours=2)
    exchange.send()
    exchange.pass_time()
    assert fates(exchange, references) == right(10)


def test_a_payer_that_stays_down_fails_its_rows_in_the_end(
    exchange: Exchange, inquiries: Make
) -> None:
    exchange.meet("down")
    references = exchange.queue(inquiries(3))
    for _ in range(5):
        exchange.send()
        exchange.pass_time()
    assert errors(exchange, references) == {"payer_not_available": 3}


def test_what_is_never_answered_is_over_at_the_deadline(
    exchange: Exchange, inquiries: Make
) -> None:
    exchange.meet({"fault": "missing", "every": 2})
    references = exchange.queue(inquiries(10))
    exchange.send()
    exchange.pass_time()
    assert fates(exchange, references)["waiting"] == 5
    exchange.now += timedelta(days=2)
    found = Counter(
        (one.fate.code, one.fate.error_class)
        for one in map(exchange.standing, references)
        if one.fate.kind is FateKind.FAILED
    )
    assert found == {("no_answer", ErrorClass.TRANSIENT): 5}


def test_an_answer_that_comes_after_the_deadline_is_an_answer(
    exchange: Exchange, inquiries: Make
) -> None:
    exchange.meet("late")
    references = exchange.queue(inquiries(10))
    exchange.send()
    exchange.pass_time(72)
    assert fates(exchange, references) == right(10)


def test_a_file_that_was_cut_off_costs_the_answers_it_lost_and_none_is_not_found(
    exchange: Exchange, inquiries: Make
) -> None:
    exchange.meet({"fault": "cut_off", "times": 1}, "twice")
    asked = inquiries(10)
    references = exchange.queue(asked)
    exchange.send()
    exchange.pass_time()
    before = fates(exchange, references)
    assert before["waiting"] >= 2
    for number, reference in enumerate(references):
        if exchange.standing(reference).fate.kind is FateKind.NOT_FOUND:
            assert number % 5 == 4


def test_the_whole_file_after_one_that_was_cut_off_answers_the_rest(
    exchange: Exchange, inquiries: Make
) -> None:
    references = exchange.queue(inquiries(10))
    exchange.send()
    clearinghouse = exchange.clearinghouse
    assert clearinghouse is not None
    clearinghouse.step()
    exchange.now += timedelta(hours=13)
    clearinghouse.step()
    (whole,) = (
        path for path in exchange.mailbox.incoming.glob("*.x12") if b"*277*" in path.read_bytes()
    )
    content = whole.read_bytes()
    whole.write_bytes(content[: len(content) // 2])
    exchange.take()
    assert fates(exchange, references)["waiting"] > 0
    (exchange.mailbox.incoming / "again.x12").write_bytes(content)
    exchange.take()
    assert fates(exchange, references) == right(10)
    (exchange.mailbox.incoming / "once more.x12").write_bytes(content)
    taken = exchange.take()
    assert taken.counts["answers"] == 0
    assert taken.counts["repeated"] >= 10


def test_answers_about_nobody_here_are_counted_and_never_written(
    exchange: Exchange, inquiries: Make
) -> None:
    exchange.meet("foreign")
    exchange.queue(inquiries(5))
    exchange.send()
    taken = exchange.pass_time()
    assert taken.counts["foreign"] == 5
    with reading(exchange.engine) as connection:
        stored = connection.execute(
            select(tables.x12_answers.c.reference).where(
                tables.x12_answers.c.reference.like("SOMEBODY%")
            )
        ).all()
    assert not stored


def test_answers_for_an_attempt_that_has_ended_are_counted_as_late(
    exchange: Exchange, inquiries: Make
) -> None:
    references = exchange.queue(inquiries(5))
    exchange.send()
    _end_attempt(exchange)
    taken = exchange.pass_time()
    assert taken.counts["late"] == 5
    assert fates(exchange, references) == {"waiting": 5}


def _end_attempt(exchange: Exchange) -> None:
    with writing(exchange.engine) as connection:
        connection.execute(
            update(tables.attempts)
            .where(tables.attempts.c.id == exchange.attempt_id)
            .values(state="finished")
        )


def test_nothing_is_sent_for_an_attempt_that_has_ended(exchange: Exchange, inquiries: Make) -> None:
    exchange.queue(inquiries(5))
    _end_attempt(exchange)
    assert exchange.send() == 0


def test_an_inquiry_is_queued_once(exchange: Exchange, inquiries: Make) -> None:
    asked = inquiries(5)
    exchange.queue(asked)
    exchange.queue(asked)
    exchange.send()
    with reading(exchange.engine) as connection:
        counted = connection.execute(select(func.sum(tables.x12_files.c.inquiries))).scalar_one()
    assert counted == 5


def test_control_numbers_go_on_and_none_is_given_twice(exchange: Exchange, inquiries: Make) -> None:
    asked = inquiries(40)
    for start in (0, 20):
        exchange.queue(asked[start : start + 20])
        exchange.send()
    with reading(exchange.engine) as connection:
        numbers = connection.execute(
            select(tables.x12_files.c.interchange).order_by(tables.x12_files.c.interchange)
        ).scalars()
        assert numbers.all() == ["000000001", "000000002"]
        sets = connection.execute(
            select(tables.x12_inquiries.c.set_control)
            .distinct()
            .order_by(tables.x12_inquiries.c.set_control)
        ).scalars()
        assert sets.all() == ["0001", "0002", "0003", "0004"]


def test_a_file_that_is_not_full_waits_until_no_more_is_queued(
    exchange: Exchange, inquiries: Make
) -> None:
    exchange.queue(inquiries(5))

    def bind(seconds: float) -> bool:
        at = exchange.now + timedelta(seconds=seconds)
        quiet = timedelta(seconds=10)
        args = (exchange.engine, ORGANIZATION, exchange.partner)
        return bind_file(*args, now=at, quiet=quiet) is not None

    assert not bind(5)
    assert bind(10)


def test_a_full_file_waits_for_nothing(exchange: Exchange, inquiries: Make) -> None:
    exchange.partner = replace(exchange.partner, claims_per_set=2, sets_per_file=2)
    exchange.queue(inquiries(5))
    args = (exchange.engine, ORGANIZATION, exchange.partner)
    bound = bind_file(*args, now=exchange.now, quiet=timedelta(seconds=10))
    assert bound is not None
    assert [len(one.inquiries) for one in bound.sets] == [2, 2]


def test_a_file_that_was_bound_and_never_written_is_written_by_the_next(
    exchange: Exchange, inquiries: Make
) -> None:
    references = exchange.queue(inquiries(25))
    bound = bind_file(exchange.engine, ORGANIZATION, exchange.partner, now=exchange.now)
    assert bound is not None
    # The process that bound it may still be at work.
    assert exchange.send() == 0
    exchange.now += timedelta(minutes=5)
    assert exchange.send() == 1
    (path,) = exchange.mailbox.outgoing.glob("*.x12")
    assert path.read_bytes().count(b"TRN*1*") == 25
    exchange.pass_time()
    assert fates(exchange, references) == right(25)


def test_a_file_that_was_written_and_not_recorded_is_the_same_file_again(
    exchange: Exchange, inquiries: Make
) -> None:
    references = exchange.queue(inquiries(25))
    exchange.send()
    (path,) = exchange.mailbox.outgoing.glob("*.x12")
    content = path.read_bytes()
    with writing(exchange.engine) as connection:
        connection.execute(update(tables.x12_files).values(state="writing", lease_until=None))
    assert send_out(exchange.engine, exchange.mailbox, now=exchange.clock) == 1
    assert path.read_bytes() == content
    exchange.pass_time()
    assert fates(exchange, references) == right(25)


def test_a_file_that_is_not_for_us_is_kept_out_of_the_way(exchange: Exchange) -> None:
    exchange.mailbox.prepare()
    remittance = envelope(framed("BPR*I*1", kind="835"), kind="HP", version="005010X221A1")
    for name, content in (("835.x12", remittance), ("notes.txt", b"Call us.")):
        (exchange.mailbox.incoming / name).write_bytes(content)
    taken = exchange.take()
    assert taken.files == {Kind.KEPT_OUT: 2}
    assert len(list((exchange.mailbox.incoming / ".kept-out").iterdir())) == 2


def test_files_that_are_still_written_are_left_alone(exchange: Exchange) -> None:
    exchange.mailbox.prepare()
    incoming = exchange.mailbox.incoming
    for name in (".hidden.x12", "a.x12.part", "b.tmp", "c.x12.filepart"):
        (incoming / name).write_bytes(b"ISA")
    (incoming / "new.x12").write_bytes(b"ISA")
    looked = exchange.look()
    assert not looked.files
    assert len(looked.waiting) == 1
    again = exchange.look(seen_before=frozenset(looked.waiting))
    assert again.files == {Kind.KEPT_OUT: 1}


class _Killed(BaseException):
    """Stands for the end of a process: nobody catches it."""


def _deliver(exchange: Exchange) -> None:
    """Let the clearinghouse put its answers into the folder."""
    assert exchange.clearinghouse is not None
    exchange.clearinghouse.step()
    exchange.now += timedelta(hours=13)
    exchange.clearinghouse.step()


def _take(exchange: Exchange, on_answered: Callable[..., None]) -> Taken:
    waiting = exchange.look().waiting
    return take_in(
        exchange.engine,
        exchange.mailbox,
        seen_before=frozenset(waiting),
        on_answered=on_answered,
        now=exchange.clock,
    )


@pytest.mark.parametrize("survives", [0, 1, 2, 3])
def test_a_process_that_dies_while_it_reads_loses_nothing(
    exchange: Exchange, inquiries: Make, monkeypatch: pytest.MonkeyPatch, survives: int
) -> None:
    monkeypatch.setattr("claims_pipeline.folders.mailbox.taking._TOGETHER", 4)
    references = exchange.queue(inquiries(20))
    exchange.send()
    _deliver(exchange)
    left = survives

    def die(*_args: object) -> None:
        nonlocal left
        if left == 0:
            raise _Killed
        left -= 1

    with pytest.raises(_Killed):
        _take(exchange, die)
    exchange.take()
    exchange.take()
    assert fates(exchange, references) == right(20)
    assert exchange.look().files == {}


def test_a_file_that_is_written_while_it_is_read_is_read_again(
    exchange: Exchange, inquiries: Make
) -> None:
    references = exchange.queue(inquiries(10))
    exchange.send()
    _deliver(exchange)
    taken_folder = exchange.mailbox.incoming / ".taken"

    def write_on(*_args: object) -> None:
        for path in taken_folder.iterdir():
            with path.open("ab") as stream:
                stream.write(b"\n")

    found = _take(exchange, write_on)
    assert found.files[Kind.LEFT] == 3
    exchange.take()
    assert fates(exchange, references) == right(10)
