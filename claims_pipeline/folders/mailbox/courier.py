"""Carries a partner's files to and from a clearinghouse by SFTP.

The folders are the contract: whoever mounts them or moves files in another way needs none of this.
Both ways a file is carried under a temporary name, goes on where a break left it, and is renamed
when it is whole; it leaves where it came from last. So after any break it is there once, or twice
for a moment, and what reads it minds neither.
"""

import asyncio
import os
import re
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import asyncssh

from claims_pipeline.errors import ClaimsError
from claims_pipeline.folders.mailbox.mailbox import SENT, Mailbox, is_wanted
from claims_pipeline.store.files import make_folder

_PART = ".part"
_CHUNK_BYTES = 1 << 18
_CONNECT_TIMEOUT_S = 30
_KEEPALIVE_S = 15
# What names a file here may be made of; others stay on the server.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. +=@-]{0,180}")


class CourierError(ClaimsError):
    """The server could not be reached, or is not the one it should be; the files stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a partner's files go and come from. Only a server of `known_hosts` is talked to."""

    host: str
    port: int
    user: str
    known_hosts: Path
    key: Path | None = None
    password: str | None = field(default=None, repr=False)
    remote_outgoing: str
    remote_incoming: str


@dataclass(slots=True, kw_only=True)
class Carried:
    """What one round has moved; `left` are files of the server that nobody could take."""

    sent: int = 0
    fetched: int = 0
    waiting: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class _RemoteState:
    """A file of the server as one look saw it."""

    name: str
    size: int
    modified: int


