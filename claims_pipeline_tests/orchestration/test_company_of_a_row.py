"""I9: what else is in a file, and in which order, decides no row's answer.

Each row has one fault, as people make them. Alone it is asked by name; among hundreds a sweep of
its days answers it. Both must see the same claims.
"""

import csv
import io
import random
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claims_pipeline.model import DateWindow, Outcome
from claims_pipeline.sandbox.running import Sandbox, today_in
from claims_pipeline.sandbox.world.records import Record
from claims_pipeline.sandbox.world.world import World
from claims_pipeline_tests.orchestration.samples import calls_of
from claims_pipeline_tests.pipeline import Pipeline
from claims_pipeline_tests.thoroughness import examples

# Fifteen files of hundreds of rows with all examples.
pytestmark = pytest.mark.timeout(900)

Cells = dict[str, str]
Answer = tuple[str, tuple[str, ...]]
COLUMNS = (
    "claim_number", "first_name", "last_name", "date_of_birth", "first_service_date",
    "last_service_date",
)  # fmt: skip


def neighbours_exchanged(text: str) -> str:
    return text[:-3] + text[-2] + text[-3] + text[-1]


def with_fault(change: Callable[[Cells], Cells]) -> Callable[[Cells], Cells]:
    return lambda cells: {**cells, **change(cells)}


def born(days: int) -> Callable[[Cells], Cells]:
    def change(cells: Cells) -> Cells:
        day = date.fromisoformat(cells["date_of_birth"]) + timedelta(days=days)
        return {"date_of_birth": day.isoformat()}

    return change


FAULTS: dict[str, Callable[[Cells], Cells]] = {
    "none": with_fault(lambda _: {}),
    "last name": with_fault(lambda c: {"last_name": neighbours_exchanged(c["last_name"])}),
    "first name": with_fault(lambda c: {"first_name": neighbours_exchanged(c["first_name"])}),
    "names exchanged": with_fault(
        lambda c: {"first_name": c["last_name"], "last_name": c["first_name"]}
    ),
    "a day off": with_fault(born(1)),
    "another birth date": with_fault(born(4000)),
    "number": with_fault(lambda c: {"claim_number": f"{c['claim_number'][:-1]}X"}),
    "number and name": with_fault(
        lambda c: {"last_name": neighbours_exchanged(c["last_name"]), "claim_number": "FX99999999"}
    ),
    "no number": with_fault(lambda _: {"claim_number": ""}),
    "no number, last name": with_fault(
        lambda c: {"claim_number": "", "last_name": neighbours_exchanged(c["last_name"])}
    ),
    "no number, somebody else": with_fault(
        lambda _: {"claim_number": "", "first_name": "QUORLYX", "last_name": "ZEBRATHORN"}
    ),
    "no dates, last name": with_fault(
        lambda c: {
            "last_name": neighbours_exchanged(c["last_name"]),
            "first_service_date": "",
            "last_service_date": "",
        }
    ),
}


def cells_of(record: Record) -> Cells:
    someone = record.person
    return {
        "claim_number": record.claim_number,
        "first_name": someone.first_name,
        "last_name": someone.last_name,
        "date_of_birth": someone.date_of_birth.isoformat(),
        "first_service_date": record.service.first.isoformat(),
        "last_service_date": record.service.last.isoformat(),
    }


def records_of(sandbox: Sandbox) -> list[Record]:
    """Visits of two months, each person once, with names long enough for a slip."""
    today = today_in("America/Chicago")()
    world = World(seed=sandbox.seed, today=today)
    window = DateWindow(today - timedelta(days=80), today - timedelta(days=20))
    by_person = {
        (record.person.first_name, record.person.last_name, record.person.date_of_birth): record
        for record in world.search(world.practices[0], window)
        if min(len(record.person.first_name), len(record.person.last_name)) > 4
        and record.person.twin_beginning is None
    }
    return [by_person[key] for key in sorted(by_person)]


