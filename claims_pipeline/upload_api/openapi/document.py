"""The OpenAPI document: what FastAPI sees of the routes, and what it cannot see of their errors."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from claims_pipeline.upload_api.http.paths import BULK_PREFIX, PROVIDERS_PREFIX
from claims_pipeline.upload_api.http.problems import MEDIA_TYPE
from claims_pipeline.upload_api.openapi.examples import EXAMPLES

_DESCRIPTION = """
Hand in a CSV of claims or patients, follow it, and get an answer from the payer for every row.

Every address also works with a slash at its end, without a redirect. `/api/v1/claims/bulk/jobs` is
another name of `/api/v1/claims/csv-jobs`. A user of several organizations names one in
`X-Organization`. Errors are problem documents (RFC 9457) with a stable `code`.
"""

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "An error: `code` is for programs, `detail` for people; `error` repeats it.",
    "required": ["type", "title", "status", "code", "detail", "error", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "error": {"type": "string"},
        "request_id": {"type": ["string", "null"]},
    },
}
_MEANING = {
    400: "The body ended in the middle (`body_incomplete`).",
    401: "No access token, or none that is good.",
    403: "No organization, an unknown one, or not the role that is needed.",
    404: "There is no such upload or claim, or it is out of the caller's reach.",
    408: "The body stopped coming, or came too slowly (`upload_stalled`, `upload_too_slow`).",
    409: "Not as things stand: it still runs, has ended, or there is nothing to do.",
    410: "The upload of this Idempotency-Key has been deleted (`upload_deleted`).",
    413: "The body is too large.",
    415: "The body is no multipart form (`multipart_required`).",
    422: "A parameter, a field or the file is wrong; nothing was kept.",
    429: "Too many requests, uploads or streams; `Retry-After` says when to come back.",
    500: "An error of ours (`internal_error`).",
    503: "The database, the file store or the identity provider is away.",
    507: "There is no space left for files (`storage_full`).",
}
_HEADERS = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
_ALWAYS = (401, 403, 422, 429, 500, 503)
_OF_A_FORM = (400, 408, 413, 415, 507)
_OF_AN_OPERATION: dict[str, tuple[int, ...]] = {
    "upload_csv": (*_OF_A_FORM, 409, 410),
    "verify_csv": _OF_A_FORM,
    "search_jobs": (413,),
    "search_results": (413,),
    "cancel_job": (409,),
    "retry_job": (409, 413),
    "delete_job": (409,),
    "search_work": (413,),
    "patch_work": (413,),
    "get_followed_claim": (404,),
    "decide_work": (404, 409, 413),
}


class DocumentedApi(FastAPI):
    """An app that tells of its errors too."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = _document(self)
        return self.openapi_schema


def _document(app: FastAPI) -> dict[str, Any]:
    """The document with examples, every error and the schemas that bodies need."""
    document = get_openapi(
        title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes
    )
    schemas = document["components"]["schemas"]
    schemas["Problem"] = _PROBLEM
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path, operation in _protected_operations(document):
        name = operation["operationId"].removeprefix(BULK_PREFIX).removeprefix(PROVIDERS_PREFIX)
        statuses = {*_ALWAYS, *_OF_AN_OPERATION.get(name, ())}
        if "{upload_id}" in path:
            statuses.add(404)
        for status in sorted(statuses):
            operation["responses"][str(status)] = _error(status)
        _give_example(operation, name)
        schemas.update(_lifted_definitions(operation))
    return document


def _protected_operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if operation.get("security"):
                yield path, operation


def _error(status: int) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": _MEANING[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in _HEADERS:
        response["headers"] = {_HEADERS[status]: {"schema": {"type": "string"}}}
    return response


def _give_example(operation: dict[str, Any], name: str) -> None:
    for status, response in operation["responses"].items():
        content = response.get("content", {}).get("application/json")
        if status.startswith("2") and content is not None and name in EXAMPLES:
            content["example"] = EXAMPLES[name]


def _lifted_definitions(operation: dict[str, Any]) -> dict[str, Any]:
    """Definitions that a body brought along, for the place where its references look for them."""
    lifted: dict[str, Any] = {}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        lifted |= content["schema"].pop("$defs", {})
    return lifted
