"""How fast the API answers on PostgreSQL with 10,000 uploads and 1,000,000 rows with answers.

The API signs in as production's role `claims_api`, so row-level security is on. At the end stands
which tables were read from end to end: those lack an index for what was asked.

python -m benchmarks.api_at_size [--quick]
"""

import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from rich.console import Console
from rich.table import Table as Printed
from sqlalchemy import Engine, Table, text

from benchmarks.api import JOBS, TIMEOUT_S, Client, Timed, fill, getting, history, served, show
from benchmarks.stage import Size, payer_process, stage
from claims_pipeline.model import Claim
from claims_pipeline.store import tables
from claims_pipeline.store.codec import claim_to_json
from claims_pipeline.store.database import writing
from claims_pipeline_tests.services import postgresql_server
from claims_pipeline_tests.store.roles import RolesDatabase
from claims_pipeline_tests.upload_api.keycloak.issuer import running_issuer

_UPLOADS = 10_000
_ROWS = 90
# One upload is large: its pages and filters are where a missing index shows.
_ROWS_OF_THE_LARGEST = 100_000
_NAMES = 500
# Of so many uploads all others are copies with a name and a time of their own: users, payers and
# options are theirs.
_TEMPLATES = 20
# What one answered row brings: `{rows}` of them for each upload that `{which}` names.
_REQUESTS = """
INSERT INTO requests (
    upload_id, row_number, organization_id, line_number, practice_id, tin, payer_id, first_name,
    last_name, date_of_birth, patient_key, claim_number, service_from, service_to, cells, is_open,
    single_only)
SELECT uploads.id, number, uploads.organization_id, number + 1, '1', '000000001', '87726',
    'FIRST' || number % :names, 'LAST' || number % 7, DATE '1950-01-01' + number % 9999, number,
    'FH' || lpad(number::text, 8, '0'), DATE '2026-01-01' + number % 300,
    DATE '2026-01-01' + number % 300, '["a", "b", "c", "d"]', false, false
FROM uploads, generate_series(1, :rows) AS number WHERE (uploads.id = :largest) = :is_largest
"""
_RESULTS = """
INSERT INTO results (
    upload_id, row_number, attempt, organization_id, is_current, outcome, claim_status,
    next_action, searched_from, searched_to, search, checked_at)
SELECT upload_id, row_number, 1, organization_id, true,
    CASE WHEN row_number % 10 < 7 THEN 'found' WHEN row_number % 10 < 9 THEN 'not_found'
        ELSE 'ambiguous' END,
    CASE WHEN row_number % 10 < 7 THEN 'PAID' END, 'none', service_from, service_to, 'single', now()
FROM requests
"""
_CLAIMS = """
INSERT INTO claims (
    upload_id, row_number, attempt, identity, organization_id, match_number, is_primary,
    claim_status, total_charged, service_from, body)
SELECT upload_id, row_number, 1, md5(row_number::text), results.organization_id, 1, true, 'PAID',
    10000, service_from, CAST(:body AS json)
FROM results JOIN requests USING (upload_id, row_number) WHERE outcome = 'found'
"""
_UPLOADS_ARE_OVER = """
UPDATE uploads SET status = 'COMPLETED', header = '["a", "b", "c", "d"]',
    total_rows = counts.rows, found_count = counts.found, not_found_count = counts.not_found,
    ambiguous_count = counts.ambiguous, processing_completed_at = created_at
FROM (SELECT upload_id, count(*) AS rows,
        count(*) FILTER (WHERE outcome = 'found') AS found,
        count(*) FILTER (WHERE outcome = 'not_found') AS not_found,
        count(*) FILTER (WHERE outcome = 'ambiguous') AS ambiguous
    FROM results GROUP BY upload_id) AS counts
WHERE uploads.id = counts.upload_id
"""
_ATTEMPTS_ARE_OVER = """
UPDATE attempts SET state = 'finished', status = 'COMPLETED', rows_stored = true,
    started_at = created_at, finished_at = created_at, files_written_at = created_at
"""
_COPIED_UPLOADS = {
    "id": "gen_random_uuid()",
    "file_name": "template.file_name || ' ' || copy",
    "file_key": "template.file_key || copy",
    "created_at": "template.created_at + make_interval(mins => 200 * copy)",
}
_COPIED_ATTEMPTS = {"id": "gen_random_uuid()", "upload_id": "uploads.id"}
_READ_FROM_END_TO_END = """
SELECT relname, seq_scan, seq_tup_read FROM pg_stat_user_tables
WHERE seq_tup_read > 1000 ORDER BY seq_tup_read DESC
"""


