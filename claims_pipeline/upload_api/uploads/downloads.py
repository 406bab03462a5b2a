"""An upload's results as files, whole or as far as they are."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO

from claims_pipeline import exports
from claims_pipeline.errors import InputError
from claims_pipeline.folders.result_files import file_keys, has_workbook, name_positions
from claims_pipeline.intake import rejected_rows_csv
from claims_pipeline.model import AnsweredRow
from claims_pipeline.payers.status import NEXT_ACTIONS
from claims_pipeline.store.attempts import latest_attempt
from claims_pipeline.store.rows.filters import ResultFilter
from claims_pipeline.store.rows.pages import iterate_results
from claims_pipeline.store.rows.results import iterate_answered_rows
from claims_pipeline.store.rows.stored import iterate_rejected_rows
from claims_pipeline.store.uploads import Upload
from claims_pipeline.upload_api.services import Services

# More than a clipboard is for; whole lists are downloaded.
MOST_COPIED_ROWS = 5_000
_CHUNK_BYTES = 1 << 18


def results_csv(services: Services, upload: Upload) -> Iterator[bytes]:
    """The results file that the run wrote; else the rows as they stand, open ones unprocessed."""
    stored = _stored(services, upload, file_keys(upload).results_csv)
    if stored is not None:
        return _chunks(stored)
    return _csv(services, upload, iterate_answered_rows(services.engine, upload.id))


def results_xlsx(services: Services, upload: Upload) -> Iterator[bytes]:
    """As `results_csv`, as a workbook; one that is made now lies in the file store meanwhile.

    Raises:
        InputError: `too_many_rows_for_workbook`.

    """
    if not has_workbook(upload, services.settings):
        raise InputError(
            "too_many_rows_for_workbook",
            "The upload has more rows than a workbook is made for. Download the CSV.",
        )
    stored = _stored(services, upload, file_keys(upload).results_xlsx)
    return _made_workbook(services, upload) if stored is None else _chunks(stored)


def lines_csv(services: Services, upload: Upload) -> Iterator[bytes]:
    """As `results_csv`, the service lines of the claims."""
    stored = _stored(services, upload, file_keys(upload).lines_csv)
    if stored is not None:
        return _chunks(stored)
    return exports.service_line_chunks(
        iterate_answered_rows(services.engine, upload.id), bom=services.settings.results_csv_bom
    )


def filtered_lines_csv(services: Services, upload: Upload, wanted: ResultFilter) -> Iterator[bytes]:
    """The service lines of the wanted rows' claims."""
    return exports.service_line_chunks(
        iterate_results(services.engine, upload.id, wanted), bom=services.settings.results_csv_bom
    )


def filtered_csv(services: Services, upload: Upload, wanted: ResultFilter) -> Iterator[bytes]:
    """The wanted rows as they stand."""
    return _csv(services, upload, iterate_results(services.engine, upload.id, wanted))


def copied_rows(services: Services, upload: Upload, wanted: ResultFilter) -> Iterator[bytes]:
    """The first wanted rows as text for the clipboard."""
    rows = iterate_results(services.engine, upload.id, wanted)
    return exports.copied_text(
        islice(rows, MOST_COPIED_ROWS),
        name_positions=name_positions(upload.header or ()),
        next_actions=NEXT_ACTIONS,
    )


def rejected_rows_file(services: Services, upload: Upload) -> Iterator[bytes]:
    """The rows that cannot be asked, to be corrected; a header only when there is none."""
    return rejected_rows_csv(
        upload.header or (),
        iterate_rejected_rows(services.engine, upload.id),
        byte_order_mark=services.settings.results_csv_bom,
    )


def _csv(services: Services, upload: Upload, rows: Iterable[AnsweredRow]) -> Iterator[bytes]:
    return exports.csv_chunks(
        rows,
        upload.header or (),
        next_actions=NEXT_ACTIONS,
        bom=services.settings.results_csv_bom,
    )


def _stored(services: Services, upload: Upload, key: str | None) -> BinaryIO | None:
    """The file, if the latest attempt has written it."""
    attempt = latest_attempt(services.engine, upload.id)
    if key is None or attempt is None or attempt.files_written_at is None:
        return None
    try:
        return services.files.open(key)
    except FileNotFoundError:
        return None


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def _made_workbook(services: Services, upload: Upload) -> Iterator[bytes]:
    with services.files.scratch() as scratch:
        workbook = scratch / "results.xlsx"
        with workbook.open("xb") as stream:
            exports.write_xlsx(
                iterate_answered_rows(services.engine, upload.id),
                upload.header or (),
                stream,
                name_positions=name_positions(upload.header or ()),
                next_actions=NEXT_ACTIONS,
                scratch=scratch,
            )
        yield from _chunks(workbook.open("rb"))
