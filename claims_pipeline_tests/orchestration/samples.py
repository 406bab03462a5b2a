"""Samples of the sandbox, with the answer that it knows to be right for every row."""

import csv
import io

from claims_pipeline.model import AnsweredRow
from claims_pipeline.sandbox.running import Sandbox, today_in
from claims_pipeline.sandbox.samples.samples import Sampler, SampleRow, Shape, write_sample
from claims_pipeline.sandbox.world.world import World

NOTE = "x" * 100_000
Answer = tuple[int, str, tuple[str, ...], str]


def make_sample(sandbox: Sandbox, shape: Shape, rows: int) -> tuple[bytes, list[SampleRow]]:
    world = World(seed=sandbox.seed, today=today_in("America/Chicago")())
    sample = list(Sampler(world, shape).rows(rows))
    text = io.StringIO()
    write_sample(sample, shape=shape, sample=text, answers=None)
    return text.getvalue().encode(), sample


def with_notes(content: bytes) -> bytes:
    """The same worklist with a column of the analyst's own that takes much room."""
    rows = list(csv.reader(io.StringIO(content.decode())))
    text = io.StringIO()
    csv.writer(text).writerows(
        [*row, "note" if number == 0 else NOTE] for number, row in enumerate(rows)
    )
    return text.getvalue().encode()


def right(number: int, row: SampleRow) -> Answer:
    return number, row.outcome.value, row.claim_numbers, row.error_code


def given(answer: AnsweredRow) -> Answer:
    result = answer.result
    numbers = sorted({match.claim.claim_number for match in result.claims})
    return answer.row.row_number, result.outcome.value, tuple(numbers), result.error_code or ""


def calls_of(sandbox: Sandbox) -> dict[str, int]:
    return {kind: count for kind, count in sandbox.calls().items() if kind != "token"}
