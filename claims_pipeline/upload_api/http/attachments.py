"""Answers that are files: their headers, under a name made from the upload's own."""

import re
from collections.abc import Iterator
from itertools import chain
from urllib.parse import quote

from fastapi.responses import StreamingResponse

CSV = "text/csv; charset=utf-8"
TEXT = "text/tab-separated-values; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_LONGEST_STEM = 120
_NAMELESS = "upload"
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,4}$")
# What no file system or header takes well, or what hides what a name ends in.
_UNSAFE = re.compile(r'[/\\:*?"<>|;%]')


def attachment(
    chunks: Iterator[bytes], *, media_type: str, file_name: str, ending: str
) -> StreamingResponse:
    """A file to be saved as the upload's name with this ending, such as `.results.csv`.

    The first piece is made before the answer begins, so that what goes wrong until then is told by
    a status. The iterator is closed when the client has gone.
    """
    first = next(chunks, b"")
    return StreamingResponse(
        chain((first,), chunks),
        media_type=media_type,
        headers={
            "Content-Disposition": content_disposition(file_name, ending),
            "Cache-Control": "no-store",
        },
    )


def content_disposition(file_name: str, ending: str) -> str:
    """The header by RFC 6266: the name in full, and in ASCII for old clients."""
    name = f"{_stem(file_name)}{ending}"
    plain = "".join(c if c.isascii() else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _stem(file_name: str) -> str:
    visible = "".join(c for c in file_name if c.isprintable())
    stem = _EXTENSION.sub("", _UNSAFE.sub("_", visible)).strip(" .")
    # A cut may leave a part of a character; what cannot be written is left out.
    return stem[:_LONGEST_STEM].encode("utf-8", "ignore").decode() or _NAMELESS
