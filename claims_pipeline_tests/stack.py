"""A real stack for tests: sandbox payer, code server, webserver and daemon as own processes.

Everything listens on loopback at a free port and lives in a home of the test's own. Conditions are
waited for, never times. Logs stay where `Stack.logs` says, for tests that search them.

    with running_stack(tmp_path / "home") as stack:
        run_id = stack.dagster.launch(upload_id, ticket=ticket)
        stack.wait_until(lambda: stack.dagster.run(run_id).has_ended, what="the run")
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

from claims_pipeline.cli.local.home import prepare_home, process_environment, shipped_file
from claims_pipeline.cli.local.processes import (
    Processes,
    RunningProcess,
    free_port,
    installed_command,
    port_answers,
)
from claims_pipeline.settings import load_settings
from claims_pipeline.store.attempts.launch_tags import TICKET_TAG

LOCATION = "claims_pipeline"
REPOSITORY = "__repository__"
JOB = "claim_status_job"
PARTITION_TAG = "dagster/partition"
_START_TIMEOUT_S = 180.0
# A worker finishes its calls first, and is slow to on a busy machine.
_STOP_TIMEOUT_S = 60.0
_ENDED = frozenset({"SUCCESS", "FAILURE", "CANCELED"})


class GraphQLError(AssertionError):
    """Dagster answered something else than what the test relies on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as Dagster's API shows it."""

    run_id: str
    status: str
    tags: Mapping[str, str]
    parent_run_id: str | None

    @property
    def has_ended(self) -> bool:
        """Whether its status is final."""
        return self.status in _ENDED


