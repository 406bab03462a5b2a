"""Uploads for a payer that goes wrong, and what must hold whatever it does."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from claims_pipeline.model import AnsweredRow, Outcome, UploadOptions
from claims_pipeline.sandbox.running import Sandbox, today_in
from claims_pipeline.sandbox.samples.samples import Sampler, SampleRow, Shape, write_sample
from claims_pipeline.sandbox.world.world import World
from claims_pipeline.store import attempts
from claims_pipeline.store.attempts import Attempt
from claims_pipeline.store.files import open_file_store
from claims_pipeline_tests.invariants import broken_promises
from claims_pipeline_tests.orchestration.samples import calls_of, given, right
from claims_pipeline_tests.pipeline import Pipeline

SINGLES = UploadOptions(use_sweeps=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyUpload:
    """An upload of a sample, and the answers that a payer in good health gives."""

    pipeline: Pipeline
    sandbox: Sandbox
    id: str
    sample: Sequence[SampleRow]

    def attempt(self) -> Attempt:
        latest = attempts.latest_attempt(self.pipeline.engine, self.id)
        assert latest is not None
        return latest

    def rows(self) -> list[tuple[SampleRow, AnsweredRow]]:
        return list(zip(self.sample, self.pipeline.answers(self.id), strict=True))

    def wrong(self) -> list[tuple[object, object]]:
        """Answers that are not the right ones, failed rows left out."""
        return [
            (expected, got)
            for number, (row, answer) in enumerate(self.rows(), start=1)
            if answer.result.outcome is not Outcome.FAILED
            and (expected := right(number, row)) != (got := given(answer))
        ]

    def failed(self) -> list[tuple[SampleRow, str | None]]:
        """Rows that could not be asked, with their error codes."""
        return [
            (row, answer.result.error_code)
            for row, answer in self.rows()
            if answer.result.outcome is Outcome.FAILED
        ]

    def assert_promises(self) -> None:
        """I1, I2, I3, I5, I7; no wrong answer; every call counted as the payer counts."""
        files = open_file_store(self.pipeline.settings.resolved_files)
        assert broken_promises(self.pipeline.engine, files, self.id) == []
        assert self.wrong() == []
        self.assert_calls()

    def assert_calls(self) -> None:
        attempt = self.attempt()
        assert calls_of(self.sandbox) == {
            "summary": attempt.search_calls,
            "detail": attempt.detail_calls,
            "payment": attempt.payment_calls,
        }


def make_faulty_upload(
    pipeline: Pipeline,
    faults: Sequence[object],
    *,
    rows: int = 30,
    options: UploadOptions = SINGLES,
) -> FaultyUpload:
    """An upload that waits for its run, at a payer that goes wrong as `faults` say."""
    sandbox = pipeline.sandbox
    world = World(seed=sandbox.seed, today=today_in("America/Chicago")())
    sample = list(Sampler(world, Shape.PATIENTS).rows(rows))
    text = io.StringIO()
    write_sample(sample, shape=Shape.PATIENTS, sample=text, answers=None)
    sandbox.set_faults(faults)
    upload_id = pipeline.upload(text.getvalue().encode(), options=options)
    return FaultyUpload(pipeline=pipeline, sandbox=sandbox, id=upload_id, sample=sample)