def main() -> int:
    """Measure, and print the tables."""
    is_quick = "--quick" in sys.argv
    count = 30 if is_quick else 100
    with (
        payer_process(latency_ms=100, size=Size()) as sandbox,
        running_issuer() as issuer,
        postgresql_server() as server,
    ):
        database = RolesDatabase(server)
        limits = {"CLAIMS_API_REQUESTS_PER_MINUTE": "1000000"}
        owner_url = server.url_of("claims_owner", database.name)
        settings = {**issuer.settings(), **limits, "CLAIMS_DATABASE_URL": owner_url}
        with stage(sandbox, settings=settings) as used:
            environment = {**used.environment, "CLAIMS_DATABASE_URL": database.api_url}
            fill(used, _TEMPLATES)
            copy_uploads(database.pipeline, (500 if is_quick else _UPLOADS) // _TEMPLATES - 1)
            largest = answer_all(database.pipeline, _ROWS_OF_THE_LARGEST // (20 if is_quick else 1))
            server.run("psql", database.name, "--command", "VACUUM (ANALYZE)")
            with served(dataclasses.replace(used, environment=environment), issuer) as client:
                server.run("psql", database.name, "--command", "SELECT pg_stat_reset()")
                show([*history(client, count=count), *one_upload(client, largest, count=count)])
            show_scans(database.pipeline)
        database.dispose()
    return 0


def copy_uploads(engine: Engine, copies: int) -> None:
    """Copy every upload that often, with its attempt."""
    uploads = _copying(tables.uploads, _COPIED_UPLOADS, "generate_series(1, :copies) AS copy")
    attempts = _copying(tables.attempts, _COPIED_ATTEMPTS, "uploads")
    has_none = "NOT EXISTS (SELECT 1 FROM attempts AS own WHERE own.upload_id = uploads.id)"
    one = "template.id = (SELECT min(id) FROM attempts)"
    with writing(engine) as connection:
        connection.execute(text(uploads), {"copies": copies})
        connection.execute(text(f"{attempts} WHERE {one} AND {has_none}"))


def _copying(table: Table, changed: Mapping[str, str], source: str) -> str:
    """The statement that makes new rows of a table's own rows, `template`, and a source."""
    values = (changed.get(column.name, f"template.{column.name}") for column in table.columns)
    names = ", ".join(column.name for column in table.columns)
    return (
        f"INSERT INTO {table.name} ({names}) SELECT {', '.join(values)} "  # noqa: S608 - ours
        f"FROM {table.name} AS template, {source}"
    )


def answer_all(engine: Engine, rows_of_the_largest: int) -> str:
    """Give every upload its rows, answers and claims; the id of the one that is large."""
    with writing(engine) as connection:
        largest = connection.execute(text("SELECT min(id) FROM uploads")).scalar_one()
        for is_largest, rows in ((False, _ROWS), (True, rows_of_the_largest)):
            values = {"largest": largest, "is_largest": is_largest, "rows": rows, "names": _NAMES}
            connection.execute(text(_REQUESTS), values)
        connection.execute(text(_RESULTS))
        connection.execute(text(_CLAIMS), {"body": _claim()})
        connection.execute(text(_UPLOADS_ARE_OVER))
        connection.execute(text(_ATTEMPTS_ARE_OVER))
    return str(largest)


def _claim() -> str:
    """What is kept of a claim, as large as a real one is."""
    claim = Claim(
        payer_id="87726",
        tin="000000001",
        claim_number="FH00000001",
        patient_first_name="FIRST1",
        patient_last_name="LAST1",
        service_from=date(2026, 1, 1),
        total_charged=Decimal("100.00"),
        total_paid=Decimal("80.00"),
    )
    return json.dumps(claim_to_json(claim))


def one_upload(client: Client, upload_id: str, *, count: int) -> Iterator[Timed]:
    """Status, pages, filters and a search of the largest upload."""
    paths = {
        "status of the largest": f"{JOBS}/{upload_id}",
        "its progress": f"{JOBS}/{upload_id}/progress",
        "its results, first page": f"{JOBS}/{upload_id}/results",
        "its results, page 1,000": f"{JOBS}/{upload_id}/results?page=1000",
        "its results, one outcome": f"{JOBS}/{upload_id}/results?outcome=ambiguous",
    }
    for what, path in paths.items():
        took = [client.timed(getting(path)) for _ in range(count)]
        yield Timed(what=what, promised_ms=300, milliseconds=took)
    yield Timed(
        what="search in its results",
        milliseconds=[
            client.timed(
                lambda session, url: session.post(
                    f"{url}{JOBS}/{upload_id}/results/search",
                    json={"search": "FIRST77 FH00012"},
                    timeout=TIMEOUT_S,
                )
            )
            for _ in range(count // 10)
        ],
    )


def show_scans(engine: Engine) -> None:
    """What was read from end to end while the API was asked."""
    table = Printed(title="Tables read from end to end")
    for name in ("table", "times", "rows"):
        table.add_column(name, justify="left" if name == "table" else "right")
    with engine.connect() as connection:
        for name, times, rows in connection.execute(text(_READ_FROM_END_TO_END)):
            table.add_row(name, str(times), f"{rows:,}")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