class Courier:
    """One partner's courier; it remembers what it has seen from round to round."""

    def __init__(self, mailbox: Mailbox, route: Route) -> None:
        self._mailbox = mailbox
        self._route = route
        self._seen: frozenset[_RemoteState] = frozenset()

    async def carry(self) -> Carried:
        """One round: send what lies here, then fetch what lies there and has not changed since.

        Raises:
            CourierError: `sftp_host_unknown`, `sftp_refused`, `sftp_unreachable` or
                `sftp_folder_missing`.

        """
        self._mailbox.prepare()
        carried = Carried()
        async with self._connected() as sftp:
            await self._send_all(sftp, carried)
            await self._fetch_all(sftp, carried)
        return carried

    async def carry_until_stable(self, *, settle_s: float = 5.0) -> Carried:
        """Two rounds, so that a file which was there before the first is fetched."""
        first = await self.carry()
        if not first.waiting:
            return first
        await asyncio.sleep(settle_s)
        second = await self.carry()
        second.sent += first.sent
        second.fetched += first.fetched
        return second

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncssh.SFTPClient]:
        route = self._route
        try:
            async with (
                asyncssh.connect(
                    route.host,
                    route.port,
                    username=route.user,
                    known_hosts=str(route.known_hosts),
                    client_keys=[str(route.key)] if route.key else None,
                    password=route.password,
                    agent_path=None,
                    config=None,
                    connect_timeout=_CONNECT_TIMEOUT_S,
                    keepalive_interval=_KEEPALIVE_S,
                ) as connection,
                connection.start_sftp_client() as sftp,
            ):
                yield sftp
        except asyncssh.HostKeyNotVerifiable:
            raise CourierError(
                "sftp_host_unknown",
                "The server is not the one of the known hosts file. Ask the clearinghouse for its "
                "host key before you add it.",
            ) from None
        except (asyncssh.PermissionDenied, asyncssh.KeyImportError):
            raise CourierError(
                "sftp_refused", "The server refuses the user, key or password."
            ) from None
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied):
            raise CourierError(
                "sftp_folder_missing",
                "A folder of the server is not there or not ours to use. Check its name.",
            ) from None
        except (asyncssh.Error, OSError, TimeoutError):
            raise CourierError(
                "sftp_unreachable", "The server cannot be reached, or broke off. It is tried again."
            ) from None

    async def _send_all(self, sftp: asyncssh.SFTPClient, carried: Carried) -> None:
        for path in sorted(self._mailbox.outgoing.iterdir()):
            if path.is_symlink() or not path.is_file() or not is_wanted(path.name):
                continue
            await self._send(sftp, path)
            carried.sent += 1

    async def _send(self, sftp: asyncssh.SFTPClient, path: Path) -> None:
        """Send one file; one that the server has already, whole, is not sent again."""
        remote = f"{self._route.remote_outgoing}/{path.name}"
        size = path.stat().st_size
        if await _size_of(sftp, remote) != size:
            part = remote + _PART
            done = await _size_of(sftp, part)
            offset = done if done is not None and done <= size else 0
            mode = "r+b" if offset else "wb"
            async with sftp.open(part, mode) as target:
                with path.open("rb") as source:
                    source.seek(offset)
                    while chunk := source.read(_CHUNK_BYTES):
                        await target.write(chunk, offset)
                        offset += len(chunk)
            if await _size_of(sftp, part) != size:
                raise CourierError("sftp_unreachable", "The server kept a file in part only.")
            await sftp.rename(part, remote)
        sent = path.parent / SENT
        make_folder(sent)
        path.rename(sent / path.name)

    async def _fetch_all(self, sftp: asyncssh.SFTPClient, carried: Carried) -> None:
        now_there: set[_RemoteState] = set()
        for entry in await sftp.readdir(self._route.remote_incoming):
            name = entry.filename if isinstance(entry.filename, str) else entry.filename.decode()
            attributes = entry.attrs
            if attributes.permissions is not None and not stat.S_ISREG(attributes.permissions):
                continue
            if not is_wanted(name):
                continue
            if not _NAME.fullmatch(name):
                carried.left += 1
                continue
            now_there.add(_RemoteState(name, attributes.size or 0, attributes.mtime or 0))
        for state in sorted(now_there, key=lambda one: one.name):
            if state not in self._seen:
                carried.waiting += 1
            elif await self._fetch(sftp, state):
                carried.fetched += 1
        self._seen = frozenset(now_there)

    async def _fetch(self, sftp: asyncssh.SFTPClient, state: _RemoteState) -> bool:
        """Fetch one file; False when it has changed meanwhile."""
        remote = f"{self._route.remote_incoming}/{state.name}"
        part = self._mailbox.incoming / f".{state.name}.{state.modified}{_PART}"
        done = part.stat().st_size if part.exists() else 0
        offset = done if done <= state.size else 0
        async with sftp.open(remote, "rb") as source:
            with part.open("r+b" if offset else "wb") as target:
                target.seek(offset)
                while chunk := cast("bytes", await source.read(_CHUNK_BYTES, offset)):
                    target.write(chunk)
                    offset += len(chunk)
                target.truncate()
                target.flush()
                os.fsync(target.fileno())
        attributes = await sftp.stat(remote)
        is_same = (attributes.size, attributes.mtime or 0) == (state.size, state.modified)
        if not is_same or part.stat().st_size != state.size:
            part.unlink(missing_ok=True)
            return False
        part.rename(_free_name(self._mailbox.incoming, state.name))
        await sftp.remove(remote)
        return True


def _free_name(folder: Path, name: str) -> Path:
    """The name, or that with a number: a file of that name may wait to be read."""
    path, number = folder / name, 1
    while path.exists():
        path, number = folder / f"{number}-{name}", number + 1
    return path


async def _size_of(sftp: asyncssh.SFTPClient, path: str) -> int | None:
    """The size of a file of the server; None when it is not there."""
    try:
        return (await sftp.stat(path)).size
    except asyncssh.SFTPNoSuchFile:
        return None


async def carry_on(
    courier: Courier, *, every_s: float, on_round: Callable[[Carried | CourierError], None]
) -> None:
    """Carry again and again, until cancelled; a break is told of and tried again."""
    while True:
        try:
            outcome: Carried | CourierError = await courier.carry()
        except CourierError as error:
            outcome = error
        on_round(outcome)
        await asyncio.sleep(every_s)
