"""Rows through a clearinghouse's mailbox: asked in files, answered as files come, none lost."""

import io
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from claims_pipeline.cli.local.local_store import demo_partner, demo_payers
from claims_pipeline.folders.mailbox.exchanging import exchange
from claims_pipeline.model import AnsweredRow, Outcome, UploadStatus
from claims_pipeline.orchestration.held_step import now
from claims_pipeline.sandbox.running import Sandbox, running_sandbox, today_in
from claims_pipeline.sandbox.samples.samples import Sampler, SampleRow, Shape, write_sample
from claims_pipeline.sandbox.world.world import World
from claims_pipeline.sandbox.x12.clearinghouse import Clearinghouse
from claims_pipeline.sandbox.x12.faults import FaultScript
from claims_pipeline.settings import load_settings
from claims_pipeline.store import tables, uploads
from claims_pipeline.store.database import writing
from claims_pipeline.store.tenants.payers import save_payers
from claims_pipeline.store.x12.partners import save_partners
from claims_pipeline_tests.orchestration.channels.channels import told
from claims_pipeline_tests.orchestration.samples import given, right
from claims_pipeline_tests.pipeline import (
    ORGANIZATION,
    Pipeline,
    hasty_definitions,
    running_pipeline,
)

ROWS = 300
SEED = 7
PAYER = "x12-demo"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(seed=SEED) as sandbox:
        yield sandbox


