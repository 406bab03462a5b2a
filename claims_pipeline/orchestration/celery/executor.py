"""Hands a run's lanes to Celery workers, and carries out here whatever does not get on there.

A lane may be carried out anywhere, twice, or not to its end: the ledger says what is left. So a
lane that no worker begins, or whose worker has died, is simply carried out in the run's process,
and a run never waits for a task that will not end.
"""

import time
from collections.abc import Callable, Iterator, Sequence

import dagster as dg
from celery import Celery
from celery.exceptions import CeleryError
from celery.result import AsyncResult
from dagster._core.events import DagsterEvent
from dagster._core.execution.api import create_execution_plan, execute_plan_iterator
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.plan.state import KnownExecutionState
from dagster._core.execution.plan.step import ExecutionStep
from dagster._grpc.types import ExecuteStepArgs
from dagster._serdes import pack_value, serialize_value
from dagster_celery.config import TASK_EXECUTE_PLAN_NAME
from dagster_celery.core_execution_loop import core_celery_execution_loop
from dagster_celery.executor import CeleryExecutor
from kombu.exceptions import KombuError
from redis.exceptions import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from claims_pipeline.errors import HoldLostError
from claims_pipeline.orchestration.celery.app import celery_terms
from claims_pipeline.orchestration.held_step import let_go, now
from claims_pipeline.orchestration.partitions import LANE_TAG
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.settings import Settings
from claims_pipeline.store import attempts
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.attempts.launch_tags import PARTITION_TAG

# Workers may all be busy with the lanes of larger uploads.
_BEGINS_WITHIN_S = 10.0
_UNREACHABLE = (CeleryError, KombuError, RedisError, OSError)


class LanesOnWorkers(CeleryExecutor):
    """Lanes on Celery workers, every other step in the run's process."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(**celery_terms(settings))  # type: ignore[no-untyped-call]
        self._silent_after_s = settings.dead_after_s / 2
        self._beat_every_s = settings.heartbeat_s
        self._beat_at = float("-inf")
        self._is_interrupted = False

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[DagsterEvent]:
        """Carry the run out; ends as interrupted when it is told to end meanwhile."""
        yield from core_celery_execution_loop(
            plan_context, execution_plan, step_execution_fn=self._begin
        )
        if self._is_interrupted:
            # Lanes that end early yield nothing; what follows is then skipped, and the loop takes
            # a plan of skipped steps for one that came to its end.
            raise dg.DagsterExecutionInterruptedError

    def _begin(  # noqa: PLR0917 - called by dagster-celery's loop
        self,
        app: Celery,
        run: PlanOrchestrationContext,
        step: ExecutionStep,
        queue: str,
        priority: int,
        known_state: KnownExecutionState,
    ) -> "_CompletedStep | RemoteLane":
        def carry_out_here() -> list[str]:
            return _carried_out_here(run, step, known_state)

        if LANE_TAG not in step.tags:
            return _CompletedStep(carry_out_here())
        try:
            result = self._submit(app, run, step, queue, priority, known_state)
        except _UNREACHABLE:
            run.log.warning("no worker can be reached; this lane is carried out here")
            return _CompletedStep(carry_out_here())
        return RemoteLane(
            result,
            carry_out_here=carry_out_here,
            let_go=lambda: self._interrupt(run),
            keep=lambda: self._keep(run),
            silent_after_s=self._silent_after_s,
        )

    def _submit(  # noqa: PLR0917 - as `_begin`
        self,
        app: Celery,
        run: PlanOrchestrationContext,
        step: ExecutionStep,
        queue: str,
        priority: int,
        known_state: KnownExecutionState,
    ) -> "AsyncResult[list[str]]":
        """Send dagster-celery's task for one step; a message holds ids and names, no secrets."""
        arguments = ExecuteStepArgs(
            job_origin=run.reconstructable_job.get_python_origin(),
            run_id=run.run_id,
            step_keys_to_execute=[step.key],
            instance_ref=run.instance.get_ref(),
            retry_mode=self.retries.for_inner_plan(),
            known_state=known_state,
            print_serialized_events=True,
        )
        return app.send_task(
            TASK_EXECUTE_PLAN_NAME,
            kwargs={
                "execute_step_args_packed": pack_value(arguments),
                "executable_dict": run.reconstructable_job.to_dict(),
            },
            priority=priority,
            queue=queue,
            routing_key=f"{queue}.execute_plan",
        )

    def _interrupt(self, run: PlanOrchestrationContext) -> None:
        self._is_interrupted = True
        _let_go(run)

    def _keep(self, run: PlanOrchestrationContext) -> None:
        """Keep the attempt while no lane has begun; lanes that have do so themselves."""
        if time.monotonic() - self._beat_at < self._beat_every_s:
            return
        self._beat_at = time.monotonic()
        try:
            engine, hold = _held(run)
            if hold is not None:
                attempts.release_step(engine, hold, now())
        except SQLAlchemyError:
            run.log.warning("heartbeat could not be written")


