"""The day's changes of an organization's followed claims, where its people look for results."""

import io
from datetime import UTC, date
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine

from claims_pipeline import exports
from claims_pipeline.exports.lines import joined, safe
from claims_pipeline.folders.outbox import CHANGES, write_note
from claims_pipeline.payers.status import NEXT_ACTIONS
from claims_pipeline.results_file.columns import CHANGE_COLUMNS
from claims_pipeline.store.files import make_folder
from claims_pipeline.store.tracked.changes import TrackedChange, changes_of_day

_FROZEN = 7


def write_change_report(
    engine: Engine, outbox: Path, *, organization_id: str, day: date
) -> tuple[Path, Path]:
    """Write the whole day's changes as CSV and workbook, in the place of what was there.

    Written anew by whichever upload brings changes, so that it holds each change once.
    """
    folder = outbox / organization_id
    make_folder(folder)
    paths = (folder / f"{CHANGES}.{day:%Y%m%d}.csv", folder / f"{CHANGES}.{day:%Y%m%d}.xlsx")
    lines = [change_line(change) for change in changes_of_day(engine, organization_id, day)]
    text, book = io.BytesIO(), io.BytesIO()
    with exports.csv_writer(CHANGE_COLUMNS, text, bom=True) as write:
        write(lines)
    # Beside the report: the system's temporary folder is no place for patients' data.
    with TemporaryDirectory(dir=folder, prefix=".") as scratch:
        exports.one_sheet_workbook(
            lines,
            book,
            name="Changes",
            columns=tuple(CHANGE_COLUMNS),
            frozen=_FROZEN,
            scratch=Path(scratch),
        )
    for path, content in zip(paths, (text, book), strict=True):
        content.seek(0)
        write_note(path, content)
    return paths


def change_line(change: TrackedChange) -> exports.Line:
    """A change in the order of `CHANGE_COLUMNS`."""
    claim = change.claim
    cells: dict[str, exports.Cell] = {
        "change_number": change.number,
        "changed": change.kind.value,
        "previous_status": change.previous_status,
        "claim_status": change.status,
        "next_action": NEXT_ACTIONS.get(change.next_action or "", change.next_action),
        "last_name": claim.last_name,
        "first_name": claim.first_name,
        "date_of_birth": claim.date_of_birth,
        "payer_claim_number": claim.claim_number,
        "patient_account_number": claim.patient_account_number,
        "service_from": claim.service_from,
        "service_to": claim.service_to,
        "practice_id": claim.practice_id,
        "tin": claim.tin,
        "payer": claim.payer,
        "total_charged": claim.charged or claim.row_charged,
        "open_amount": change.open_amount,
        "total_paid": change.paid,
        "patient_responsibility": change.patient_owes,
        "denial_codes": joined(claim.denial_codes),
        "remark_codes": joined(claim.remark_codes),
        "act_by": claim.act_by,
        "deadline_rule": claim.deadline_rule,
        "owner": claim.owner,
        "changed_at_utc": f"{change.at.astimezone(UTC):%m/%d/%Y %H:%M:%S}",
        "tracked_claim": claim.id,
    }
    return tuple(
        safe(cell) if isinstance(cell, str) else cell for cell in map(cells.get, CHANGE_COLUMNS)
    )
