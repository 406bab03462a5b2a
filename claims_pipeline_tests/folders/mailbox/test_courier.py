"""Files are carried to and from a real SFTP server, and break-offs lose none of them."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from claims_pipeline.folders.mailbox.courier import Courier, CourierError, Route
from claims_pipeline.folders.mailbox.mailbox import Mailbox
from claims_pipeline_tests.payers.x12.builders import make_partner


class _Server(asyncssh.SSHServer):
    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("biller", "sandbox")


class _Breaking(asyncssh.SFTPServer):
    """Drops the connection after so many writes or reads, once."""

    left: int | None = None

    def _count(self) -> None:
        if _Breaking.left is not None:
            _Breaking.left -= 1
            if _Breaking.left <= 0:
                _Breaking.left = None
                self.channel.get_connection().abort()
                raise asyncssh.SFTPConnectionLost("broken off")

    def write(self, file_obj: Any, offset: int, data: bytes) -> Any:
        self._count()
        return super().write(file_obj, offset, data)

    def read(self, file_obj: Any, offset: int, size: int) -> Any:
        self._count()
        return super().read(file_obj, offset, size)


class Place:
    """A server's folder, the mailbox beside it, and the route between them."""

    def __init__(self, base: Path) -> None:
        self.remote = base / "remote"
        for name in ("to", "from"):
            (self.remote / name).mkdir(parents=True)
        self.mailbox = Mailbox(organization_id="demo", partner=make_partner(), base=base / "home")
        self.mailbox.prepare()
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.known_hosts = base / "known_hosts"
        self.client_key = base / "client_key"
        client = asyncssh.generate_private_key("ssh-ed25519")
        client.write_private_key(str(self.client_key))
        self.authorized = base / "authorized"
        self.authorized.write_bytes(client.export_public_key())
        self.route: Route | None = None

    @asynccontextmanager
    async def served(self) -> AsyncIterator[Route]:
        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=_Server,
            server_host_keys=[self.key],
            authorized_client_keys=str(self.authorized),
            sftp_factory=lambda channel: _Breaking(channel, chroot=str(self.remote).encode()),
        )
        port = server.get_port()
        public = self.key.export_public_key().decode().strip()
        self.known_hosts.write_text(f"[127.0.0.1]:{port} {public}\n")
        try:
            yield Route(
                host="127.0.0.1",
                port=port,
                user="biller",
                known_hosts=self.known_hosts,
                key=self.client_key,
                remote_outgoing="/to",
                remote_incoming="/from",
            )
        finally:
            server.close()
            await server.wait_closed()

    def run(self, act: Callable[[Route], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with self.served() as route:
                await act(route)

        asyncio.run(whole())

    def names(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.remote / folder).iterdir())

    @property
    def here(self) -> list[str]:
        return sorted(path.name for path in self.mailbox.incoming.iterdir() if path.is_file())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    _Breaking.left = None
    return Place(tmp_path)


def test_files_are_carried_both_ways(place: Place) -> None:
    (place.mailbox.outgoing / "276-000000001.x12").write_bytes(b"ISA out")
    (place.mailbox.outgoing / ".half.tmp").write_bytes(b"half")
    (place.remote / "from" / "answer.x12").write_bytes(b"ISA in")
    (place.remote / "from" / "half.part").write_bytes(b"half")

    async def act(route: Route) -> None:
        carried = await Courier(place.mailbox, route).carry_until_stable(settle_s=0)
        assert (carried.sent, carried.fetched) == (1, 1)

    place.run(act)
    assert place.names("to") == ["276-000000001.x12"]
    assert place.names("from") == ["half.part"]
    assert place.here == ["answer.x12"]
    assert (place.mailbox.incoming / "answer.x12").read_bytes() == b"ISA in"
    assert (place.mailbox.outgoing / ".sent" / "276-000000001.x12").exists()


def test_a_server_that_is_not_the_known_one_gets_nothing(place: Place) -> None:
    (place.mailbox.outgoing / "276-000000001.x12").write_bytes(b"ISA out")

    async def act(route: Route) -> None:
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
        place.known_hosts.write_text(f"[127.0.0.1]:{route.port} {other}\n")
        with pytest.raises(CourierError) as unknown:
            await Courier(place.mailbox, route).carry()
        assert unknown.value.code == "sftp_host_unknown"
        place.known_hosts.write_text("")
        with pytest.raises(CourierError) as empty:
            await Courier(place.mailbox, route).carry()
        assert empty.value.code == "sftp_host_unknown"

    place.run(act)
    assert place.names("to") == []
    assert (place.mailbox.outgoing / "276-000000001.x12").exists()


def test_a_password_signs_in_and_a_wrong_one_does_not(place: Place) -> None:
    async def act(route: Route) -> None:
        with_password = replace(route, key=None, password="sandbox")
        await Courier(place.mailbox, with_password).carry()
        for wrong in (replace(with_password, password="other"), replace(route, user="nobody")):
            if wrong.key is not None:
                place.authorized.write_text("")
                continue
            with pytest.raises(CourierError) as refused:
                await Courier(place.mailbox, wrong).carry()
            assert refused.value.code == "sftp_refused"

    place.run(act)


def test_a_folder_that_is_not_there_is_told(place: Place) -> None:
    async def act(route: Route) -> None:
        with pytest.raises(CourierError) as missing:
            await Courier(place.mailbox, replace(route, remote_incoming="/nowhere")).carry()
        assert missing.value.code == "sftp_folder_missing"

    place.run(act)


def test_a_server_that_is_away_is_told(place: Place) -> None:
    async def act(route: Route) -> None:
        with pytest.raises(CourierError) as away:
            await Courier(place.mailbox, replace(route, port=1)).carry()
        assert away.value.code == "sftp_unreachable"

    place.run(act)


@pytest.mark.parametrize("after", [1, 3, 7])
def test_a_break_on_the_way_out_loses_nothing_and_goes_on(place: Place, after: int) -> None:
    content = os.urandom(2_000_000)
    (place.mailbox.outgoing / "276-000000001.x12").write_bytes(content)

    async def act(route: Route) -> None:
        courier = Courier(place.mailbox, route)
        _Breaking.left = after
        with pytest.raises(CourierError) as broken:
            await courier.carry()
        assert broken.value.code == "sftp_unreachable"
        assert "276-000000001.x12" not in place.names("to")
        assert (place.mailbox.outgoing / "276-000000001.x12").exists()
        await courier.carry()

    place.run(act)
    assert (place.remote / "to" / "276-000000001.x12").read_bytes() == content
    assert place.names("to") == ["276-000000001.x12"]


@pytest.mark.parametrize("after", [1, 3, 7])
def test_a_break_on_the_way_in_loses_nothing_and_goes_on(place: Place, after: int) -> None:
    content = os.urandom(2_000_000)
    (place.remote / "from" / "answer.x12").write_bytes(content)

    async def act(route: Route) -> None:
        courier = Courier(place.mailbox, route)
        assert (await courier.carry()).waiting == 1
        _Breaking.left = after
        with pytest.raises(CourierError):
            await courier.carry()
        assert (place.remote / "from" / "answer.x12").exists()
        assert "answer.x12" not in place.here
        await courier.carry()

    place.run(act)
    assert (place.mailbox.incoming / "answer.x12").read_bytes() == content
    assert place.names("from") == []


def test_a_file_that_still_grows_is_left(place: Place) -> None:
    growing = place.remote / "from" / "answer.x12"
    growing.write_bytes(b"ISA")

    async def act(route: Route) -> None:
        courier = Courier(place.mailbox, route)
        for length in (10, 20, 30):
            await courier.carry()
            growing.write_bytes(b"x" * length)
        assert place.here == []
        await courier.carry()
        await courier.carry()

    place.run(act)
    assert (place.mailbox.incoming / "answer.x12").read_bytes() == b"x" * 30


def test_what_was_sent_before_a_break_is_not_sent_twice(place: Place) -> None:
    sent = place.remote / "to" / "276-000000001.x12"
    sent.write_bytes(b"ISA out")
    written = time.time() - 1000
    os.utime(sent, (written, written))
    (place.mailbox.outgoing / "276-000000001.x12").write_bytes(b"ISA out")

    async def act(route: Route) -> None:
        await Courier(place.mailbox, route).carry()

    place.run(act)
    assert int(sent.stat().st_mtime) == int(written)
    assert not (place.mailbox.outgoing / "276-000000001.x12").exists()


def test_names_that_could_lead_elsewhere_stay_on_the_server(place: Place) -> None:
    for name in ("a\nb.x12", "-rf.x12", "x" * 200):
        (place.remote / "from" / name).write_bytes(b"ISA")

    async def act(route: Route) -> None:
        courier = Courier(place.mailbox, route)
        await courier.carry()
        assert (await courier.carry()).left == 3

    place.run(act)
    assert place.here == []


def test_a_second_file_of_a_name_takes_no_place_of_the_first(place: Place) -> None:
    async def act(route: Route) -> None:
        courier = Courier(place.mailbox, route)
        for content in (b"first", b"second"):
            (place.remote / "from" / "answer.x12").write_bytes(content)
            await courier.carry()
            await courier.carry()

    place.run(act)
    assert place.here == ["1-answer.x12", "answer.x12"]
