"""The boundary around every step: acquires the attempt, keeps it, and lets no patient's data out.

Each step of a run acquires the attempt for itself and relies on no earlier step, because Dagster
may re-execute any of them alone. While the step works, a thread sends heartbeats. What goes wrong
is turned into class, stable code and stack without messages before Dagster can write it down.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from claims_pipeline.errors import (
    AnswersAwaitedError,
    CancelRequestedError,
    ClaimsError,
    FilesUnreachableError,
    HoldLostError,
    PayerDownError,
    described_without_values,
)
from claims_pipeline.model import UploadStatus
from claims_pipeline.orchestration.metadata import counts_metadata
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.querying.stopping import Stop
from claims_pipeline.settings import Settings
from claims_pipeline.store import attempts, uploads
from claims_pipeline.store.attempts import Attempt, Hold, NoBusiness
from claims_pipeline.store.attempts.launch_tags import TICKET_TAG
from claims_pipeline.store.uploads import Upload

StepContext = dg.AssetExecutionContext | dg.OpExecutionContext

# Dagster sets it on the retries that it launches itself.
_RETRY_NUMBER_TAG = "dagster/retry_number"

_INTERNAL_ERROR = (
    "internal_error",
    "Something went wrong on our side; operators find it in the run's log. Retry later.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldStep:
    """What a step works with while it holds the attempt; `stop` ends it before the next call.

    `upload` and `attempt` are as they stood when the step began.
    """

    hold: Hold
    upload: Upload
    attempt: Attempt
    engine: Engine
    settings: Settings
    stop: Stop = field(default_factory=Stop)


def now() -> datetime:
    """This instant, aware, in UTC."""
    return datetime.now(UTC)


def run_has_ended(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether Dagster knows the run as over, or does not know it at all."""
    run = instance.get_run_by_id(run_id)
    return run is None or run.is_finished


@contextmanager
def redacted_errors() -> Iterator[None]:
    """Let errors pass as class, code and stack only; for code that holds no attempt."""
    failure: str | None = None
    try:
        yield
    except Exception as error:  # The boundary: nothing passes with its message.
        failure = described_without_values(error)
    if failure is not None:
        raise dg.Failure(description=failure, allow_retries=False) from None


@contextmanager
def attempt_held(context: StepContext, store: StoreResource) -> Iterator[HeldStep | None]:
    """Hold the upload's attempt for one step; None when this run has no business with it.

    Also leaves quietly, with a line in the run's log, when the attempt is lost or let go of
    meanwhile. A step that did not come to its end must show nothing as done (I10).

    Raises:
        dagster.Failure: for every error but a lost hold, without messages or values.
        dagster.DagsterExecutionInterruptedError: when the upload was cancelled.

    """
    failure: str | None = None
    cancelled = False
    step: HeldStep | None = None
    try:
        acquired = _acquire(context, store)
        if isinstance(acquired, NoBusiness):
            _say_why(context, store, acquired)
            yield None
            return
        step = acquired
        with _heartbeats(step):
            yield step
        attempts.release_step(step.engine, step.hold, now())
    except HoldLostError:
        context.log.info("another run has taken this upload over; this one stops here")
    except (PayerDownError, AnswersAwaitedError) as error:
        # The attempt has been let go of: what follows in this run finds itself stale.
        why = "the payer is down" if isinstance(error, PayerDownError) else "answers come later"
        context.log.warning("%s; the upload waits, and will be launched again", why)
    except CancelRequestedError:
        cancelled = True
    except (dg.DagsterExecutionInterruptedError, KeyboardInterrupt):
        _interrupted(context, step)
        raise
    except dg.Failure:
        raise
    except Exception as error:  # The boundary: nothing passes with its message.
        failure = described_without_values(error)
        _end_if_final(context, step, error)
    # `from None`: the error at hand, message and all, must not hang on as context.
    if cancelled and _ended_cancelled(context, step, store):
        _say_cancelled(context, store)
        # Else Dagster takes the interrupt for a crash, and retries the run.
        context.instance.report_run_canceling(context.run)
        raise dg.DagsterExecutionInterruptedError from None
    if failure is not None:
        raise dg.Failure(description=failure, allow_retries=False) from None


def _acquire(context: StepContext, store: StoreResource) -> HeldStep | NoBusiness:
    settings = store.settings()
    engine = store.engine()
    run = context.run
    hold = attempts.acquire(
        engine,
        context.partition_key,
        run.run_id,
        ticket=run.tags.get(TICKET_TAG),
        has_parent=run.parent_run_id is not None,
        run_has_ended=lambda run_id: run_has_ended(context.instance, run_id),
        dead_after_s=settings.dead_after_s,
        dead_between_steps_s=settings.dead_between_steps_s,
        now=now(),
        is_automatic_retry=_RETRY_NUMBER_TAG in run.tags,
    )
    if isinstance(hold, NoBusiness):
        return hold
    attempts.heartbeat(engine, hold, now())
    upload = uploads.get_upload(engine, hold.upload_id)
    attempt = attempts.get_attempt(engine, hold.attempt_id)
    if upload is None or attempt is None:
        raise HoldLostError
    return HeldStep(hold=hold, upload=upload, attempt=attempt, engine=engine, settings=settings)