class DagsterApi:
    """What operators do in Dagster's UI, over the same GraphQL."""

    _RUN_FIELDS = "runId status parentRunId tags { key value }"

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()

    def close(self) -> None:
        self._session.close()

    def query(self, document: str, **variables: Any) -> dict[str, Any]:
        """Data of one GraphQL operation.

        Raises:
            GraphQLError: for errors of the document as a whole.

        """
        response = self._session.post(
            f"{self.url}/graphql",
            json={"query": document, "variables": variables},
            timeout=(5, 60),
        )
        body = response.json()
        if response.status_code != 200 or "errors" in body:
            raise GraphQLError(f"{response.status_code}: {response.text[:2000]}")
        data: dict[str, Any] = body["data"]
        return data

    def launch(
        self, partition: str, *, ticket: str | None = None, tags: Mapping[str, str] | None = None
    ) -> str:
        """Launch the job for one partition through the queue; the run's id."""
        all_tags = {PARTITION_TAG: partition, **(tags or {})}
        if ticket is not None:
            all_tags[TICKET_TAG] = ticket
        return self._launched(
            self.query(
                """mutation ($params: ExecutionParams!) {
                     answer: launchRun(executionParams: $params) { __typename
                     ... on LaunchRunSuccess { run { runId } }
                     ... on PythonError { message } } }""",
                params={
                    "selector": {
                        "repositoryLocationName": LOCATION,
                        "repositoryName": REPOSITORY,
                        "jobName": JOB,
                    },
                    "runConfigData": {},
                    "mode": "default",
                    "executionMetadata": {
                        "tags": [{"key": key, "value": value} for key, value in all_tags.items()]
                    },
                },
            )
        )

    def reexecute(self, run_id: str, *, from_failure: bool) -> str:
        """Re-execute a run, whole or from failure, as the UI's buttons do; the new run's id."""
        return self._launched(
            self.query(
                """mutation ($params: ReexecutionParams!) {
                     answer: launchRunReexecution(reexecutionParams: $params) {
                       __typename
                       ... on LaunchRunSuccess { run { runId } }
                       ... on PythonError { message } } }""",
                params={
                    "parentRunId": run_id,
                    "strategy": "FROM_FAILURE" if from_failure else "ALL_STEPS",
                },
            )
        )

    def terminate(self, run_id: str, *, force: bool = False) -> str:
        """Terminate a run; `TerminateRunSuccess` or what Dagster says instead."""
        answer = self.query(
            """mutation ($runId: String!, $policy: TerminateRunPolicy) {
                 answer: terminateRun(runId: $runId, terminatePolicy: $policy) { __typename } }""",
            runId=run_id,
            policy="MARK_AS_CANCELED_IMMEDIATELY" if force else "SAFE_TERMINATE",
        )
        kind: str = answer["answer"]["__typename"]
        return kind

    def run(self, run_id: str) -> Run:
        """One run."""
        answer = self.query(
            f"query ($runId: ID!) {{ run: runOrError(runId: $runId) {{ __typename"
            f" ... on Run {{ {self._RUN_FIELDS} }} }} }}",
            runId=run_id,
        )["run"]
        if answer["__typename"] != "Run":
            raise GraphQLError(answer["__typename"])
        return _run(answer)

    def runs(
        self,
        *,
        partition: str | None = None,
        tags: Mapping[str, str] | None = None,
        statuses: Sequence[str] | None = None,
    ) -> list[Run]:
        """Runs by partition, tags and statuses, newest first."""
        wanted = dict(tags or {})
        if partition is not None:
            wanted[PARTITION_TAG] = partition
        run_filter: dict[str, Any] = {
            "tags": [{"key": key, "value": value} for key, value in wanted.items()]
        }
        if statuses is not None:
            run_filter["statuses"] = list(statuses)
        answer = self.query(
            f"query ($filter: RunsFilter) {{ runs: runsOrError(filter: $filter) {{ __typename"
            f" ... on Runs {{ results {{ {self._RUN_FIELDS} }} }} }} }}",
            filter=run_filter,
        )["runs"]
        if answer["__typename"] != "Runs":
            raise GraphQLError(answer["__typename"])
        return [_run(item) for item in answer["results"]]

    def stop_sensor(self, name: str) -> None:
        """Switch a sensor off, as its switch in the UI does."""
        sensor = self.query(
            """query ($selector: SensorSelector!) {
                 answer: sensorOrError(sensorSelector: $selector) {
                   __typename ... on Sensor { id } } }""",
            selector={
                "repositoryLocationName": LOCATION,
                "repositoryName": REPOSITORY,
                "sensorName": name,
            },
        )["answer"]
        stopped = self.query(
            """mutation ($id: String!) { answer: stopSensor(id: $id) {
                 __typename
                 ... on StopSensorMutationResult { instigationState { status } } } }""",
            id=sensor["id"],
        )["answer"]
        if stopped.get("instigationState", {}).get("status") != "STOPPED":
            raise GraphQLError(stopped["__typename"])

    def daemon_is_healthy(self, *daemon_types: str) -> bool:
        """Whether all these daemons (`SENSOR`, `QUEUED_RUN_COORDINATOR`, …) have a heartbeat."""
        statuses = self.query(
            "{ instance { daemonHealth { allDaemonStatuses { daemonType healthy } } } }"
        )["instance"]["daemonHealth"]["allDaemonStatuses"]
        healthy = {status["daemonType"] for status in statuses if status["healthy"]}
        return set(daemon_types) <= healthy

    def location_is_loaded(self) -> bool:
        """Whether the webserver has our code location.

        Raises:
            GraphQLError: when the location failed to load; waiting longer would not help.

        """
        entries = self.query(
            """{ workspaceOrError { ... on Workspace { locationEntries {
                   name locationOrLoadError { __typename
                     ... on PythonError { message stack } } } } } }"""
        )["workspaceOrError"]["locationEntries"]
        for entry in entries:
            content = entry["locationOrLoadError"]
            if content and content["__typename"] == "PythonError":
                raise GraphQLError(content["message"])
        return any(entry["name"] == LOCATION and entry["locationOrLoadError"] for entry in entries)

    def _launched(self, data: dict[str, Any]) -> str:
        answer = data["answer"]
        if answer["__typename"] != "LaunchRunSuccess":
            raise GraphQLError(f"{answer['__typename']}: {answer.get('message', '')}")
        run_id: str = answer["run"]["runId"]
        return run_id


