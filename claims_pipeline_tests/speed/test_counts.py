"""What a thousand rows may cost, counted and not timed, so that it cannot creep.

Statements leave room for a slow machine, where answers are settled in smaller batches; a statement
for each row breaks them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import Connection, Engine, event

from claims_pipeline.model import DetailLevel, UploadOptions
from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import attempts
from claims_pipeline_tests.orchestration.samples import make_sample
from claims_pipeline_tests.pipeline import Pipeline, running_pipeline

ROWS = 1000
# Per thousand rows of a sample. Measured: 380, 250 and 339 calls, some 150 of the last to look
# through days for rows not found by name; at a load of 50 on two cores,
# where batches are small, 996, 1,173 and 688 statements.
MOST_SEARCH_CALLS = {Shape.CLAIMS: 420, Shape.PATIENTS: 275, Shape.PRACTICES: 375}
MOST_STATEMENTS = 1600
MOST_EVENTS = 45


@dataclass
class Statements:
    """Statements sent to the claims database, a batch of rows counting once."""

    texts: list[str] = field(default_factory=list)

    def counted(self, beginning: str, *, naming: str = "") -> int:
        """How many begin like this and name that."""
        return sum(text.startswith(beginning) and naming in text for text in self.texts)

    def add(
        self,
        connection: Connection,
        _cursor: object,
        statement: str,
        *_rest: object,
    ) -> None:
        if str(connection.engine.url).endswith("claims.sqlite"):
            self.texts.append(statement)


@contextmanager
def counted_statements() -> Iterator[Statements]:
    statements = Statements()
    event.listen(Engine, "before_cursor_execute", statements.add)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", statements.add)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def pipeline(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    settings = {"CLAIMS_UHC_CALLS_PER_SECOND": "5000"}
    with running_pipeline(tmp_path / "home", sandbox, monkeypatch, settings=settings) as running:
        yield running


def events_of(result: dg.ExecuteInProcessResult) -> list[dg.DagsterEvent]:
    """The run's events; progress reports are left out, they follow the clock."""
    return [
        entry
        for entry in result.all_events
        if entry.event_type is not dg.DagsterEventType.ASSET_OBSERVATION
    ]


@pytest.mark.parametrize("shape", MOST_SEARCH_CALLS)
def test_a_thousand_rows_cost_few_calls_and_statements(
    pipeline: Pipeline, sandbox: Sandbox, shape: Shape
) -> None:
    content, _ = make_sample(sandbox, shape, ROWS)
    upload_id = pipeline.upload(content, options=UploadOptions(detail_level=DetailLevel.SUMMARY))

    with counted_statements() as statements:
        assert pipeline.run(upload_id).success

    latest = attempts.latest_attempt(pipeline.engine, upload_id)
    assert latest is not None
    assert latest.search_calls <= MOST_SEARCH_CALLS[shape]
    assert len(statements.texts) <= MOST_STATEMENTS
    # Each checkpoint renews the lane's leases, and closes all its queries at once.
    checkpoints = statements.counted("UPDATE queries SET lease_expires_at")
    assert 0 < statements.counted("UPDATE queries", naming="claims_seen=?") <= checkpoints
    assert latest.detail_calls == latest.payment_calls == 0


def test_dagster_hears_as_much_of_two_hundred_rows_as_of_ten(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    few, many = (
        pipeline.run(pipeline.upload(make_sample(sandbox, Shape.PATIENTS, rows)[0]))
        for rows in (10, 200)
    )

    assert len(events_of(few)) == len(events_of(many)) <= MOST_EVENTS
