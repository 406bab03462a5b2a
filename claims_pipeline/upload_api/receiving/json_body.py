"""JSON bodies, read after the caller is known and only so far.

FastAPI would read a body of any size before it asks who sends it.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from claims_pipeline.upload_api.access.caller import Caller
from claims_pipeline.upload_api.http.problems import ApiError

_MAX_BYTES = 64 * 1024

_Model = TypeVar("_Model", bound=BaseModel)


def json_body(model: type[_Model]) -> Callable[[Request, Caller], Awaitable[_Model]]:
    """A dependency that reads the body as this model; an empty body is an empty object.

    Raises, when it is asked:
        ApiError: 413 `too_large`.
        RequestValidationError: it is no JSON object or does not fit the model.

    """

    async def read(request: Request, _caller: Caller) -> _Model:
        raw = await limited_body(request)
        try:
            return model.model_validate(json.loads(raw or b"{}"))
        except ValidationError as error:
            places = error.errors(include_input=False, include_url=False, include_context=False)
            raise RequestValidationError(
                [{**place, "loc": ("body", *place["loc"])} for place in places]
            ) from None
        except (ValueError, RecursionError):
            raise RequestValidationError([{"loc": ("body",), "type": "json_invalid"}]) from None

    return read


def documented_body(model: type[BaseModel], *, example: dict[str, Any]) -> dict[str, Any]:
    """The same body for the OpenAPI document, which does not see what a dependency reads."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {
        "requestBody": {"content": {"application/json": {"schema": schema, "example": example}}}
    }


async def limited_body(request: Request) -> bytes:
    """A small body, read only so far.

    Raises:
        ApiError: 413 `too_large`.

    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BYTES:
            raise ApiError(413, "too_large", f"Send a body of at most {_MAX_BYTES} bytes.")
    return bytes(body)
