"""The Celery application that runs and workers share: dagster-celery's, with our terms."""

from datetime import timedelta
from typing import Any

from celery import Celery
from dagster._core.execution.retries import RetryMode
from dagster_celery.executor import CeleryExecutor
from dagster_celery.make_app import make_app

from claims_pipeline.settings import Settings

# Longer than any run may take (max_runtime_seconds in dagster.yaml): Redis hands a task out again
# when it has not been acknowledged for this long, whether its worker lives or not.
_REDELIVER_AFTER = timedelta(days=2)
_ANSWERS_WITHIN_S = 5.0

_TERMS: dict[str, Any] = {
    # A worker takes no lane that it has no free process for; another worker may have one.
    "task_acks_late": True,
    "worker_prefetch_multiplier": 1,
    "broker_connection_retry_on_startup": True,
    "broker_transport_options": {
        "visibility_timeout": _REDELIVER_AFTER.total_seconds(),
        "socket_timeout": _ANSWERS_WITHIN_S,
        "socket_connect_timeout": _ANSWERS_WITHIN_S,
    },
    # A broker that is away costs a run seconds: it carries its lanes out itself.
    "task_publish_retry_policy": {"max_retries": 2, "interval_start": 0.2, "interval_step": 0.5},
    "result_backend_transport_options": {"retry_policy": {"timeout": _ANSWERS_WITHIN_S}},
    "redis_socket_timeout": _ANSWERS_WITHIN_S,
    "redis_socket_connect_timeout": _ANSWERS_WITHIN_S,
    "result_expires": _REDELIVER_AFTER,
}


def celery_terms(settings: Settings) -> dict[str, Any]:
    """What dagster-celery's executor is made with.

    The backend, where workers say that they live and what became of a lane, is the broker unless
    a setting says otherwise: Redis can be both.

    Raises:
        SettingsError: `setting_missing` without a broker.

    """
    broker = settings.required("celery_broker_url")
    backend = settings.celery_backend_url
    return {
        "retries": RetryMode.DISABLED,
        "broker": broker,
        "backend": backend.get_secret_value() if backend else broker,
        "config_source": _TERMS,
    }


def celery_app(settings: Settings) -> Celery:
    """The application; connects to nothing yet."""
    return make_app(CeleryExecutor(**celery_terms(settings)).app_args())
