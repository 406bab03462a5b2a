"""What became of an upload's rows: answers and rejected rows, as pages and as files."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from claims_pipeline.store.rows.filters import ResultFilter
from claims_pipeline.store.rows.pages import (
    RowOrder,
    page_of_rejected_rows,
    page_of_results,
)
from claims_pipeline.store.uploads import Upload
from claims_pipeline.upload_api.access.auditing import Action, record
from claims_pipeline.upload_api.access.caller import Caller, CallerServices
from claims_pipeline.upload_api.access.uploads import upload_for
from claims_pipeline.upload_api.http.attachments import CSV, XLSX, attachment
from claims_pipeline.upload_api.http.paging import links
from claims_pipeline.upload_api.http.parameters import PageNumber, PageSize, SearchText
from claims_pipeline.upload_api.receiving.json_body import documented_body, json_body
from claims_pipeline.upload_api.schemas.results import (
    RejectedRowJson,
    RejectedRowListJson,
    ResultJson,
    ResultListJson,
)
from claims_pipeline.upload_api.services import Services
from claims_pipeline.upload_api.uploads.downloads import (
    filtered_csv,
    filtered_lines_csv,
    lines_csv,
    rejected_rows_file,
    results_csv,
    results_xlsx,
)
from claims_pipeline.upload_api.uploads.result_filters import AskedResults

router = APIRouter()


class PageFormat(StrEnum):
    """JSON by pages, or everything as one CSV: of the results, or of their service lines."""

    JSON = "json"
    CSV = "csv"
    LINES = "lines"


class FileFormat(StrEnum):
    """What kind of file the results are written to."""

    CSV = "csv"
    XLSX = "xlsx"
    LINES = "lines"


class ResultQuery(AskedResults):
    """Which rows, and which page of them."""

    page: PageNumber = 1
    page_size: PageSize = 50
    order: RowOrder = RowOrder.FILE


class ResultSearch(ResultQuery):
    """As the filters, and words of names or numbers, each of which the row must have."""

    search: SearchText = Field(min_length=1, repr=False)


@router.get(
    "/{upload_id}/results",
    summary="Show results",
    response_model=ResultListJson,
    responses={200: {"content": {"text/csv": {}}}},
)
def list_results(
    *,
    request: Request,
    upload_id: str,
    services: CallerServices,
    caller: Caller,
    query: Annotated[ResultQuery, Query()],
    page_format: Annotated[PageFormat | None, Query(alias="format")] = None,
) -> ResultListJson | StreamingResponse:
    """Rows with their answers, in the file's order; rows that are still open are `unprocessed`.

    With `format=csv`, or when only `text/csv` is accepted, all wanted rows as one file instead;
    with `format=lines` the service lines of their claims.
    """
    upload = upload_for(services, caller, upload_id)
    if page_format is PageFormat.LINES:
        record(services, caller, Action.DOWNLOAD, upload.id)
        return attachment(
            filtered_lines_csv(services, upload, _filter(query)),
            media_type=CSV,
            file_name=upload.file_name,
            ending=".lines.csv",
        )
    if page_format is PageFormat.CSV or (page_format is None and _wants_csv(request)):
        record(services, caller, Action.DOWNLOAD, upload.id)
        return attachment(
            filtered_csv(services, upload, _filter(query)),
            media_type=CSV,
            file_name=upload.file_name,
            ending=".results.csv",
        )
    record(services, caller, Action.VIEW, upload.id)
    return _page(request, services, upload, query)


@router.post(
    "/{upload_id}/results/search",
    summary="Search results",
    openapi_extra=documented_body(ResultSearch, example={"search": "example FH0000"}),
)
def search_results(
    request: Request,
    upload_id: str,
    services: CallerServices,
    caller: Caller,
    query: Annotated[ResultSearch, Depends(json_body(ResultSearch))],
) -> ResultListJson:
    """Rows of which every word of `search` is part of a name or number.

    Numbers are claim, account and subscriber numbers, those of the payer's claims too.
    """
    upload = upload_for(services, caller, upload_id)
    record(services, caller, Action.VIEW, upload.id)
    return _page(request, services, upload, query, search=query.search)


@router.get(
    "/{upload_id}/download_results",
    summary="Download results",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}, XLSX: {}}}},
)
def download_results(
    upload_id: str,
    services: CallerServices,
    caller: Caller,
    file_format: Annotated[FileFormat, Query(alias="format")] = FileFormat.CSV,
) -> StreamingResponse:
    """The results as a file, at any time: rows that are still open are `unprocessed` in it.

    `lines` is a CSV of the service lines of their claims. Uploads above `CLAIMS_WORKBOOK_MAX_ROWS`
    have no workbook.
    """
    upload = upload_for(services, caller, upload_id)
    made_by, media_type, ending = _FILES[file_format]
    chunks = made_by(services, upload)
    record(services, caller, Action.DOWNLOAD, upload.id)
    return attachment(chunks, media_type=media_type, file_name=upload.file_name, ending=ending)


@router.get(
    "/{upload_id}/rejected_rows",
    summary="Download or show rejected rows",
    response_model=RejectedRowListJson,
    responses={200: {"content": {"text/csv": {}}}},
)
def get_rejected_rows(
    *,
    request: Request,
    upload_id: str,
    services: CallerServices,
    caller: Caller,
    page: Annotated[PageNumber, Query()] = 1,
    page_size: Annotated[PageSize, Query()] = 50,
    page_format: Annotated[PageFormat, Query(alias="format")] = PageFormat.CSV,
) -> RejectedRowListJson | StreamingResponse:
    """The rows that cannot be asked, with the reason: a CSV to correct and upload as it is.

    With `format=json`, a page of them.
    """
    upload = upload_for(services, caller, upload_id)
    if page_format is PageFormat.CSV:
        record(services, caller, Action.DOWNLOAD, upload.id)
        return attachment(
            rejected_rows_file(services, upload),
            media_type=CSV,
            file_name=upload.file_name,
            ending=".rejected.csv",
        )
    record(services, caller, Action.VIEW, upload.id)
    found = page_of_rejected_rows(services.engine, upload.id, page=page, page_size=page_size)
    around = links(request, page=page, page_size=page_size, count=found.total)
    return RejectedRowListJson(
        count=found.total,
        next=around.next,
        previous=around.previous,
        columns=upload.header or (),
        results=RejectedRowJson.all_of(found.rows),
    )


_FILES = {
    FileFormat.CSV: (results_csv, CSV, ".results.csv"),
    FileFormat.XLSX: (results_xlsx, XLSX, ".results.xlsx"),
    FileFormat.LINES: (lines_csv, CSV, ".lines.csv"),
}


def _page(
    request: Request,
    services: Services,
    upload: Upload,
    query: ResultQuery,
    *,
    search: str | None = None,
) -> ResultListJson:
    found = page_of_results(
        services.engine,
        upload.id,
        _filter(query, search=search),
        page=query.page,
        page_size=query.page_size,
        order=query.order,
    )
    around = links(request, page=query.page, page_size=query.page_size, count=found.total)
    return ResultListJson(
        count=found.total,
        claims=found.claims,
        next=around.next,
        previous=around.previous,
        columns=upload.header or (),
        results=[ResultJson.of(row) for row in found.rows],
    )


def _filter(query: ResultQuery, *, search: str | None = None) -> ResultFilter:
    return query.filter(today=datetime.now(UTC).date(), search=search)


def _wants_csv(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    kinds = {kind.partition(";")[0].strip().lower() for kind in accepted.split(",")}
    return "text/csv" in kinds and "application/json" not in kinds
