"""Upload forms as clients send them, and raw sockets for what no client library would send."""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from claims_pipeline_tests.upload_api.api import Api

UPLOAD = "/api/v1/claims/bulk/upload/"
CSV = b"claim_number,first_name,last_name,date_of_birth\nFH00000001,ADA,EXAMPLE,05/10/1975\n"
_BOUNDARY = "boundary-of-the-test"


def post_csv(
    api: Api,
    content: bytes = CSV,
    *,
    token: str | None = None,
    file_name: str = "worklist.csv",
    headers: Mapping[str, str] | None = None,
    **fields: str,
) -> requests.Response:
    """Upload a file as an analyst of the demo organization does."""
    return api.post(
        UPLOAD,
        token=token or api.issuer.token(),
        files={"file": (file_name, content, "text/csv")},
        data=fields,
        headers=headers,
        timeout=60,
    )


def multipart(*parts: tuple[str, bytes], end: bool = True) -> bytes:
    """A body of parts, each the rest of its Content-Disposition and its content."""
    body = b"".join(
        b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n"
        % (_BOUNDARY.encode(), disposition.encode(), content)
        for disposition, content in parts
    )
    return body + (b"--%s--\r\n" % _BOUNDARY.encode() if end else b"")


def post_body(
    api: Api, body: Any, *, content_type: str | None = None, token: str | None = None
) -> requests.Response:
    """POST these bytes, or an iterator of bytes in chunks, as an upload."""
    return api.post(
        UPLOAD,
        token=token or api.issuer.token(),
        data=body,
        headers={"Content-Type": content_type or f"multipart/form-data; boundary={_BOUNDARY}"},
        timeout=60,
    )


@contextmanager
def half_sent(
    api: Api,
    token: str | None,
    *,
    announced: int,
    sent: bytes,
    headers: Mapping[str, str] | None = None,
    path: str = UPLOAD,
) -> Iterator[socket.socket]:
    """A connection on which an upload has begun: headers and the first bytes of its body."""
    address = urlsplit(api.url)
    assert address.hostname
    assert address.port
    shown = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
    more = "".join(f"{name}: {value}\r\n" for name, value in shown.items())
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\n{more}"
            f"Content-Type: multipart/form-data; boundary={_BOUNDARY}\r\n"
            f"Content-Length: {announced}\r\n\r\n".encode()
        )
        connection.sendall(sent)
        yield connection


def stored_files(api: Api) -> list[Path]:
    """Every file and folder of the file store, unfinished ones too."""
    root = Path(api.settings.resolved_files)
    # Unlike `rglob`, it bears folders that go away meanwhile.
    return [
        Path(folder, name)
        for folder, folders, files in os.walk(root)
        for name in (*files, *(folders if Path(folder).parent == root else ()))
    ]


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is true, half a minute at most."""
    pause = threading.Event()
    for _ in range(300):
        if condition():
            return
        pause.wait(0.1)
    pytest.fail("it did not come to be")
