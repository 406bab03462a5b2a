"""What the client makes of Dagster's answers, from a server that answers as Dagster does."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from claims_pipeline.settings import load_settings
from claims_pipeline.store.attempts.launch_tags import TICKET_TAG
from claims_pipeline.upload_api.dagster_client import (
    DagsterClient,
    DagsterUnreachableError,
    Launch,
)
from claims_pipeline_tests.upload_api.dagster_proxy import DagsterProxy, Spoil, served


class Answers:
    """Says what Dagster says, and remembers what was launched with which ticket."""

    def __init__(self) -> None:
        self.runs: dict[str, str] = {}
        self.ended: list[str] = []

    def to(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        if "launchRun" in document:
            tags = variables["params"]["executionMetadata"]["tags"]
            ticket = next(tag["value"] for tag in tags if tag["key"] == TICKET_TAG)
            self.runs[ticket] = f"run of {ticket}"
            return {"__typename": "LaunchRunSuccess"}
        if "runsOrError" in document:
            ticket = variables["filter"]["tags"][0]["value"]
            found = [{"runId": self.runs[ticket]}] if ticket in self.runs else []
            return {"__typename": "Runs", "results": found}
        if "terminateRun" in document:
            self.ended.append(variables["runId"])
            return {"__typename": "TerminateRunSuccess"}
        if "daemonHealth" in document:
            beat = {"daemonType": "SENSOR", "lastHeartbeatTime": 1_772_625_600.0}
            never = {"daemonType": "BACKFILL", "lastHeartbeatTime": None}
            health = {"allDaemonStatuses": [beat, never]}
            return {"__typename": "Instance", "daemonHealth": health}
        return {"__typename": "DuplicateDynamicPartitionError"}


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def proxy(answers: Answers) -> Iterator[DagsterProxy]:
    def reply(body: bytes) -> bytes:
        asked = json.loads(body)
        answer = answers.to(asked["query"], asked["variables"])
        return json.dumps({"data": {"answer": answer}}).encode()

    with served(reply) as upstream:
        proxy = DagsterProxy(upstream)
        with proxy.listening():
            yield proxy


def client_of(proxy: DagsterProxy) -> DagsterClient:
    return DagsterClient(load_settings({"CLAIMS_DAGSTER_GRAPHQL_URL": f"{proxy.url}/graphql"}))


def launched(client: DagsterClient) -> Launch:
    return client.launch("u", ticket="t", organization_id="demo", attempt_number=1)


@pytest.mark.parametrize(
    ("spoil", "outcome"),
    [
        (Spoil.NOTHING, Launch.LAUNCHED),
        (Spoil.REPLY_LOST, Launch.UNKNOWN),
        (Spoil.SENT_IN_VAIN, Launch.UNKNOWN),
        (Spoil.REFUSED, Launch.NOT_LAUNCHED),
        (Spoil.REFUSED_TOO_LATE, Launch.LAUNCHED),
        (Spoil.HTML, Launch.UNKNOWN),
    ],
)
def test_a_launch_is_given_up_only_when_it_is_certain_that_there_is_no_run(
    proxy: DagsterProxy, spoil: Spoil, outcome: Launch
) -> None:
    proxy.spoil = spoil
    assert launched(client_of(proxy)) is outcome
    assert proxy.launches == 1


def test_who_cannot_be_reached_has_launched_nothing() -> None:
    client = client_of(DagsterProxy("http://127.0.0.1:1"))
    assert launched(client) is Launch.NOT_LAUNCHED
    with pytest.raises(DagsterUnreachableError):
        client.heartbeats()
    assert not client.terminate("run")
    assert not client.terminate_with_ticket("t")


def test_a_run_is_ended_by_the_ticket_it_was_launched_with(
    proxy: DagsterProxy, answers: Answers
) -> None:
    client = client_of(proxy)
    assert not client.terminate_with_ticket("t")
    assert launched(client) is Launch.LAUNCHED
    assert client.terminate_with_ticket("t")
    assert answers.ended == ["run of t"]


def test_a_daemon_that_never_showed_itself_has_no_heartbeat(proxy: DagsterProxy) -> None:
    assert client_of(proxy).heartbeats() == {"SENSOR": datetime(2026, 3, 4, 12, tzinfo=UTC)}


def test_without_an_address_there_is_nobody_to_ask() -> None:
    assert not DagsterClient(load_settings({})).is_configured
