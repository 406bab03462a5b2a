"""Figures for Prometheus: HTTP requests of this process, and what the store says of the rest.

No label and no value holds a patient's data. Organizations are not told apart.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from claims_pipeline.store.database import reading
from claims_pipeline.store.web import metrics
from claims_pipeline.store.web.metrics import CallCounts, StoreMetrics

# Worker processes count in files of this folder, which the first process reads.
MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_HTTP = CollectorRegistry()
_REQUESTS = Histogram(
    "claims_http_request_duration_seconds",
    "HTTP requests by method, route and status.",
    ("method", "route", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    registry=_HTTP,
)


def count_request(*, method: str, route: str, status: int, duration_s: float) -> None:
    """Count one answer; `route` is a template, such as `/jobs/{upload_id}`."""
    _REQUESTS.labels(method, route, str(status)).observe(duration_s)


def exposition(store: "StoreCollector") -> bytes:
    """All figures in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(store)
    if MULTIPROCESS_FOLDER in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(registry) + generate_latest(_HTTP)


class StoreCollector(Collector):
    """Reads the store whenever Prometheus asks. One for a process: it counts calls as they come."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._calls = CallCounts()
        self._lock = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """The figures; when the database is away, only that it is."""
        with self._lock:
            try:
                with reading(self._engine) as connection:
                    found = metrics.store_metrics(connection, self._clock())
                    self._calls.count_new(connection)
            except SQLAlchemyError:
                yield _gauge("claims_database_up", "Whether the database answers.", 0)
                return
            yield _gauge("claims_database_up", "Whether the database answers.", 1)
            yield from _of_store(found)
            yield from _of_calls(self._calls)


def _of_store(found: StoreMetrics) -> Iterator[Metric]:
    yield _gauges("claims_uploads", "Uploads by status.", "status", found.uploads_by_status)
    yield _gauge(
        "claims_partitions",
        "Uploads that are kept, each a partition in Dagster, which slows above 33,000.",
        sum(found.uploads_by_status.values()),
    )
    yield _gauges(
        "claims_rows", "Rows of the uploads kept, by outcome.", "outcome", found.rows_by_outcome
    )
    yield _gauges(
        "claims_payer_breakers_open",
        "Organizations for which a payer is left alone because it fails.",
        "payer",
        found.breakers_open,
    )
    yield from _of_partners(found)
    yield _gauge(
        "claims_oldest_pending_upload_age_seconds",
        "How long the oldest upload without a run has waited; 0 when none does.",
        found.oldest_pending_age_s,
    )
    yield _gauge(
        "claims_oldest_heartbeat_age_seconds",
        "Age of the oldest heartbeat of runs at work; 0 when none is.",
        found.oldest_heartbeat_age_s,
    )


def _of_partners(found: StoreMetrics) -> Iterator[Metric]:
    """Inquiries in 276 files, by partner's name; organizations are not told apart."""
    queued: dict[str, int] = {}
    awaited: dict[str, int] = {}
    overdue: dict[str, int] = {}
    for one in found.awaited_of_partners:
        queued[one.partner] = queued.get(one.partner, 0) + one.queued
        awaited[one.partner] = awaited.get(one.partner, 0) + one.awaited
        overdue[one.partner] = overdue.get(one.partner, 0) + one.overdue
    yield _gauges("claims_x12_queued", "Inquiries not sent to a partner yet.", "partner", queued)
    yield _gauges("claims_x12_awaited", "Inquiries without an answer.", "partner", awaited)
    yield _gauges(
        "claims_x12_overdue", "Inquiries without an answer after the deadline.", "partner", overdue
    )


def _of_calls(calls: CallCounts) -> Iterable[Metric]:
    total = CounterMetricFamily(
        "claims_payer_calls",
        "Calls to payers by kind and HTTP status, tries included; none: no answer.",
        labels=("payer", "kind", "status"),
    )
    for (payer, kind, status), count in sorted(calls.by_status.items()):
        total.add_metric((payer, kind, status), count)
    durations = HistogramMetricFamily(
        "claims_payer_call_duration_seconds",
        "How long calls to payers take.",
        labels=("payer", "kind"),
    )
    for (payer, kind), spread in sorted(calls.durations.items()):
        buckets = [(str(bound), float(n)) for bound, n in spread.up_to.items()]
        durations.add_metric((payer, kind), [*buckets, ("+Inf", spread.count)], spread.total_s)
    return total, durations


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _gauges(name: str, text: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family
