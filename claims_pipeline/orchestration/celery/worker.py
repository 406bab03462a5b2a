"""A Celery worker for lanes: says every second that it lives, and ends at the end of a batch."""

import contextlib
import logging
import multiprocessing
import socket
import threading
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from typing import Any

import dagster as dg
from celery import Celery, Task, signals
from celery.exceptions import CeleryError
from dagster._serdes import deserialize_value
from dagster_celery.tasks import create_task
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from claims_pipeline.orchestration.celery.app import celery_app
from claims_pipeline.orchestration.celery.shutdown import is_worker, worker_is_stopping
from claims_pipeline.settings import Settings

_ASKING = "ASKING"
_SIGN_EVERY_S = 1.0


def worker_app(settings: Settings) -> Celery:
    """The application of a worker, to be started in this process."""
    app = celery_app(settings)
    # Made before the pool's processes are forked from this one, which share it.
    stopping = multiprocessing.get_context("fork").Event()
    create_task(app, base=_lane_task(stopping))
    signals.worker_shutting_down.connect(lambda **_: stopping.set(), weak=False)
    return app


def worker_arguments(*, name: str | None, lanes: int) -> list[str]:
    """Arguments for `Celery.worker_main`; `lanes` are carried out side by side."""
    return [
        "worker",
        *("--hostname", worker_name(name)),
        *("--concurrency", str(lanes)),
        *("--queues", "dagster"),
        *("--loglevel", "WARNING"),
        "--without-gossip",
        "--without-mingle",
    ]


def worker_name(name: str | None) -> str:
    """A worker's name among all; by default of the host, which has one worker."""
    return f"{name or 'lanes'}@{socket.gethostname()}"


def worker_answers(settings: Settings, *, name: str | None, within_s: float) -> bool:
    """Whether the worker is up and hears its broker."""
    control = celery_app(settings).control
    return bool(control.ping(destination=[worker_name(name)], timeout=within_s))


def _lane_task(stopping: Event) -> type[Task]:
    class LaneTask(Task):  # type: ignore[misc] # Celery is not annotated
        """dagster-celery's task for a step, with signs of life."""

        def __call__(self, *args: Any, **keywords: Any) -> list[str]:
            is_worker.set()
            with _signs_of_life(self, stopping):
                try:
                    return _without_observations(super().__call__(*args, **keywords))
                except dg.DagsterExecutionInterruptedError:
                    # The upload was cancelled. Let through, it would end the pool's process.
                    return []

    return LaneTask


@contextlib.contextmanager
def _signs_of_life(task: Task, stopping: Event) -> Iterator[None]:
    task_id = task.request.id
    done = threading.Event()

    def sign() -> None:
        signs = 0
        while not done.is_set():
            if stopping.is_set():
                worker_is_stopping.set()
            signs += 1
            try:
                task.update_state(task_id=task_id, state=_ASKING, meta={"signs": signs})
            except (CeleryError, KombuError, RedisError, OSError) as error:
                logging.getLogger(__name__).warning("no sign of life: %s", type(error).__name__)
            done.wait(_SIGN_EVERY_S)

    thread = threading.Thread(target=sign, name="signs-of-life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _without_observations(events: list[str]) -> list[str]:
    """Progress is in the event log already, and of a long lane it would fill the broker."""
    observation = dg.DagsterEventType.ASSET_OBSERVATION
    return [
        event
        for event in events
        if deserialize_value(event, dg.DagsterEvent).event_type != observation
    ]
