"""Start the sandbox: in this process for good, or in a thread for tests."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import requests
import uvicorn

from claims_pipeline.sandbox.delivery import TransportProtocol
from claims_pipeline.sandbox.faults import FaultScript
from claims_pipeline.sandbox.part import ChannelPart, PayerOptions, WorldOfToday
from claims_pipeline.sandbox.parts import PARTS, payer_settings
from claims_pipeline.sandbox.server import PayerApp
from claims_pipeline.sandbox.world.world import World

_TIMEOUT_S = 10


def today_in(timezone: str) -> Callable[[], date]:
    """Return a clock for the payer's calendar date."""
    zone = ZoneInfo(timezone)
    return lambda: datetime.now(zone).date()


def make_server(
    *,
    seed: int,
    today: Callable[[], date],
    practices: int,
    claims_per_day: int,
    options: PayerOptions,
    latency_ms: float = 0.0,
    scripts: Sequence[FaultScript] = (),
    further_parts: Sequence[ChannelPart] = (),
) -> uvicorn.Server:
    """Return a server that is not yet running; it takes the sockets it is run with."""

    def make_world(day: date) -> World:
        return World(seed=seed, today=day, practices=practices, claims_per_day=claims_per_day)

    world = WorldOfToday(make_world, today)
    parts = [part.make(world, options) for part in (*PARTS, *further_parts)]
    config = uvicorn.Config(
        PayerApp(
            parts,
            practices=lambda: world().practices,
            latency_ms=latency_ms,
            scripts=scripts,
        ),
        loop="uvloop",
        http=TransportProtocol,
        ws="none",
        lifespan="off",
        # Headers carry patients: nothing of a request is ever logged.
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A sandbox that is running; `url` has no slash at its end."""

    url: str
    seed: int

    def stats(self) -> dict[str, object]:
        """What `/sandbox/stats` says."""
        answer = requests.get(f"{self.url}/sandbox/stats", timeout=_TIMEOUT_S)
        answer.raise_for_status()
        content: dict[str, object] = answer.json()
        return content

    def calls(self) -> dict[str, int]:
        """The calls counted so far, by kind."""
        calls = self.stats()["calls"]
        if not isinstance(calls, dict):
            raise TypeError("the sandbox did not say its calls")
        return calls

    def channels(self) -> dict[str, dict[str, Any]]:
        """What each channel has counted."""
        channels: dict[str, dict[str, Any]] = requests.get(
            f"{self.url}/sandbox/stats", timeout=_TIMEOUT_S
        ).json()["channels"]
        return channels

    def set_faults(self, scripts: Sequence[object]) -> None:
        """Replace the fault scripts; see `claims_pipeline.sandbox.faults`."""
        answer = requests.post(f"{self.url}/sandbox/faults", json=list(scripts), timeout=_TIMEOUT_S)
        answer.raise_for_status()

    def reset(self) -> None:
        """Forget the counts and the faults."""
        requests.post(f"{self.url}/sandbox/reset", timeout=_TIMEOUT_S).raise_for_status()

    def settings(self) -> dict[str, str]:
        """Environment variables with which the pipeline asks this sandbox."""
        return payer_settings(self.url)


@contextmanager
def running_sandbox(
    *,
    seed: int = 7,
    latency_ms: float = 0.0,
    claims_per_day: int = 20,
    token_on_last_page: bool = True,
    answers_after_s: float = 0.2,
    today: Callable[[], date] | None = None,
    further_parts: Sequence[ChannelPart] = (),
) -> Iterator[Sandbox]:
    """Run a sandbox on a free port of this machine, in a thread, while the block lasts."""
    server = make_server(
        seed=seed,
        today=today or today_in("America/Chicago"),
        practices=2,
        claims_per_day=claims_per_day,
        latency_ms=latency_ms,
        options=PayerOptions(
            token_on_last_page=token_on_last_page, answers_after_s=answers_after_s
        ),
        further_parts=further_parts,
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Whoever connects before the loop runs waits in the listener's queue.
        port = listener.getsockname()[1]
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True
        )
        thread.start()
        try:
            yield Sandbox(url=f"http://127.0.0.1:{port}", seed=seed)
        finally:
            server.should_exit = True
            thread.join(timeout=_TIMEOUT_S)
