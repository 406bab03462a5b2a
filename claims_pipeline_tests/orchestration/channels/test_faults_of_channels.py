"""Each channel that is called goes wrong, through the whole job: lines 1, 2, 5, 7 and 8."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from claims_pipeline.model import AnsweredRow, Outcome, UploadStatus
from claims_pipeline.names import wire_name
from claims_pipeline.payers import registry
from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline.sandbox.samples.samples import COLUMNS, SampleRow, Shape
from claims_pipeline.store import attempts
from claims_pipeline_tests.orchestration.channels.channels import (
    CALLED,
    SEED,
    calls_of,
    payer_of,
    pipeline_of_channels,
    sample_for,
)
from claims_pipeline_tests.orchestration.samples import Answer, given, right
from claims_pipeline_tests.pipeline import HastyPayers, Pipeline

pytestmark = pytest.mark.timeout(300)
ROWS = 24
# What brings claims; Availity takes a question with one call and answers it with another.
SEARCHES = {"uhc": ("summary",), "availity": ("search", "look")}
SPOILED: tuple[Mapping[str, object], ...] = (
    {"status": 500},
    {"status": 503},
    {"status": 429, "headers": {"Retry-After": "0"}},
    {"status": 429, "retry_after_date_s": -60},
    {"reset": True},
    {"truncated": True},
    {"html": True},
    {"empty": True},
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(seed=SEED) as sandbox:
        yield sandbox


@pytest.fixture
def pipeline(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    """No breaker: calls are spoiled by their number, and a breaker keeps some of them back."""
    payers = HastyPayers(breaker_failures=1000)
    with pipeline_of_channels(tmp_path / "home", sandbox, monkeypatch, payers=payers) as pipeline:
        yield pipeline


def kinds_of(channel: str) -> tuple[str, ...]:
    return SEARCHES.get(channel, ("search",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An upload for the payer of one channel."""

    pipeline: Pipeline
    channel: str
    id: str
    sample: list[SampleRow]

    def run(self, ticket: str | None = None) -> None:
        self.pipeline.run(self.id, ticket=ticket, raise_on_error=False)

    def answers(self) -> list[AnsweredRow]:
        return list(self.pipeline.answers(self.id))

    def failed(self) -> dict[int, str | None]:
        """Row numbers of the rows that could not be asked, with their codes."""
        return {
            answer.row.row_number: answer.result.error_code
            for answer in self.answers()
            if answer.result.outcome is Outcome.FAILED
        }

    def wrong(self) -> list[Answer]:
        """Answers that are not right, failed rows left out."""
        failed = self.failed()
        return [
            given(answer)
            for number, (row, answer) in enumerate(
                zip(self.sample, self.answers(), strict=True), start=1
            )
            if number not in failed and given(answer) != right(number, row)
        ]

    def calls(self) -> dict[str, int]:
        counted: dict[str, int] = self.pipeline.sandbox.channels()[self.channel]["calls"]
        return counted

    def assert_all_is_right(self) -> None:
        assert self.wrong() == []
        assert self.failed() == {}
        assert self.pipeline.get(self.id).status is UploadStatus.COMPLETED
        attempt = attempts.latest_attempt(self.pipeline.engine, self.id)
        assert attempt is not None
        assert calls_of(attempt) == sum(n for kind, n in self.calls().items() if kind != "token")


def handed_in(pipeline: Pipeline, channel: str) -> Asked:
    payer = payer_of(channel)
    content, sample = sample_for(payer, rows=ROWS)
    return Asked(
        pipeline=pipeline,
        channel=channel,
        id=pipeline.upload(content, payer=payer),
        sample=sample,
    )


def script(
    asked: Asked, what: Mapping[str, object], kind: str | None = None, **when: int
) -> Mapping[str, object]:
    match = {"channel": asked.channel, **({"kind": kind} if kind else {})}
    return {"match": match, "when": when, "what": what}


@pytest.mark.parametrize("channel", CALLED)
def test_answers_that_are_spoiled_now_and_then_are_asked_for_again(
    pipeline: Pipeline, channel: str
) -> None:
    asked = handed_in(pipeline, channel)
    # Every second call, so that each is answered when it is tried again.
    pipeline.sandbox.set_faults(
        [
            script(asked, what, kind, nth=2 * number)
            for kind in kinds_of(channel)
            for number, what in enumerate(SPOILED, start=1)
        ]
    )

    asked.run()

    asked.assert_all_is_right()