class _CompletedStep:
    """A step that is done already, as dagster-celery's loop wants to see it."""

    def __init__(self, events: list[str]) -> None:
        self._events = events

    def ready(self) -> bool:
        return True

    def get(self) -> list[str]:
        return self._events

    def revoke(self) -> None:
        """Nothing is left to be revoked."""


class RemoteLane:
    """A lane handed to a worker: what dagster-celery's loop asks of a task's result.

    A worker writes down every second that it is at the lane. `silent_after_s` without that, as
    seen from here, and it counts as dead.
    """

    def __init__(
        self,
        result: "AsyncResult[list[str]]",
        *,
        carry_out_here: Callable[[], list[str]],
        let_go: Callable[[], None],
        keep: Callable[[], None],
        silent_after_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._result = result
        self._carry_out_here = carry_out_here
        self._let_go = let_go
        self._keep = keep
        self._silent_after_s = silent_after_s
        self._clock = clock
        self._is_revoked = False
        self._has_begun = False
        self._last_sign: object = None
        self._last_sign_at = clock()
        self._events: Sequence[str] | None = None

    def ready(self) -> bool:
        """Whether the lane has ended, or nothing more is to be expected of its worker."""
        try:
            meta = self._result.backend.get_task_meta(self._result.id)
        except _UNREACHABLE:
            return self._is_given_up()
        if meta["status"] in self._result.backend.READY_STATES:
            is_whole = meta["status"] == "SUCCESS"
            self._events = meta["result"] if is_whole else None
            return True
        if meta["status"] != "PENDING" and meta["result"] != self._last_sign:
            self._has_begun = True
            self._last_sign = meta["result"]
            self._last_sign_at = self._clock()
        if not self._has_begun:
            self._keep()
        return self._is_given_up()

    def get(self) -> Sequence[str]:
        """The lane's events, serialized; of one that was given up, after carrying it out here."""
        if self._events is not None:
            return self._events
        if self._is_revoked:
            return []
        self._revoke_task()
        return self._carry_out_here()

    def revoke(self) -> None:
        """The run is to end: let the upload go, so that its lanes stop before their next call."""
        self._is_revoked = True
        self._let_go()
        self._revoke_task()

    def _is_given_up(self) -> bool:
        if self._is_revoked and not self._has_begun:
            return True
        patience_s = self._silent_after_s if self._has_begun else _BEGINS_WITHIN_S
        return self._clock() - self._last_sign_at > patience_s

    def _revoke_task(self) -> None:
        try:
            self._result.revoke()
        except _UNREACHABLE:
            return  # A worker that takes it later finds nothing to ask.


def _carried_out_here(
    run: PlanOrchestrationContext, step: ExecutionStep, known_state: KnownExecutionState
) -> list[str]:
    plan = create_execution_plan(
        run.reconstructable_job,
        run.dagster_run.run_config,
        step_keys_to_execute=[step.key],
        known_state=known_state,
    )
    events = list(
        execute_plan_iterator(
            execution_plan=plan,
            job=run.reconstructable_job,
            dagster_run=run.dagster_run,
            instance=run.instance,
            run_config=run.dagster_run.run_config,
        )
    )
    if _is_cancelled(run):
        # An interrupt between the step's end and here would go unheard.
        raise dg.DagsterExecutionInterruptedError
    return [serialize_value(event) for event in events]


def _is_cancelled(run: PlanOrchestrationContext) -> bool:
    latest = run.instance.get_run_by_id(run.run_id)
    return latest is not None and latest.status == dg.DagsterRunStatus.CANCELING


def _held(run: PlanOrchestrationContext) -> tuple[Engine, Hold | None]:
    engine = StoreResource().engine()
    return engine, attempts.held_by(engine, run.dagster_run.tags[PARTITION_TAG], run.run_id)


def _let_go(run: PlanOrchestrationContext) -> None:
    try:
        engine, hold = _held(run)
        if hold is not None:
            let_go(run.instance, engine, hold)
    except (SQLAlchemyError, HoldLostError):
        run.log.warning("the upload could not be let go of here; the reconciliation will")
