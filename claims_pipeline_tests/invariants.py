"""The promises that hold for an upload after every fault, kill, cancellation and retry.

`broken_promises` asks the database, the file store and the watched folders, never the code that is
tested, and names what does not hold. The numbers are those of docs/reliability.md.
"""

import csv
import io
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, exists, func, select

from claims_pipeline.folders.result_files import file_keys, outcomes_in_file
from claims_pipeline.model import ChangeKind, Outcome
from claims_pipeline.store import attempts, tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.files import FileStore
from claims_pipeline.store.rows import results
from claims_pipeline.store.uploads import Upload, get_upload

Settled = Mapping[str, datetime | None]


def broken_promises(engine: Engine, files: FileStore, upload_id: str) -> list[str]:
    """What does not hold for an upload that has ended; empty when all is well.

    I1 every record of the file, counted here, has one outcome or was left out (I2 is a primary
    key), I3 the upload has ended, I5 the results file holds the table's rows, I7 no query is under
    way. Of a followed upload whose answers were told, each was told, and no claim was new twice.
    """
    upload = get_upload(engine, upload_id)
    if upload is None:
        return ["I4: the upload is gone"]
    broken = []
    if not upload.status.is_terminal:
        broken.append(f"I3: the upload is {upload.status}")
    latest = attempts.latest_attempt(engine, upload_id)
    if latest is None or latest.state != "finished" or latest.status is not upload.status:
        broken.append("I3: the attempt does not stand as its upload does")
    broken += [f"I1: {code}" for code in results.verify_results(engine, upload_id)]
    if latest is not None and latest.rows_stored:
        records = records_in(files, upload)
        accounted = upload.counts.with_outcome + upload.left_out_count
        if records != accounted:
            broken.append(f"I1: the file has {records} records, {accounted} are accounted for")
    if upload.counts.with_outcome != upload.counts.total:
        broken.append(f"I1: {upload.counts.with_outcome} of {upload.counts.total} rows ended")
    if latest is not None and latest.rows_stored:
        broken += _files_that_differ(engine, files, upload)
    with reading(engine) as connection:
        under_way = select(func.count()).where(
            tables.queries.c.upload_id == upload_id,
            tables.queries.c.state.in_(("planned", "leased")),
        )
        if connection.execute(under_way).scalar_one():
            broken.append("I7: queries are under way for an upload that has ended")
        broken += _told_otherwise_than_once(connection, upload)
    return broken


def _told_otherwise_than_once(connection: Connection, upload: Upload) -> list[str]:
    attempt = tables.attempts.c
    query = select(attempt.followed_at).where(attempt.id == upload.attempt_id)
    if connection.execute(query).scalar_one() is None:
        return []
    broken = []
    results_of, checks = tables.results.c, tables.claim_checks.c
    is_told = exists().where(
        checks.upload_id == results_of.upload_id,
        checks.row_number == results_of.row_number,
        checks.attempt == results_of.attempt,
    )
    untold = select(func.count()).where(
        results_of.upload_id == upload.id, results_of.is_current.is_(True), ~is_told
    )
    if count := connection.execute(untold).scalar_one():
        broken.append(f"follow-up: {count} answers were told of no claim")
    changes = tables.claim_changes.c
    twice = (
        select(changes.tracked_id)
        .where(changes.kind == ChangeKind.NEW)
        .group_by(changes.tracked_id)
        .having(func.count() > 1)
    )
    if connection.execute(twice.limit(1)).first() is not None:
        broken.append("follow-up: a claim was told as new twice")
    return broken


def records_in(files: FileStore, upload: Upload) -> int:
    """Records of the uploaded file by the standard library alone, for a plain CSV in UTF-8."""
    with files.open(upload.file_key) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        return sum(1 for row in csv.reader(text) if any(row)) - 1


def settled_queries(engine: Engine, upload_id: str) -> Settled:
    """When each query of the upload that the payer has answered was settled."""
    columns = tables.queries.c
    query = select(columns.id, columns.settled_at).where(
        columns.upload_id == upload_id, columns.state == "settled"
    )
    with reading(engine) as connection:
        return dict(connection.execute(query).tuples().all())


def asked_again(before: Settled, after: Settled) -> list[str]:
    """Queries that were settled before and have not stayed so (I8)."""
    return [
        f"I8: a settled query was asked again ({query_id})"
        for query_id, settled_at in before.items()
        if after.get(query_id) != settled_at
    ]


def pages_read(engine: Engine, upload_id: str) -> int:
    """Pages of all settled queries: the search calls that were needed."""
    columns = tables.queries.c
    query = select(func.coalesce(func.sum(columns.pages), 0)).where(
        columns.upload_id == upload_id, columns.state == "settled"
    )
    with reading(engine) as connection:
        return int(connection.execute(query).scalar_one())


def most_pages_of_a_query(engine: Engine, upload_id: str) -> int:
    """What one query that is asked again may cost in search calls."""
    columns = tables.queries.c
    query = select(func.coalesce(func.max(columns.pages), 1)).where(columns.upload_id == upload_id)
    with reading(engine) as connection:
        return max(1, int(connection.execute(query).scalar_one()))


def was_asked(engine: Engine, upload_id: str) -> bool:
    """Whether a query of the upload has been sent, or is about to be."""
    columns = tables.queries.c
    query = select(columns.id).where(columns.upload_id == upload_id, columns.state != "planned")
    with reading(engine) as connection:
        return connection.execute(query.limit(1)).first() is not None


def outbox_files(outbox: Path, upload_id: str) -> Counter[str]:
    """Complete files in the outbox for this upload, by their ending; hidden ones count as such."""
    return Counter(
        "hidden" if path.name.startswith(".") else path.name.partition(f"-{upload_id[:8]}.")[2]
        for path in outbox.rglob(f"*-{upload_id[:8]}.*")
    )


def _files_that_differ(engine: Engine, files: FileStore, upload: Upload) -> list[str]:
    key = file_keys(upload).results_csv
    if not files.exists(key):
        return ["I5: there is no results file"]
    counts = results.count_outcomes(engine, upload.id)
    in_table = {str(outcome): number for outcome in Outcome if (number := getattr(counts, outcome))}
    if dict(outcomes_in_file(files, key)) != in_table:
        return ["I5: the results file and the results table differ"]
    return []
