"""What the sandbox says is right for its own sample, asked over HTTP and matched here."""

import csv
import io
import threading
from collections.abc import Iterator, Sequence
from datetime import date

import pytest

from claims_pipeline import intake
from claims_pipeline.intake import IntakeContext
from claims_pipeline.matching import Match, Roster, match
from claims_pipeline.model import (
    Claim,
    DateWindow,
    ListedPayer,
    Outcome,
    Practice,
    Query,
    QueryKind,
    Request,
    UploadOptions,
)
from claims_pipeline.payers.base import Payer
from claims_pipeline.payers.limiter import LocalLimiter
from claims_pipeline.payers.registry import connect
from claims_pipeline.planning.windows import Span, span_of
from claims_pipeline.sandbox.running import running_sandbox
from claims_pipeline.sandbox.samples.samples import COLUMNS, Sampler, SampleRow, Shape
from claims_pipeline.sandbox.world.world import World
from claims_pipeline.settings import load_settings

TODAY = date(2026, 6, 15)
SEED = 11
CLAIMS_PER_DAY = 5
SWEEP_DAYS = 60


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=SEED, today=TODAY, claims_per_day=CLAIMS_PER_DAY)


@pytest.fixture(scope="module")
def payer() -> Iterator[Payer]:
    with running_sandbox(seed=SEED, today=lambda: TODAY, claims_per_day=CLAIMS_PER_DAY) as sandbox:
        yield connect(
            "uhc",
            settings=load_settings(sandbox.settings()),
            limiter=LocalLimiter(max_concurrency=1),
            on_call=lambda _: None,
            stop=threading.Event(),
        )


def read_requests(
    samples: Sequence[SampleRow], shape: Shape, world: World, payer: Payer
) -> Iterator[Request]:
    text = io.StringIO()
    csv.writer(text).writerows([COLUMNS[shape], *(sample.cells for sample in samples)])
    context = IntakeContext(
        practices=[
            Practice(
                practice_id=practice.practice_id,
                tin=practice.tin,
                name=practice.name,
                is_default=practice is world.practices[0],
            )
            for practice in world.practices
        ],
        provider="uhc",
        payers=[ListedPayer(payer="uhc", payer_id="87726", name="UnitedHealthcare", channel="uhc")],
        channels=frozenset({"uhc"}),
        today=TODAY,
        capabilities=payer.capabilities,
        max_rows=10_000,
        max_bytes=10_000_000,
    )
    for chunk in intake.read(io.BytesIO(text.getvalue().encode()), context).chunks():
        yield from chunk.requests


def ask(request: Request, span: Span, payer: Payer, kind: QueryKind) -> Match:
    """As the pipeline does: newest window first, claims that are no candidates dropped."""
    roster = Roster([request])
    claims: list[Claim] = []
    decided = match(request, claims, searched=span.window)
    days = SWEEP_DAYS if kind is QueryKind.SWEEP else span.max_window_days
    for window in reversed(list(span.window.split(days))):
        answer = payer.search(query_for(request, window, kind))
        claims += [claim for claim in answer.claims if roster.candidates(claim)]
        decided = match(request, claims, searched=span.window)
        if span.until_found and decided.outcome is not Outcome.NOT_FOUND:
            break
    return decided


def query_for(request: Request, window: DateWindow, kind: QueryKind) -> Query:
    return Query(
        kind=kind,
        tin=request.tin,
        payer_id=request.payer_id,
        window=window,
        row_numbers=(request.row_number,),
        patient=request.patient if kind is QueryKind.SINGLE else None,
    )


@pytest.mark.parametrize(
    ("shape", "kind", "count"),
    [
        (Shape.CLAIMS, QueryKind.SINGLE, 150),
        (Shape.PATIENTS, QueryKind.SINGLE, 150),
        (Shape.PRACTICES, QueryKind.SINGLE, 100),
        (Shape.PATIENTS, QueryKind.SWEEP, 40),
    ],
)
def test_matching_gives_the_answers_that_the_sandbox_holds_right(
    shape: Shape, kind: QueryKind, count: int, world: World, payer: Payer
) -> None:
    samples = list(Sampler(world, shape).rows(count))
    requests = list(read_requests(samples, shape, world, payer))
    assert len(requests) == sum(sample.outcome is not Outcome.REJECTED for sample in samples)
    for request in requests:
        right = samples[request.row_number - 1]
        span = span_of(
            request,
            options=UploadOptions(),
            capabilities=payer.capabilities,
            today=TODAY,
            slack_days=7,
        )
        decided = ask(request, span, payer, kind)
        numbers = {claim.claim_number for claim in decided.claims}
        answer = (right.kind, decided.outcome, numbers)
        assert answer == (right.kind, right.outcome, set(right.claim_numbers))
