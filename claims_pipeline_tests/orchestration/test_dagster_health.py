"""A daemon that does not run is named, and so is a queue that does not move."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

# Dagster offers no public way to write a heartbeat but to run a daemon.
from dagster._daemon.types import DaemonHeartbeat

from claims_pipeline.operations.doctor import State
from claims_pipeline.orchestration.dagster_health import examine_dagster

_NOW = datetime.now(UTC)
_DAEMONS = ("SENSOR", "QUEUED_RUN_COORDINATOR", "SCHEDULER", "MONITORING")


def _beat(instance: dg.DagsterInstance, daemon: str, age_s: float) -> None:
    instance.add_daemon_heartbeat(
        DaemonHeartbeat(
            timestamp=(_NOW - timedelta(seconds=age_s)).timestamp(),
            daemon_type=daemon,
            daemon_id=daemon,
            errors=[],
        )
    )


def _states(instance: dg.DagsterInstance) -> dict[str, State]:
    return {each.subject: each.state for each in examine_dagster(instance, _NOW)}


def test_without_a_daemon_every_one_is_missed() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        states = _states(instance)
    assert {states[f"daemon {daemon}"] for daemon in _DAEMONS} == {State.FAILED}
    assert states["queue"] is State.OK


@pytest.mark.parametrize(("age_s", "state"), [(88, State.OK), (91, State.FAILED)])
def test_a_daemon_is_well_while_it_beats(age_s: float, state: State) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        for daemon in _DAEMONS:
            _beat(instance, daemon, age_s if daemon == "SENSOR" else 1)
        states = _states(instance)
    assert states["daemon SENSOR"] is state
    assert states["daemon SCHEDULER"] is State.OK