@pytest.fixture
def pipeline(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    with running_pipeline(
        tmp_path / "home",
        sandbox,
        monkeypatch,
        definitions=hasty_definitions(),
        settings={"CLAIMS_UHC_CALLS_PER_SECOND": "5000"},
    ) as pipeline:
        save_payers(pipeline.engine, ORGANIZATION, demo_payers(load_settings()))
        save_partners(pipeline.engine, ORGANIZATION, [demo_partner()])
        yield pipeline


def sample(rows: int = ROWS, payer: str = PAYER) -> tuple[bytes, list[SampleRow]]:
    world = World(seed=SEED, today=today_in("America/Chicago")())
    made = list(Sampler(world, Shape.MEMBERS, [payer]).rows(rows))
    text = io.StringIO()
    write_sample(made, shape=Shape.MEMBERS, sample=text, answers=None)
    return text.getvalue().encode(), made


def clearinghouse(pipeline: Pipeline, *faults: dict[str, object]) -> Clearinghouse:
    folder = pipeline.settings.x12_folder / "demo"
    return Clearinghouse(
        outgoing=folder / "outgoing",
        incoming=folder / "incoming",
        make_world=lambda day: World(seed=SEED, today=day),
        today=today_in("America/Chicago"),
        delay=timedelta(0),
        scripts=[FaultScript.model_validate(one) for one in faults],
    )


def round_trip(pipeline: Pipeline, house: Clearinghouse) -> int:
    """Files out, through the clearinghouse, and in again; attempts that were woken."""
    folder = pipeline.settings.x12_folder

    def once(seen: frozenset[object] = frozenset()) -> int:
        found = exchange(
            pipeline.engine,
            folder,
            seen_before=seen,  # type: ignore[arg-type]
            now=now,
            quiet=timedelta(0),
        )
        waiting = frozenset(found.waiting)
        return found.woken + (once(waiting) if waiting and not seen else 0)

    woken = once()
    house.step()
    house.step()
    return woken + once()


def status(pipeline: Pipeline, upload_id: str) -> uploads.Upload:
    upload = uploads.get_upload(pipeline.engine, upload_id)
    assert upload is not None
    return upload


def asked(
    pipeline: Pipeline, upload_id: str, house: Clearinghouse, *, rounds: int = 6
) -> list[AnsweredRow]:
    """Run, exchange, and run again, until the upload has ended or nothing more comes."""
    assert pipeline.run(upload_id).success
    for _ in range(rounds):
        if status(pipeline, upload_id).status.is_terminal:
            break
        if round_trip(pipeline, house):
            pipeline.run(upload_id)
    return pipeline.answers(upload_id)


# A 277 has no date of birth: that the row's differs from the payer's by a slip goes unseen.
_NOT_IN_A_277 = "birth_date_mistyped"


def _told_by_277(answers: list[Any], rows: list[SampleRow]) -> list[Any]:
    return [
        answer for answer, row in zip(answers, rows, strict=True) if row.cells not in _untold(rows)
    ]


def _untold(rows: list[SampleRow]) -> set[tuple[str, ...]]:
    """Rows of that kind, and their repetitions."""
    return {row.cells for row in rows if row.kind == _NOT_IN_A_277}


def test_rows_wait_without_a_run_and_are_answered_by_files(pipeline: Pipeline) -> None:
    content, rows = sample()
    upload_id = pipeline.upload(content, payer=PAYER)
    house = clearinghouse(pipeline)
    assert pipeline.run(upload_id).success
    waiting = status(pipeline, upload_id)
    assert (waiting.status, waiting.waiting_reason) == (UploadStatus.PROCESSING, "awaiting_277")
    answers = asked(pipeline, upload_id, house)
    assert status(pipeline, upload_id).status is UploadStatus.COMPLETED
    assert _told_by_277([given(answer) for answer in answers], rows) == _told_by_277(
        [right(number, row) for number, row in enumerate(rows, start=1)], rows
    )


def test_the_same_rows_get_the_same_answers_as_by_calls(pipeline: Pipeline) -> None:
    by_calls, _ = sample(payer="uhc")
    by_files, rows = sample()
    first = pipeline.upload(by_calls, payer="uhc")
    assert pipeline.run(first).success
    second = pipeline.upload(by_files, payer=PAYER)
    asked(pipeline, second, clearinghouse(pipeline))
    assert _told_by_277([told(answer) for answer in pipeline.answers(second)], rows) == (
        _told_by_277([told(answer) for answer in pipeline.answers(first)], rows)
    )


def test_with_faults_every_row_has_its_fate_and_none_is_not_found_by_accident(
    pipeline: Pipeline,
) -> None:
    content, rows = sample()
    upload_id = pipeline.upload(content, payer=PAYER)
    house = clearinghouse(
        pipeline,
        {"fault": "inquiry_refused", "every": 70},
        {"fault": "rejected", "every": 11},
        {"fault": "foreign", "every": 5},
        {"fault": "twice"},
        {"fault": "split"},
        {"fault": "missing_elements", "every": 3},
        {"fault": "lower_case", "every": 4},
        {"fault": "two_statuses", "every": 2},
        {"fault": "crlf", "every": 2},
        {"fault": "other_separators", "every": 3},
        {"fault": "wrong_counts", "every": 2},
    )
    answers = asked(pipeline, upload_id, house)
    assert status(pipeline, upload_id).status is UploadStatus.COMPLETED
    errors = Counter(answer.result.error_code for answer in answers)
    assert errors["payer_refused_inquiry"] > 0
    assert errors["inquiry_refused"] > 0
    for answer, row in zip(answers, rows, strict=True):
        if answer.result.outcome is Outcome.NOT_FOUND:
            assert row.outcome is Outcome.NOT_FOUND
        elif answer.result.outcome is not Outcome.FAILED and row.cells not in _untold(rows):
            assert answer.result.outcome is row.outcome


def test_an_answer_that_came_before_its_query_was_written_down_is_looked_at(
    pipeline: Pipeline,
) -> None:
    content, _ = sample(40)
    upload_id = pipeline.upload(content, payer=PAYER)
    house = clearinghouse(pipeline)
    assert pipeline.run(upload_id).success
    later = now() + timedelta(days=2)

    def as_written_down_late(**values: object) -> None:
        with writing(pipeline.engine) as connection:
            connection.execute(update(tables.queries).values(**values))

    round_trip(pipeline, house)
    # As if the lane had recorded them only after the files had come.
    as_written_down_late(next_look_at=later)
    with writing(pipeline.engine) as connection:
        connection.execute(update(tables.attempts).values(next_try_at=later))
    assert round_trip(pipeline, house) == 1
    pipeline.run(upload_id)
    assert status(pipeline, upload_id).status is UploadStatus.COMPLETED


def test_a_run_that_died_before_it_wrote_down_what_it_sent_sends_nothing_again(
    pipeline: Pipeline,
) -> None:
    content, _ = sample(40)
    upload_id = pipeline.upload(content, payer=PAYER)
    house = clearinghouse(pipeline)
    assert pipeline.run(upload_id).success
    with writing(pipeline.engine) as connection:
        connection.execute(
            update(tables.queries).values(
                state="planned", reference=None, submitted_at=None, next_look_at=None
            )
        )
        connection.execute(update(tables.attempts).values(next_try_at=now()))
    round_trip(pipeline, house)
    inquiries = house.counts.inquiries
    pipeline.run(upload_id)
    assert status(pipeline, upload_id).status is UploadStatus.COMPLETED
    round_trip(pipeline, house)
    assert house.counts.inquiries == inquiries