class Stack:
    """The running processes of one test, by name, and the way to reach them."""

    def __init__(
        self,
        home: Path,
        processes: Processes,
        environment: Mapping[str, str],
        *,
        has_code_server: bool = True,
    ) -> None:
        self.home = home
        self.logs = home / "logs"
        self.environment = dict(environment)
        self._processes = processes
        self._has_code_server = has_code_server
        self._ports = {"webserver": free_port(), "code-server": free_port()}
        self._named: dict[str, RunningProcess] = {}
        self.dagster = DagsterApi(f"http://127.0.0.1:{self._ports['webserver']}")

    def process(self, name: str) -> RunningProcess:
        """`sandbox`, `code-server`, `webserver` or `daemon`, as started last."""
        return self._named[name]

    def is_running(self, name: str) -> bool:
        """Whether a process of this name was started and not stopped."""
        return name in self._named

    def start_code_server(self) -> None:
        """Start (again) the process that holds the definitions and forks the run workers."""
        self._start(
            "code-server",
            *(sys.executable, "-m", "claims_pipeline.orchestration.code_server"),
            *("--host", "127.0.0.1", "--port", str(self._ports["code-server"])),
        )
        self.wait_until(lambda: port_answers(self._ports["code-server"]), what="the code server")

    def start_webserver(self) -> None:
        """Start (again) Dagster's webserver; wait until it answers and has loaded our code."""
        port = self._ports["webserver"]
        self._start(
            "webserver",
            *(sys.executable, "-m", "claims_pipeline.orchestration.webserver"),
            *("--host", "127.0.0.1", "--port", str(port)),
            *("--workspace", str(self._workspace())),
        )
        self.wait_until(
            lambda: port_answers(port) and self.dagster.location_is_loaded(), what="the webserver"
        )

    def start_daemon(self, *, wait: bool = True) -> None:
        """Start (again) the daemon: sensors, queue, run monitoring and retries."""
        self._start(
            "daemon",
            installed_command("dagster-daemon"),
            *("run", "--workspace", str(self._workspace())),
        )
        if wait and "webserver" in self._named:
            self.wait_for_daemon()

    def wait_for_daemon(self) -> None:
        """Wait for the daemon's heartbeats, as the webserver shows them."""
        self.wait_until(
            lambda: self.dagster.daemon_is_healthy("SENSOR", "QUEUED_RUN_COORDINATOR"),
            what="the daemon's heartbeats",
        )

    def start_worker(self, name: str, *, lanes: int = 1) -> None:
        """Start (again) a Celery worker called `worker-<name>`, and wait until it is up."""
        # Few stacks have workers, and Celery takes a while to import.
        from claims_pipeline.orchestration.celery.worker import worker_answers

        self._start(
            f"worker-{name}",
            installed_command("claims-pipeline"),
            *("worker", "start", "--name", name, "--lanes", str(lanes)),
        )
        settings = load_settings(self.environment)
        self.wait_until(
            lambda: worker_answers(settings, name=name, within_s=1.0), what=f"worker {name}"
        )

    def start_what_is_missing(self) -> None:
        """Start again what a test that failed has left killed."""
        for name, start in (
            ("code-server", self.start_code_server),
            ("webserver", self.start_webserver),
            ("daemon", self.start_daemon),
        ):
            if not self.is_running(name):
                start()

    def kill(self, name: str) -> None:
        """kill -9 a process and its whole group; it may be started again."""
        process = self._named.pop(name)
        self._processes.forget(process)
        process.kill()

    def kill_all(self) -> None:
        """kill -9 every process; nothing of a home that is thrown away has to end in good order."""
        for name in list(self._named):
            self.kill(name)

    def kill_alone(self, name: str) -> None:
        """kill -9 a process but nothing that it has started; it may be started again."""
        process = self._named.pop(name)
        self._processes.forget(process)
        process.popen.kill()
        process.popen.wait()

    def end_with_its_group(self, name: str, *, within_s: float) -> None:
        """SIGTERM a process and its whole group, as service managers do, and wait for its end.

        Raises:
            subprocess.TimeoutExpired: it runs on.

        """
        process = self._named.pop(name)
        self._processes.forget(process)
        try:
            os.killpg(process.pid, signal.SIGTERM)
            process.popen.wait(timeout=within_s)
        finally:
            process.kill()

    def worker_pids(self) -> list[int]:
        """Process ids of the run workers: the code server's fork server forks one for each run."""
        try:
            children = psutil.Process(self.process("code-server").pid).children(recursive=True)
            return [child.pid for child in children if _is_worker(child)]
        except psutil.NoSuchProcess:
            return []

    def signal_workers(self, number: signal.Signals) -> list[int]:
        """Send a signal to every run worker; their process ids."""
        pids = self.worker_pids()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return pids

    def stop(self, name: str) -> None:
        """Ask a process to end, as an orchestrator would; it may be started again."""
        process = self._named.pop(name)
        self._processes.forget(process)
        process.stop(_STOP_TIMEOUT_S)

    def wait_until(
        self,
        condition: Callable[[], bool],
        *,
        what: str,
        timeout_s: float = _START_TIMEOUT_S,
    ) -> None:
        """Wait for a condition; fails at once when a process of the stack has ended."""
        self._processes.wait_until(condition, what=what, timeout_s=timeout_s)

    def outputs(self) -> list[Path]:
        """Every file that holds some process's output or Dagster's own records."""
        folders = (self.logs, self.home / "dagster")
        return [path for folder in folders for path in folder.rglob("*") if path.is_file()]

    def _start(self, name: str, *command: str) -> None:
        self._named[name] = self._processes.start(name, command)

    def _workspace(self) -> Path:
        if not self._has_code_server:
            return shipped_file("workspace.yaml")
        path = self.home / "workspace.yaml"
        path.write_text(
            "load_from:\n  - grpc_server:\n      host: 127.0.0.1\n"
            f"      port: {self._ports['code-server']}\n      location_name: {LOCATION}\n",
            encoding="utf-8",
        )
        return path