def as_file(rows: list[Cells]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


class Asking:
    """Asks files; what a row comes to by itself is asked once."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._alone: dict[str, Answer] = {}

    def ask(self, rows: list[Cells]) -> list[Answer]:
        upload_id = self.pipeline.upload(as_file(rows))
        assert self.pipeline.run(upload_id).success
        return [
            (
                answer.result.outcome.value,
                tuple(sorted(match.claim.claim_number for match in answer.result.claims)),
            )
            for answer in self.pipeline.answers(upload_id)
        ]

    def alone(self, row: Cells) -> Answer:
        key = repr(row)
        if key not in self._alone:
            [self._alone[key]] = self.ask([row])
        return self._alone[key]


@pytest.fixture
def asking(pipeline: Pipeline) -> Asking:
    return Asking(pipeline)


def faulty_rows(sandbox: Sandbox) -> list[Cells]:
    """One row for each fault, each of another person."""
    records = records_of(sandbox)
    step = len(records) // len(FAULTS)
    return [fault(cells_of(records[number * step])) for number, fault in enumerate(FAULTS.values())]


@settings(
    max_examples=examples(15),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_rows_answer_does_not_depend_on_its_company(
    asking: Asking, sandbox: Sandbox, data: st.DataObject
) -> None:
    rows = faulty_rows(sandbox)
    chosen = data.draw(st.lists(st.sampled_from(range(len(rows))), min_size=1, unique=True))
    records = records_of(sandbox)
    company = [cells_of(record) for record in records[:: data.draw(st.sampled_from((2, 5, 400)))]]
    order = random.Random(data.draw(st.integers(0, 1000)))
    places = [*range(len(chosen)), *([-1] * len(company))]
    order.shuffle(places)
    others = iter(company)
    asked = [rows[chosen[place]] if place >= 0 else next(others) for place in places]

    answers = asking.ask(asked)

    together = {place: answer for place, answer in zip(places, answers, strict=True) if place >= 0}
    for place, number in enumerate(chosen):
        assert together[place] == asking.alone(rows[number]), list(FAULTS)[number]


def test_each_fault_comes_out_as_an_expert_reads_it(asking: Asking, sandbox: Sandbox) -> None:
    answers = dict(zip(FAULTS, map(asking.alone, faulty_rows(sandbox)), strict=True))

    outcomes = {fault: outcome for fault, (outcome, _) in answers.items()}
    assert outcomes == {
        "none": Outcome.FOUND,
        "last name": Outcome.FOUND,
        "first name": Outcome.FOUND,
        "names exchanged": Outcome.FOUND,
        "a day off": Outcome.FOUND,
        "another birth date": Outcome.FOUND,
        "number": Outcome.AMBIGUOUS,
        "number and name": Outcome.AMBIGUOUS,
        "no number": Outcome.FOUND,
        "no number, last name": Outcome.AMBIGUOUS,
        "no number, somebody else": Outcome.NOT_FOUND,
        "no dates, last name": Outcome.FOUND,
    }


def test_beyond_the_bound_a_row_says_that_it_was_asked_by_name_only(
    pipeline: Pipeline, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = replace_name(cells_of(records_of(sandbox)[0]))
    monkeypatch.setenv("CLAIMS_CONFIRMATION_CALLS", "0")
    sandbox.reset()
    upload_id = pipeline.upload(as_file([row]))
    assert pipeline.run(upload_id).success

    [answer] = pipeline.answers(upload_id)

    assert answer.result.outcome is Outcome.NOT_FOUND
    assert answer.result.next_action == "check_spelling"
    assert "another spelling would not have been seen" in (answer.result.match_note or "")
    assert calls_of(sandbox)["summary"] == 1


def replace_name(cells: Cells) -> Cells:
    changed = {**cells, "claim_number": "", "last_name": neighbours_exchanged(cells["last_name"])}
    return changed
