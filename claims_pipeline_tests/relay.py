"""A way to a server that a test can cut: it passes TCP on, and then does not any more.

with running_relay(port) as relay:
    ...  # a client that is told of relay.port
    relay.cut()
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from claims_pipeline.cli.local.processes import free_port

_CHUNK_BYTES = 1 << 16


class Relay:
    """Passes connections to `port` on to `target` while it is not cut; both are on loopback."""

    def __init__(self, target: int, loop: asyncio.AbstractEventLoop) -> None:
        self.port = free_port()
        self._target = target
        self._loop = loop
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None] | None] = set()

    def repair(self) -> None:
        """Pass connections on, from now on or again."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def cut(self) -> None:
        """End every connection, and take no more."""
        asyncio.run_coroutine_threadsafe(self._fall_silent(), self._loop).result()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _fall_silent(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()
        while self._serving:
            await asyncio.sleep(0)

    async def _serve(
        self, near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        pair = {near_writer, far_writer}
        self._writers |= pair
        with suppress(OSError):
            await asyncio.gather(
                _pass_on(near_reader, far_writer), _pass_on(far_reader, near_writer)
            )
        self._writers -= pair
        for writer in pair:
            writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
    with suppress(OSError):
        writer.write_eof()


@contextmanager
def running_relay(target: int) -> Iterator[Relay]:
    """A relay to a port of this machine."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="relay", daemon=True)
    thread.start()
    relay = Relay(target, loop)
    try:
        relay.repair()
        yield relay
    finally:
        relay.cut()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
