"""What a row costs through each channel that is called: `python -m benchmarks.channels`.

The same rows of members, each channel in a run of its own, at a payer that answers at once; beside
it the same rows through `uhc`.
"""

import io
from collections.abc import Iterator

from rich.console import Console

from benchmarks.measuring import Line, Pair, machine, table_of
from benchmarks.stage import ORGANIZATION, SEED, Size, Stage, Usage, payer_process, stage
from claims_pipeline.cli.local.local_store import demo_payers
from claims_pipeline.payers import registry
from claims_pipeline.sandbox.parts import payer_settings
from claims_pipeline.sandbox.running import today_in
from claims_pipeline.sandbox.samples.samples import Sampler, Shape, write_sample
from claims_pipeline.sandbox.world.world import World
from claims_pipeline.store import attempts
from claims_pipeline.store.opening import open_database
from claims_pipeline.store.tenants.payers import save_payers
from claims_pipeline.store.tenants.practices import ensure_organization
from claims_pipeline_tests.pipeline import sandbox_practices

_FIRST = "uhc"
_TARGET = 1.5
_TABLE_WIDTH = 140


def called_channels() -> tuple[str, ...]:
    """Those that have an address to call, the one that the others are compared with first."""
    settings = payer_settings("http://127.0.0.1")
    called = [
        name for name in registry.channel_names() if f"CLAIMS_{name.upper()}_API_URL" in settings
    ]
    return (_FIRST, *(name for name in called if name != _FIRST))


def channel_lines(rows: int) -> Iterator[Line]:
    """Processor time of a run, for each row."""
    beside: Usage | None = None
    for channel in called_channels():
        with (
            payer_process(latency_ms=0, size=Size()) as payer,
            stage(payer, settings=_uncapped()) as home,
        ):
            used, calls = _run(home, channel, rows)
        beside = beside or used
        yield Line(
            what=f"{rows:,} members through {channel}",
            peer=f"the same through {_FIRST}",
            unit="ms CPU",
            pairs=[
                Pair(
                    ours=1000 * used.processor_s / rows,
                    peer=1000 * beside.processor_s / rows,
                )
            ],
            target=_TARGET,
            remark=f"{used.elapsed_s:.0f} s, {calls:,} calls, peak {used.peak_mib:.0f} MiB",
        )


def _uncapped() -> dict[str, str]:
    return {f"CLAIMS_{channel.upper()}_CALLS_PER_SECOND": "100000" for channel in called_channels()}


def _run(home: Stage, channel: str, rows: int) -> tuple[Usage, int]:
    engine = open_database(home.settings)
    try:
        payers = demo_payers(home.settings)
        ensure_organization(engine, ORGANIZATION, "Demo", sandbox_practices())
        save_payers(engine, ORGANIZATION, payers)
        [payer] = [each.payer for each in payers if each.channel == channel]
        upload_id = home.upload(_members(payer, rows), payer=payer)
        used = home.run(upload_id)
        attempt = attempts.latest_attempt(engine, upload_id)
    finally:
        engine.dispose()
    if attempt is None:
        raise RuntimeError("the upload has no attempt")
    return used, (
        attempt.search_calls + attempt.look_calls + attempt.detail_calls + attempt.payment_calls
    )


def _members(payer: str, rows: int) -> bytes:
    world = World(seed=SEED, today=today_in("America/Chicago")())
    text = io.StringIO()
    sample = Sampler(world, Shape.MEMBERS, [payer]).rows(rows)
    write_sample(list(sample), shape=Shape.MEMBERS, sample=text, answers=None)
    return text.getvalue().encode()


def main() -> None:
    """Measure 2,000 rows and print the table."""
    console = Console(width=max(Console().width, _TABLE_WIDTH))
    console.print(table_of(list(channel_lines(2000)), title="Channels"))
    console.print(machine())


if __name__ == "__main__":
    main()
