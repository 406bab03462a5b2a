"""Before handing in a file: templates to begin with, and a check of what is there."""

from collections.abc import Iterable
from typing import Annotated, Self

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from claims_pipeline.intake import ROW_ERRORS, ColumnReading
from claims_pipeline.upload_api.access.caller import Caller, CallerServices
from claims_pipeline.upload_api.access.uploads import require_upload_role
from claims_pipeline.upload_api.openapi.form_document import FORM_BODY
from claims_pipeline.upload_api.receiving.verifying import (
    MOST_REJECTED_ROWS,
    VerifiedForm,
    verify_file,
)
from claims_pipeline.upload_api.uploads.templates import Shape, template_response

router = APIRouter()


class FileErrorJson(BaseModel):
    """Why the whole file cannot be taken, and what to do."""

    code: str
    message: str


class RowErrorJson(BaseModel):
    """A row that cannot be asked: where, why, and what to do. It repeats nothing of the row."""

    row_number: int
    line_number: int
    column: str | None
    header: str | None
    code: str
    message: str


class ErrorGroupJson(BaseModel):
    """Rows with the same fault: how many of all, and the lines of the first ten."""

    code: str
    column: str | None
    header: str | None
    message: str
    rows: int
    line_numbers: list[int]


class ColumnJson(BaseModel):
    """A column of the file, and what it was read as.

    `may_be` is set where somebody has to decide: send `column_map` with what the column is.
    """

    header: str
    read_as: str | None
    may_be: str | None

    @classmethod
    def all_of(cls, readings: Iterable[ColumnReading]) -> list[Self]:
        """The JSON of each column."""
        return [
            cls(header=read.header, read_as=read.read_as, may_be=read.may_be) for read in readings
        ]


class LeftOutJson(BaseModel):
    """A line of the file that is no row, and why."""

    line_number: int
    reason: str


class WarningJson(BaseModel):
    """Something to know about the file, how often it is there, and its first lines."""

    code: str
    message: str
    count: int
    line_numbers: list[int]


class PlanJson(BaseModel):
    """Search calls that are expected in all, beside the two plain ways to ask.

    `least_calls` and `most_calls` are apart where practices were never asked about.
    `detail_calls` come on top. `minutes` is waiting for the payer at the most that a call usually
    takes, `least_minutes` at the least; they are one where the payer was asked before.
    """

    queries: int
    estimated_calls: int
    least_calls: int
    most_calls: int
    one_per_row_calls: int
    sweep_calls: int
    detail_calls: int
    minutes: float
    least_minutes: float
    reasons: dict[str, int]


class RowsOfPayerJson(BaseModel):
    """Rows that name a payer. Without a channel it is not connected, and they are rejected.

    `calls` are the searches expected for them, `price` what those cost in US dollars.
    """

    payer: str
    channel: str | None
    rows: int
    calls: int
    price: float


class VerifyJson(BaseModel):
    """What a file holds and what asking it would cost.

    `errors` are the first hundred, unless all are asked for; `error_groups` count all of them, the
    most frequent fault first. `left_out` are the first ten thousand of `left_out_lines`.
    `duplicate_of` is the latest upload of the very same content that the caller may see.
    """

    total_rows: int
    accepted_rows: int
    rejected_rows: int
    duplicate_rows: int
    file_error: FileErrorJson | None
    columns: list[ColumnJson]
    left_out: list[LeftOutJson]
    left_out_lines: int
    errors: list[RowErrorJson]
    error_groups: list[ErrorGroupJson]
    warnings: list[WarningJson]
    payers: list[RowsOfPayerJson]
    plan: PlanJson
    duplicate_of: str | None

    @classmethod
    def of(cls, verified: VerifiedForm) -> Self:
        """The JSON of the findings."""
        found = verified.found
        error = found.file_error
        plan = found.plan
        return cls(
            total_rows=found.accepted + found.rejected_rows,
            accepted_rows=found.accepted,
            rejected_rows=found.rejected_rows,
            duplicate_rows=found.duplicates,
            file_error=error and FileErrorJson(code=error.code, message=error.message),
            columns=ColumnJson.all_of(found.column_readings),
            left_out=[
                LeftOutJson(line_number=left.line_number, reason=left.reason)
                for left in found.left_out
            ],
            left_out_lines=found.left_out_lines,
            errors=[
                RowErrorJson(
                    row_number=row.row_number,
                    line_number=row.line_number,
                    column=row.column,
                    header=found.header_of(row.column),
                    code=row.code,
                    message=row.message,
                )
                for row in found.rejected
            ],
            error_groups=[
                ErrorGroupJson(
                    code=group.code,
                    column=group.column,
                    header=found.header_of(group.column),
                    message=ROW_ERRORS[group.code],
                    rows=group.rows,
                    line_numbers=list(group.line_numbers),
                )
                for group in found.error_groups
            ],
            warnings=[
                WarningJson(
                    code=item.code,
                    message=item.message,
                    count=item.count,
                    line_numbers=list(item.line_numbers),
                )
                for item in found.warnings
            ],
            payers=[
                RowsOfPayerJson(
                    payer=share.payer,
                    channel=share.channel,
                    rows=share.rows,
                    calls=share.calls,
                    price=float(share.price),
                )
                for share in found.payers
            ],
            plan=PlanJson(
                queries=plan.queries,
                estimated_calls=plan.estimated_calls,
                least_calls=plan.least_calls,
                most_calls=plan.most_calls,
                one_per_row_calls=plan.one_per_row_calls,
                sweep_calls=plan.sweep_calls,
                detail_calls=plan.detail_calls,
                minutes=round(plan.minutes, 1),
                least_minutes=round(plan.least_minutes, 1),
                reasons=dict(plan.reasons),
            ),
            duplicate_of=verified.earlier and verified.earlier.id,
        )


@router.post(
    "/verify",
    summary="Check a CSV",
    openapi_extra=FORM_BODY,
)
async def verify_csv(
    request: Request,
    services: CallerServices,
    caller: Caller,
    *,
    all_errors: Annotated[
        bool, Query(description="Every rejected row, not the first 100.")
    ] = False,
) -> VerifyJson:
    """What an upload of this form would find and plan. Asks no payer and keeps nothing.

    A file that cannot be taken as a whole is no error here: `file_error` says why.
    """
    verified = await verify_file(
        request, services, caller, most_rejected=None if all_errors else MOST_REJECTED_ROWS
    )
    return VerifyJson.of(verified)


@router.get(
    "/template.csv",
    summary="Get a CSV to begin with",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}},
)
def get_template(
    services: CallerServices, caller: Caller, shape: Annotated[Shape, Query()] = Shape.CLAIMS
) -> Response:
    """Two made-up rows of this shape, which upload as they are."""
    require_upload_role(services, caller)
    return template_response(services, caller.organization_id, shape)
