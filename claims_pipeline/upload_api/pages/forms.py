"""Small forms that pages post, read after the reader is known and only so far."""

from urllib.parse import parse_qsl

from fastapi import Request

from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.receiving.json_body import limited_body

_MOST_FIELDS = 100


async def posted_fields(request: Request) -> dict[str, str]:
    """The fields of an urlencoded form; of a field that comes twice the last one counts.

    Raises:
        ApiError: 413 `too_large` or 422 `form_invalid`.

    """
    body = await limited_body(request)
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="replace"
        )
    except ValueError:
        raise ApiError(422, "form_invalid", "The form cannot be read. Send it again.") from None
    return dict(pairs)
