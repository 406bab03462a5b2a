"""Errors as RFC 9457 problem documents, one shape on every path.

A body is `{type, title, status, code, detail, error, request_id}`: `code` is stable and meant for
programs, `detail` is a sentence for people, `error` the same text for older clients. Nothing in it
repeats what was sent.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, ENOSPC
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from claims_pipeline.errors import (
    ClaimsError,
    FileRefusedError,
    FilesUnreachableError,
    InputError,
    described_without_values,
)

MEDIA_TYPE = "application/problem+json"
_LOGGER = logging.getLogger(__name__)

_NO_SPACE = frozenset({ENOSPC, EDQUOT, EFBIG})
_STATUS_OF_INPUT_ERROR = {
    "upload_unknown": 404,
    "still_running": 409,
    "nothing_to_retry": 409,
    "already_ended": 409,
    "claim_unknown": 404,
    "nothing_to_decide": 409,
    "nothing_to_undo": 409,
    "candidate_unknown": 409,
}
_CODE_OF_STATUS = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}


class ApiError(ClaimsError):
    """A refusal with its HTTP status; code and message are shown as they are."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.headers = dict(headers or {})


def too_much(code: str, message: str, wait_s: int) -> ApiError:
    """429 with the seconds to wait."""
    return ApiError(429, code, message, headers={"Retry-After": str(wait_s)})


@contextmanager
def storage_errors() -> Iterator[None]:
    """Say errors of the file store as the API does.

    Raises:
        ApiError: 507 `storage_full` or 503 `storage_unavailable`.

    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise ApiError(
                507, "storage_full", "There is no space left for files. Tell the operators."
            ) from None
        raise ApiError(
            503,
            "storage_unavailable",
            "Files cannot be stored right now. Try again in a moment.",
            headers={"Retry-After": "10"},
        ) from None


def problem_response(
    request: Request,
    *,
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The problem document of one refusal; never cached."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "error": detail,
        "request_id": getattr(request.state, "request_id", None),
    }
    return JSONResponse(
        body,
        status_code=status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every error of the app with a problem document."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(ClaimsError, _claims_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(FilesUnreachableError, _files_away)
    for database_error in (OperationalError, InterfaceError, PoolTimeoutError):
        app.add_exception_handler(database_error, _database_away)
    app.add_exception_handler(Exception, _internal_error)


async def _api_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ApiError):
        raise error
    return problem_response(
        request,
        status=error.status,
        code=error.code,
        detail=error.message,
        headers=error.headers,
    )


async def _claims_error(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, InputError) and error.code in _STATUS_OF_INPUT_ERROR:
        status = _STATUS_OF_INPUT_ERROR[error.code]
    elif isinstance(error, InputError | FileRefusedError):
        status = 422
    else:
        return await _internal_error(request, error)
    return problem_response(request, status=status, code=error.code, detail=error.message)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    # Names of parameters only: what was sent for them may be a patient's data.
    names = sorted({".".join(str(part) for part in item["loc"][1:2]) for item in error.errors()})
    return problem_response(
        request,
        status=422,
        code="parameter_invalid",
        detail=f"Check these parameters: {', '.join(name or 'body' for name in names)}.",
    )


async def _http_exception(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    phrase = HTTPStatus(error.status_code).phrase
    return problem_response(
        request,
        status=error.status_code,
        code=_CODE_OF_STATUS.get(error.status_code, phrase.lower().replace(" ", "_")),
        detail=f"{phrase}.",
        headers=error.headers,
    )


async def _files_away(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, FilesUnreachableError):
        raise error
    return problem_response(
        request,
        status=503,
        code=error.code,
        detail=error.message,
        headers={"Retry-After": "10"},
    )


async def _database_away(request: Request, error: Exception) -> JSONResponse:
    _LOGGER.error("the database does not answer: %s", described_without_values(error))
    return problem_response(
        request,
        status=503,
        code="database_unavailable",
        detail="The database is not answering right now. Try again in a moment.",
        headers={"Retry-After": "10"},
    )


async def _internal_error(request: Request, error: Exception) -> JSONResponse:
    _LOGGER.error("request failed: %s", described_without_values(error))
    return problem_response(
        request,
        status=500,
        code="internal_error",
        detail="Something went wrong on our side. Tell the operators the request id.",
    )