@pytest.mark.parametrize("what", [{"status": 503}, {"truncated": True}, {"html": True}], ids=str)
@pytest.mark.parametrize("channel", CALLED)
def test_a_patient_for_whom_it_never_answers_fails_alone_and_is_never_not_found(
    pipeline: Pipeline, channel: str, what: Mapping[str, object]
) -> None:
    asked = handed_in(pipeline, channel)
    found = [row for row in asked.sample if row.outcome is Outcome.FOUND]
    last_name = COLUMNS[Shape.MEMBERS].index("last_name")
    # ADA EXAMPLE is the first, whom others may be like.
    patient = wire_name(found[1].cells[last_name])
    pipeline.sandbox.set_faults(
        [
            {
                "match": {
                    "channel": channel,
                    "kind": kinds_of(channel)[0],
                    "patient_last_name": patient,
                },
                "what": what,
            }
        ]
    )

    asked.run()

    hit = {
        number
        for number, row in enumerate(asked.sample, start=1)
        if wire_name(row.cells[last_name]) == patient and row.outcome is not Outcome.REJECTED
    }
    assert asked.wrong() == []
    # A sweep may have answered for them, or the reference that came with half an answer.
    assert asked.failed().keys() <= hit
    assert set(asked.failed().values()) <= {"payer_unavailable"}
    if channel == "stedi":
        assert asked.failed()


@pytest.mark.parametrize("channel", CALLED)
def test_wrong_credentials_end_the_upload_after_two_calls_at_most(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, channel: str
) -> None:
    secret = "API_KEY" if channel == "stedi" else "CLIENT_SECRET"
    monkeypatch.setenv(f"CLAIMS_{channel.upper()}_{secret}", "not the secret")
    asked = handed_in(pipeline, channel)

    asked.run()
    pipeline.run(asked.id, job="results_files_job")

    ended = pipeline.get(asked.id)
    assert (ended.status, ended.error_code) == (UploadStatus.FAILED, "auth")
    assert set(asked.failed().values()) == {"auth"}
    assert ended.counts.answered == 0
    assert sum(asked.calls().values()) <= 2


@pytest.mark.parametrize("channel", [name for name in CALLED if name != "stedi"])
def test_a_token_that_expires_is_fetched_once_for_all_threads(
    pipeline: Pipeline, channel: str
) -> None:
    asked = handed_in(pipeline, channel)
    pipeline.sandbox.set_faults(
        [script(asked, {"expire_tokens": True}, kinds_of(channel)[0], nth=4)]
    )

    asked.run()

    asked.assert_all_is_right()
    assert asked.calls()["token"] == 2


@pytest.mark.parametrize("channel", CALLED)
def test_a_payer_that_is_down_is_waited_for_and_then_answers(
    pipeline: Pipeline, channel: str
) -> None:
    asked = handed_in(pipeline, channel)
    pipeline.sandbox.set_faults([script(asked, {"status": 503})])

    asked.run()

    waiting = pipeline.get(asked.id)
    assert (waiting.status, waiting.waiting_reason) == (
        UploadStatus.PROCESSING,
        "payer_unavailable",
    )
    assert waiting.counts.answered == 0

    pipeline.sandbox.set_faults([])
    attempt, ticket = attempts.latest_attempt(pipeline.engine, asked.id), str(uuid4())
    assert attempt is not None
    assert waiting.next_try_at is not None
    due = waiting.next_try_at + timedelta(seconds=1)
    assert attempts.issue_ticket(pipeline.engine, attempt.id, ticket=ticket, now=due)
    asked.run(ticket)

    assert asked.wrong() == []
    assert asked.failed() == {}


@pytest.mark.parametrize(
    ("channel", "change"),
    [
        (channel, change)
        for channel in CALLED
        for change in ("reordered", "duplicated", "foreign")
        # An answer about one person brings nobody else's claims along.
        if change != "foreign" or registry.capabilities_of(channel).sweep
    ],
)
def test_claims_are_matched_by_identity_in_whatever_order_and_company_they_come(
    pipeline: Pipeline, channel: str, change: str
) -> None:
    asked = handed_in(pipeline, channel)
    pipeline.sandbox.set_faults([script(asked, {"claims": change})])

    asked.run()

    asked.assert_all_is_right()
    attempt = attempts.latest_attempt(pipeline.engine, asked.id)
    assert attempt is not None
    assert (attempt.unrelated_claims > 0) is (change == "foreign")


@pytest.mark.parametrize("channel", CALLED)
def test_claims_that_are_missing_are_never_made_up(pipeline: Pipeline, channel: str) -> None:
    asked = handed_in(pipeline, channel)
    pipeline.sandbox.set_faults([script(asked, {"claims": "missing"})])

    asked.run()

    for row, answer in zip(asked.sample, asked.answers(), strict=True):
        given_numbers = {match.claim.claim_number for match in answer.result.claims}
        assert given_numbers <= set(row.claim_numbers)
