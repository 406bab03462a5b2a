"""A daemon that does not run is named, and so is a queue that does not move."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
)

# Dagster offers no public way to write a heartbeat but to run a daemon.
from dagster._daemon.types import DaemonHeartbeat

from claims_pipeline.operations.doctor import State
from claims_pipeline.orchestration.dagster_health import examine_dagster
from claims_pipeline.orchestration.partitions import uploads_partitions

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
    with dg.instance_for_test() as instance:
        states = _states(instance)
    assert {states[f"daemon {daemon}"] for daemon in _DAEMONS} == {State.FAILED}
    assert states["queue"] is State.OK


@pytest.mark.parametrize(("age_s", "state"), [(88, State.OK), (91, State.FAILED)])
def test_a_daemon_is_well_while_it_beats(age_s: float, state: State) -> None:
    with dg.instance_for_test() as instance:
        for daemon in _DAEMONS:
            _beat(instance, daemon, age_s if daemon == "SENSOR" else 1)
        states = _states(instance)
    assert states["daemon SENSOR"] is state
    assert states["daemon SCHEDULER"] is State.OK


def test_a_sensor_that_somebody_switched_off_is_named() -> None:
    with dg.instance_for_test() as instance:
        for name, status in (
            ("inbox_sensor", InstigatorStatus.STOPPED),
            ("pending_uploads_sensor", InstigatorStatus.DECLARED_IN_CODE),
        ):
            origin = RemoteInstigatorOrigin(
                repository_origin=RemoteRepositoryOrigin(
                    code_location_origin=RegisteredCodeLocationOrigin(location_name="ours"),
                    repository_name="__repository__",
                ),
                instigator_name=name,
            )
            instance.add_instigator_state(
                InstigatorState(origin, InstigatorType.SENSOR, status, SensorInstigatorData())
            )
        states = _states(instance)
    assert states["sensor inbox_sensor"] is State.FAILED
    assert states["sensor pending_uploads_sensor"] is State.OK


def test_partitions_are_counted_and_many_are_warned_of() -> None:
    with dg.instance_for_test() as instance:
        name = str(uploads_partitions.name)
        instance.add_dynamic_partitions(name, ["one", "two"])
        few = {each.subject: each for each in examine_dagster(instance, _NOW)}["partitions"]
        instance.add_dynamic_partitions(name, [str(number) for number in range(33_000)])
        many = {each.subject: each for each in examine_dagster(instance, _NOW)}["partitions"]
    assert (few.state, many.state) == (State.OK, State.WARNING)
    assert few.message.startswith("2 uploads")
