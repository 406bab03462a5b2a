"""Takes the body of an upload straight into the file store, while it comes.

The caller is known before this is asked. Nothing is kept in memory but a megabyte, nothing is
written anywhere but to the file store, and whatever goes wrong leaves no file behind.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import BinaryIO

from anyio import CancelScope
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from claims_pipeline.intake import PRESCREEN_BYTES, prescreen
from claims_pipeline.store.files import FileStore
from claims_pipeline.upload_api.http.problems import ApiError, storage_errors
from claims_pipeline.upload_api.receiving.multipart import FormReader

_FEED_BYTES = 1 << 20
# What the form may take beside its file.
_FORM_BYTES = 64 * 1024
# A client that sends nothing for so long is given up.
_SILENCE_S = 60.0
# And one that is slower than any line people work with, after a minute to begin in.
_LEAST_BYTES_PER_S = 4 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedForm:
    """A form whose file is in the file store under `file_key`; name and fields may hold PHI."""

    file_key: str
    file_name: str = field(repr=False)
    file_size: int
    file_sha256: str
    fields: dict[str, str] = field(repr=False)

    def remove(self, files: FileStore) -> None:
        """Remove the file: it is not to become, or stay, an upload."""
        with storage_errors():
            files.delete(_folder(self.file_key))


async def receive_form(
    request: Request, files: FileStore, *, file_key: str, max_bytes: int
) -> ReceivedForm:
    """Read the request's multipart body, its file into the file store; the caller removes it.

    `file_key` is `<organization>/<an id of its own>/<name>`: what is removed is that id's folder.

    Raises:
        ApiError: 400 `body_incomplete`, 408 `upload_stalled` or `upload_too_slow`, 413
            `file_too_large`, 415 `multipart_required`, 422 for what is wrong with the form,
            503 `storage_unavailable`, 507 `storage_full`.
        FileRefusedError: what came first is certain not to be a CSV that can be asked.

    """
    longest_body = max_bytes + _FORM_BYTES
    if _announced_bytes(request) > longest_body:
        raise _too_large(max_bytes)
    sink = _StoredFile(files, file_key, max_bytes=max_bytes)
    form = FormReader(request.headers.get("content-type", ""), sink)
    # A page that shows the form again after a refusal shows what came before it.
    request.state.form_fields = form.fields
    try:
        async for data in _pieces(request, longest_body=longest_body, max_bytes=max_bytes):
            await run_in_threadpool(form.feed, data)
        form.finish()
    except BaseException:
        with CancelScope(shield=True):
            await run_in_threadpool(sink.discard)
        raise
    return ReceivedForm(
        file_key=file_key,
        file_name=form.file_name or "",
        file_size=sink.size,
        file_sha256=sink.sha256,
        fields=form.fields,
    )


class _StoredFile:
    """The form's file on its way into the file store; used by one thread at a time."""

    def __init__(self, files: FileStore, key: str, *, max_bytes: int) -> None:
        self.size = 0
        self._files = files
        self._key = key
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self._first: bytearray | None = bytearray()
        self._writing = ExitStack()
        self._stream: BinaryIO | None = None

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def begin(self) -> None:
        with storage_errors():
            self._stream = self._writing.enter_context(self._files.writer(self._key))

    def write(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._max_bytes:
            raise _too_large(self._max_bytes)
        if self._first is not None:
            self._first += data
            if len(self._first) >= PRESCREEN_BYTES:
                self._look(is_whole=False)
        self._digest.update(data)
        if self._stream is not None:
            with storage_errors():
                self._stream.write(data)

    def end(self) -> None:
        self._look(is_whole=True)
        with storage_errors():
            self._writing.close()

    def discard(self) -> None:
        """Leave nothing, complete or not."""
        with suppress(OSError):  # A full disk fails once more when the file is closed.
            self._writing.__exit__(_DiscardedError, _DiscardedError(), None)
        with storage_errors():
            self._files.delete(_folder(self._key))

    def _look(self, *, is_whole: bool) -> None:
        first, self._first = self._first, None
        if first is not None:
            prescreen(bytes(first[:PRESCREEN_BYTES]), is_whole=is_whole)


def _folder(file_key: str) -> str:
    return file_key.rpartition("/")[0]


class _DiscardedError(Exception):
    """Tells the file store's writer that the file is not to appear."""


async def _pieces(request: Request, *, longest_body: int, max_bytes: int) -> AsyncIterator[bytes]:
    """The body in pieces of about a megabyte: a thread for each small one would cost more."""
    pending = bytearray()
    received = 0
    async for chunk in _chunks(request):
        received += len(chunk)
        if received > longest_body:
            raise _too_large(max_bytes)
        pending += chunk
        if len(pending) >= _FEED_BYTES:
            yield bytes(pending)
            pending.clear()
    yield bytes(pending)


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    chunks = request.stream()
    began, received = time.monotonic(), 0
    while True:
        try:
            async with asyncio.timeout(_SILENCE_S):
                chunk = await anext(chunks, None)
        except TimeoutError:
            raise ApiError(
                408, "upload_stalled", "Nothing came for a while. Send the upload again."
            ) from None
        except ClientDisconnect:
            raise ApiError(400, "body_incomplete", "The body ended in the middle.") from None
        if chunk is None:
            return
        received += len(chunk)
        if time.monotonic() - began > _SILENCE_S + received / _LEAST_BYTES_PER_S:
            raise ApiError(
                408, "upload_too_slow", "The file came too slowly. Send it again on a faster line."
            )
        yield chunk


def _announced_bytes(request: Request) -> int:
    announced = request.headers.get("content-length", "")
    return int(announced) if announced.isascii() and announced.isdigit() else 0


def _too_large(max_bytes: int) -> ApiError:
    return ApiError(
        413, "file_too_large", f"The file is larger than {max_bytes} bytes; split it into several."
    )
