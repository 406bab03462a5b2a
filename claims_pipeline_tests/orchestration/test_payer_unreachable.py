"""A payer that cannot be reached, or is not where the settings say: lines 2 and 8."""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest

from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline_tests.orchestration.broken_stores import make_faulty_upload
from claims_pipeline_tests.orchestration.test_payer_down import run_when_due
from claims_pipeline_tests.pipeline import Pipeline, hasty_definitions, running_pipeline
from claims_pipeline_tests.services import skip_for_want_of

SUMMARY = {"kind": "summary"}
NOTHING_THERE = {"match": SUMMARY, "what": {"status": 404, "empty": True}}


@pytest.fixture
def pipeline(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    sandbox.reset()
    with running_pipeline(
        tmp_path / "home",
        sandbox,
        monkeypatch,
        settings={"CLAIMS_QUERY_THREADS": "4"},
        definitions=hasty_definitions(),
    ) as pipeline:
        yield pipeline


@contextmanager
def deaf_port() -> Iterator[str]:
    """Where connections are never made: the listener's queue is full, and nobody takes from it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        host, port = listener.getsockname()
        waiting: list[socket.socket] = []
        try:
            while len(waiting) < 20:
                caller = socket.socket()
                caller.settimeout(0.2)
                waiting.append(caller)
                caller.connect((host, port))
        except TimeoutError:
            yield f"{host}:{port}"
        else:
            skip_for_want_of("a queue of connections that fills up")
        finally:
            for caller in waiting:
                caller.close()


UNREACHABLE: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "refused": lambda: nullcontext("127.0.0.1:9"),
    "unknown-name": lambda: nullcontext("payer.invalid"),
    "connect-time-out": deaf_port,
}


@pytest.mark.parametrize("unreachable", UNREACHABLE.values(), ids=UNREACHABLE.keys())
def test_a_payer_that_cannot_be_connected_to_is_waited_for(
    pipeline: Pipeline,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    unreachable: Callable[[], AbstractContextManager[str]],
) -> None:
    """Tokens can be had, but where the claims are nobody answers."""
    upload = make_faulty_upload(pipeline, [], rows=3)
    with unreachable() as address:
        monkeypatch.setenv("CLAIMS_UHC_API_URL", f"http://{address}/Claims")
        assert pipeline.run(upload.id).success
    waiting = pipeline.get(upload.id)
    assert (waiting.waiting_reason, waiting.counts.failed) == ("payer_unavailable", 0)
    # The payer has counted none, and neither have we.
    upload.assert_calls()

    for name, value in sandbox.settings().items():
        monkeypatch.setenv(name, value)
    assert run_when_due(upload).success

    upload.assert_promises()
    assert upload.failed() == []


def test_a_wrong_address_fails_the_upload_and_says_what_to_check(
    pipeline: Pipeline, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAIMS_UHC_API_URL", f"{sandbox.url}/no-such-path")
    upload = make_faulty_upload(pipeline, [])

    assert not pipeline.run(upload.id, raise_on_error=False).success

    ended = pipeline.get(upload.id)
    assert (ended.status, ended.error_code) == (UploadStatus.FAILED, "http_404")
    assert "Check the payer's URL" in (ended.error_message or "")
    assert {code for _, code in upload.failed()} == {"http_404"}
    assert ended.counts.answered == 0


def test_an_address_that_always_answers_404_without_a_word_is_a_wrong_one(
    pipeline: Pipeline,
) -> None:
    upload = make_faulty_upload(pipeline, [NOTHING_THERE])

    assert not pipeline.run(upload.id, raise_on_error=False).success
    pipeline.run(upload.id, job="results_files_job")

    upload.assert_promises()
    assert pipeline.get(upload.id).error_code == "http_404"


@pytest.mark.parametrize(
    "faults",
    [
        [{**NOTHING_THERE, "when": {"from_nth": 12}}],
        [{"match": SUMMARY, "when": {"nth": 1}, "what": {"status": 503}}, NOTHING_THERE],
    ],
    ids=["after-answers", "after-another-failure"],
)
def test_a_gateway_that_loses_its_way_is_waited_for(
    pipeline: Pipeline, sandbox: Sandbox, faults: list[object]
) -> None:
    upload = make_faulty_upload(pipeline, faults)

    assert pipeline.run(upload.id).success
    assert pipeline.get(upload.id).waiting_reason == "payer_unavailable"

    sandbox.set_faults([])
    assert run_when_due(upload).success

    upload.assert_promises()
    assert upload.failed() == []
