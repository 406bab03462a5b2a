"""Asks Dagster over GraphQL: launch a run, find it again, end it, say how its daemons are.

A launch that is sent twice makes two runs, so what matters about a failure is whether Dagster may
have acted on it. Each HTTP request has a connection of its own: one kept open, and closed by the
other side just then, would leave that in the dark.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import requests
import urllib3

from claims_pipeline.errors import ClaimsError
from claims_pipeline.settings import Settings
from claims_pipeline.store.attempts.launch_tags import (
    CLAIM_STATUS_JOB,
    CODE_LOCATION,
    PARTITION_TAG,
    REPOSITORY,
    TICKET_TAG,
    UPLOADS_PARTITIONS,
    launch_tags,
)

_LOGGER = logging.getLogger(__name__)
_CONNECT_AND_READ_S = (3.0, 10.0)

_ADD_PARTITION = """
mutation ($repository: RepositorySelector!, $partitions: String!, $key: String!) {
  answer: addDynamicPartition(
    repositorySelector: $repository, partitionsDefName: $partitions, partitionKey: $key
  ) { __typename }
}"""
_LAUNCH = """
mutation ($params: ExecutionParams!) {
  answer: launchRun(executionParams: $params) { __typename }
}"""
_TERMINATE = """
mutation ($runId: String!) {
  answer: terminateRun(runId: $runId, terminatePolicy: SAFE_TERMINATE) { __typename }
}"""
_RUNS = """
query ($filter: RunsFilter) {
  answer: runsOrError(filter: $filter, limit: 1) {
    __typename
    ... on Runs { results { runId } }
  }
}"""
_HEARTBEATS = """
{
  answer: instance {
    __typename
    daemonHealth { allDaemonStatuses { daemonType lastHeartbeatTime } }
  }
}"""


class DagsterError(ClaimsError):
    """Dagster did not do what it was asked."""


class DagsterUnreachableError(DagsterError):
    """No connection: Dagster has seen nothing of it."""

    def __init__(self) -> None:
        super().__init__("dagster_unreachable", "Dagster's webserver cannot be reached.")


class DagsterSilentError(DagsterError):
    """Sent, but no whole answer came: Dagster may have acted, or may yet."""

    def __init__(self) -> None:
        super().__init__("dagster_silent", "Dagster's webserver gave no answer.")


class DagsterRefusedError(DagsterError):
    """Dagster answered, and is done with it, but not as hoped."""

    def __init__(self) -> None:
        super().__init__("dagster_refused", "Dagster answered with an error.")


class Launch(Enum):
    """What became of a launch. `UNKNOWN`: there may be a run, or there may be one soon."""

    LAUNCHED = "launched"
    NOT_LAUNCHED = "not launched"
    UNKNOWN = "unknown"


class DagsterClient:
    """One Dagster webserver; safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.dagster_graphql_url

    @property
    def is_configured(self) -> bool:
        """Whether there is a webserver to ask; without one, Dagster's sensor launches."""
        return bool(self._url)

    def launch(
        self, upload_id: str, *, ticket: str, organization_id: str, attempt_number: int
    ) -> Launch:
        """Register the upload's partition and launch a run for it that carries `ticket`."""
        try:
            self._register(upload_id)
        except DagsterError as error:
            _LOGGER.warning("no partition was registered: %s", error.code)
            return Launch.NOT_LAUNCHED
        try:
            self._launch(
                upload_id,
                launch_tags(
                    ticket=ticket,
                    organization_id=organization_id,
                    attempt_number=attempt_number,
                ),
            )
        except DagsterError as error:
            _LOGGER.warning("a launch failed: %s", error.code)
            return self._what_came_of(error, ticket)
        return Launch.LAUNCHED

    def run_with_ticket(self, ticket: str) -> str | None:
        """Id of the latest run that was launched with this ticket.

        Raises:
            DagsterError: nobody can tell.

        """
        run_filter = {"tags": [{"key": TICKET_TAG, "value": ticket}]}
        runs = self._asked(_RUNS, "Runs", filter=run_filter)["results"]
        return str(runs[0]["runId"]) if runs else None

    def terminate(self, run_id: str) -> bool:
        """Ask Dagster to end a run; False when it has ended or cannot be ended now."""
        try:
            self._asked(_TERMINATE, "TerminateRunSuccess", runId=run_id)
        except DagsterError as error:
            _LOGGER.warning("a run was not terminated: %s", error.code)
            return False
        return True

    def terminate_with_ticket(self, ticket: str) -> bool:
        """As `terminate`, for the run that was launched with this ticket, if there is one."""
        try:
            run_id = self.run_with_ticket(ticket)
        except DagsterError as error:
            _LOGGER.warning("a run was not looked for: %s", error.code)
            return False
        return run_id is not None and self.terminate(run_id)

    def heartbeats(self) -> Mapping[str, datetime]:
        """When each daemon (`SENSOR`, `QUEUED_RUN_COORDINATOR`, …) last showed that it lives.

        Raises:
            DagsterError: the webserver does not answer as it should.

        """
        health = self._asked(_HEARTBEATS, "Instance")["daemonHealth"]
        return {
            status["daemonType"]: datetime.fromtimestamp(status["lastHeartbeatTime"], UTC)
            for status in health["allDaemonStatuses"]
            if status["lastHeartbeatTime"] is not None
        }

    def _register(self, upload_id: str) -> None:
        self._asked(
            _ADD_PARTITION,
            "AddDynamicPartitionSuccess",
            "DuplicateDynamicPartitionError",
            repository={
                "repositoryLocationName": CODE_LOCATION,
                "repositoryName": REPOSITORY,
            },
            partitions=UPLOADS_PARTITIONS,
            key=upload_id,
        )

    def _launch(self, upload_id: str, tags: Mapping[str, str]) -> None:
        all_tags = {PARTITION_TAG: upload_id, **tags}
        self._asked(
            _LAUNCH,
            "LaunchRunSuccess",
            params={
                "selector": {
                    "repositoryLocationName": CODE_LOCATION,
                    "repositoryName": REPOSITORY,
                    "jobName": CLAIM_STATUS_JOB,
                },
                "runConfigData": {},
                "mode": "default",
                "executionMetadata": {
                    "tags": [{"key": key, "value": value} for key, value in all_tags.items()]
                },
            },
        )

    def _what_came_of(self, error: DagsterError, ticket: str) -> Launch:
        if isinstance(error, DagsterUnreachableError):
            return Launch.NOT_LAUNCHED
        if isinstance(error, DagsterSilentError):
            return Launch.UNKNOWN
        # An error may come after the run was made, when it could not be put into the queue.
        try:
            run_id = self.run_with_ticket(ticket)
        except DagsterError:
            return Launch.UNKNOWN
        return Launch.LAUNCHED if run_id else Launch.NOT_LAUNCHED

    def _asked(self, document: str, *wanted: str, **variables: Any) -> dict[str, Any]:
        """The answer to one GraphQL operation, when its type is one of `wanted`."""
        body = self._sent({"query": document, "variables": variables})
        answer = (body.get("data") or {}).get("answer")
        if not isinstance(answer, dict) or answer.get("__typename") not in wanted:
            raise DagsterRefusedError
        return answer

    def _sent(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        if self._url is None:
            raise DagsterUnreachableError
        try:
            with requests.Session() as session:
                session.trust_env = False
                response = session.post(
                    self._url, json=payload, timeout=_CONNECT_AND_READ_S, allow_redirects=False
                )
                body = response.json()
        except requests.ConnectionError as error:
            if _was_never_connected(error):
                raise DagsterUnreachableError from None
            raise DagsterSilentError from None
        except requests.RequestException:
            # A time-out, or an answer that is none: a proxy between us may have made it up.
            raise DagsterSilentError from None
        if not isinstance(body, dict) or not {"data", "errors"} & body.keys():
            raise DagsterSilentError
        return body


def _was_never_connected(error: requests.ConnectionError) -> bool:
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return isinstance(
        reason,
        urllib3.exceptions.NewConnectionError
        | urllib3.exceptions.ConnectTimeoutError
        | urllib3.exceptions.NameResolutionError,
    )