def _say_why(context: StepContext, store: StoreResource, why: NoBusiness) -> None:
    """One line in the run's log; of an upload that is complete, its figures once more.

    An observation, because nothing was made: the partition keeps the materialization that it has.
    """
    upload = uploads.get_upload(store.engine(), context.partition_key)
    if why is not NoBusiness.NOTHING_TO_ASK or upload is None:
        context.log.info("nothing done: %s", why)
        return
    ended = upload.processing_completed_at
    message = f"{why}; complete since {ended:%Y-%m-%d %H:%M} UTC" if ended else str(why)
    context.log.info(message)
    for key in context.selected_asset_keys:
        context.log_event(
            dg.AssetObservation(
                asset_key=key,
                partition=context.partition_key,
                metadata={"note": message, **counts_metadata(upload.counts)},
            )
        )


@contextmanager
def _heartbeats(step: HeldStep) -> Iterator[None]:
    """Beat until the step ends; a lost or cancelled attempt sets the step's `stop`."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(step.settings.heartbeat_s):
            try:
                attempts.heartbeat(step.engine, step.hold, now())
            except (HoldLostError, CancelRequestedError):
                step.stop.set()
                return
            except SQLAlchemyError:
                # The database is away. The checkpoints will say so; beating goes on meanwhile.
                logging.getLogger(__name__).warning("heartbeat could not be written")

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def let_go(instance: dg.DagsterInstance, engine: Engine, hold: Hold) -> None:
    """The run is told to end: cancel its upload if a person asked, else let it go on elsewhere.

    Raises:
        HoldLostError, SQLAlchemyError: it could not be let go of; the reconciliation will.

    """
    run = instance.get_run_by_id(hold.run_id)
    if run is not None and run.status == dg.DagsterRunStatus.CANCELING:
        _cancel(engine, hold.upload_id, hold.attempt_id, hold=hold)
    else:
        # A machine goes down.
        attempts.relaunch(
            engine,
            hold.attempt_id,
            reason="worker_stopped",
            now=now(),
            holder_run_id=hold.run_id,
        )


def _interrupted(context: StepContext, step: HeldStep | None) -> None:
    if step is None:
        return
    step.stop.set()
    try:
        let_go(context.instance, step.engine, step.hold)
    except (SQLAlchemyError, HoldLostError):
        context.log.warning("the upload could not be let go of here; the reconciliation will")


def _ended_cancelled(context: StepContext, step: HeldStep | None, store: StoreResource) -> bool:
    """End the upload as cancelled; False when this run was told to stop for another reason.

    A run that lost the attempt is stopped in the same way as one that is cancelled. What it lost
    goes on elsewhere and is not its to end.
    """
    with redacted_errors():
        engine = step.engine if step else store.engine()
        if step is None:
            attempt = attempts.latest_attempt(engine, context.partition_key)
        else:
            attempt = attempts.get_attempt(engine, step.hold.attempt_id)
            if attempt is not None and attempt.holder_run_id != step.hold.run_id:
                return False
        if attempt is None or attempt.cancel_requested_at is None:
            # Without a step the attempt has been ended, and begun anew, since this run was refused.
            return step is None
        _cancel(engine, attempt.upload_id, attempt.id)
    return True


def _cancel(engine: Engine, upload_id: str, attempt_id: str, *, hold: Hold | None = None) -> None:
    attempts.finish(
        engine, upload_id, UploadStatus.CANCELLED, attempt_id=attempt_id, now=now(), hold=hold
    )


def _say_cancelled(context: StepContext, store: StoreResource) -> None:
    """What the step failure that follows in Dagster's log is about; its own text is masked."""
    upload = uploads.get_upload(store.engine(), context.partition_key)
    if upload is not None:
        context.log.info(
            "cancelled as somebody asked: %d of %d rows have their answer, which is kept. Nothing "
            "has gone wrong: Dagster shows the end of the step as a failure",
            upload.counts.done,
            upload.counts.total,
        )


def fail_upload(step: HeldStep, code: str, message: str) -> None:
    """End the step's upload as FAILED.

    Raises:
        HoldLostError: it is not this run's to end any more.

    """
    attempts.finish(
        step.engine,
        step.hold.upload_id,
        UploadStatus.FAILED,
        attempt_id=step.hold.attempt_id,
        error_code=code,
        error_message=message,
        now=now(),
        hold=step.hold,
    )


def _end_if_final(context: StepContext, step: HeldStep | None, error: Exception) -> None:
    """End the upload with the error's own words; a store that is away leaves it to others."""
    if step is None:
        return
    code, message = (
        (error.code, error.message) if isinstance(error, ClaimsError) else _INTERNAL_ERROR
    )
    try:
        if not isinstance(error, (SQLAlchemyError, FilesUnreachableError)):
            fail_upload(step, code, message)
    except (SQLAlchemyError, HoldLostError, CancelRequestedError):
        context.log.warning("the upload could not be ended here; the reconciliation will")
