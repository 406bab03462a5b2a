"""What Dagster shows of an upload beside its events: counts, calls and links, never values."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import dagster as dg
from sqlalchemy import Engine

from claims_pipeline.model import Outcome, OutcomeCounts
from claims_pipeline.settings import Settings
from claims_pipeline.store.attempts import Attempt
from claims_pipeline.store.ledger import payer_calls

Metadata = Mapping[str, dg.MetadataValue]


def counts_metadata(counts: OutcomeCounts) -> Metadata:
    """Rows by outcome, which Dagster plots over the partitions."""
    return {
        "total": dg.MetadataValue.int(counts.total),
        **{each.value: dg.MetadataValue.int(getattr(counts, each.value)) for each in Outcome},
    }


def row_count_metadata(rows: int) -> Metadata:
    """Under the name that Dagster's asset pages look for."""
    return {"dagster/row_count": dg.MetadataValue.int(rows)}


def calls_metadata(engine: Engine, attempt: Attempt, now: datetime) -> Metadata:
    """What an attempt asked: calls, what one call for each row would have been, and seconds."""
    metadata: dict[str, dg.MetadataValue] = {
        "search_calls": dg.MetadataValue.int(attempt.search_calls),
        "one_per_row_calls": dg.MetadataValue.int(attempt.one_per_row_calls),
        "detail_calls": dg.MetadataValue.int(attempt.detail_calls + attempt.payment_calls),
    }
    if attempt.started_at is not None:
        seconds = (now - attempt.started_at).total_seconds()
        metadata["seconds"] = dg.MetadataValue.float(round(seconds, 1))
    latency_p95_s = payer_calls.latency_p95_s(engine, attempt.id)
    if latency_p95_s is not None:
        metadata["payer_p95_s"] = dg.MetadataValue.float(round(latency_p95_s, 3))
    return metadata


def page_metadata(settings: Settings, upload_id: str) -> Metadata:
    """A link to the upload's page, where the settings say where the upload service is."""
    if settings.api_url is None:
        return {}
    address = f"{settings.api_url.rstrip('/')}/uploads/{upload_id}"
    return {"upload_page": dg.MetadataValue.url(address)}


def column_schema(columns: Mapping[str, str] | Iterable[str]) -> Mapping[str, dg.TableSchema]:
    """Definition metadata: names of columns, with descriptions where there are any."""
    described = columns if isinstance(columns, Mapping) else dict.fromkeys(columns)
    return {
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(name=name, description=description)
                for name, description in described.items()
            ]
        )
    }