@contextmanager
def running_stack(
    home: Path,
    *,
    settings: Mapping[str, str] | None = None,
    webserver: bool = True,
    daemon: bool = True,
    code_server: bool = True,
) -> Iterator[Stack]:
    """Start code server, webserver and daemon on `home`; stop them all at the end.

    Without a code server, webserver and daemon each start one of their own below them, as on one
    machine they do.

    `settings` are environment variables for every process, such as a sandbox's
    `CLAIMS_UHC_…` and fast `CLAIMS_HEARTBEAT_S`. Nothing of the tester's own settings is taken
    over. Start the sandbox with `claims_pipeline.sandbox.running_sandbox` around this.
    """
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("CLAIMS_")
    }
    chosen = {**inherited, **(settings or {}), "CLAIMS_HOME": str(home)}
    loaded = load_settings(chosen)
    prepared = prepare_home(loaded)
    environment = process_environment(loaded, chosen)
    with Processes(logs=prepared.logs, environment=environment) as processes:
        stack = Stack(home, processes, environment, has_code_server=code_server)
        try:
            if code_server:
                stack.start_code_server()
            # In turn: in a new home both make Dagster's SQLite tables, and one of them would end.
            if webserver:
                stack.start_webserver()
                # Nobody is to be told, and its looks are a quarter of what an idle stack costs.
                stack.dagster.stop_sensor("alerts_sensor")
            if daemon:
                stack.start_daemon(wait=False)
            if webserver and daemon:
                stack.wait_for_daemon()
            yield stack
        finally:
            stack.dagster.close()
            stack.kill_all()


def _is_worker(process: psutil.Process) -> bool:
    try:
        parent = process.parent()
        return (
            _comes_from_fork_server(process)
            and parent is not None
            and (_comes_from_fork_server(parent))
        )
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def _comes_from_fork_server(process: psutil.Process) -> bool:
    """Whether it is the fork server or a fork of it, which shows the same command."""
    return any("forkserver" in part for part in process.cmdline())


def _run(fields: Mapping[str, Any]) -> Run:
    return Run(
        run_id=fields["runId"],
        status=fields["status"],
        parent_run_id=fields["parentRunId"],
        tags={tag["key"]: tag["value"] for tag in fields["tags"]},
    )
