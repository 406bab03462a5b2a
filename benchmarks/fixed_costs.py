"""What an upload costs however small it is: to be imported, to be seen, to be run."""

import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from benchmarks.measuring import Line, Pair
from benchmarks.stage import Size, as_csv, payer_process, sample, stage, used_by
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline_tests.end_to_end.drops import DropStack, running_drop_stack

# The daemon looks at its sensors so often, whatever interval they ask for.
_SENSOR_LOOP_S = 5.0
_OURS = "import claims_pipeline.definitions"
_THEIRS = "import dagster, pandas, pandera.pandas"


def imported(*, repeats: int) -> Iterator[Line]:
    """The code location beside the packages that it cannot do without."""
    pairs, peaks = [], []
    with payer_process(latency_ms=0, size=Size()) as payer, stage(payer) as home:
        used_by(("-c", _OURS), environment=home.environment)
        for _ in range(repeats):
            theirs = used_by(("-c", _THEIRS), environment=home.environment)
            ours = used_by(("-c", _OURS), environment=home.environment)
            pairs.append(Pair(ours=ours.processor_s, peer=theirs.processor_s))
            peaks.append((ours.peak_mib, theirs.peak_mib))
    peak_mib, their_peak_mib = peaks[-1]
    yield Line(
        what="code location imported",
        peer="dagster, pandas and pandera",
        unit="s CPU",
        pairs=pairs,
        remark=f"peak {peak_mib:.0f} MiB, theirs {their_peak_mib:.0f} MiB",
    )


def one_row_run(*, repeats: int) -> Iterator[Line]:
    """One row from launch to results beside a run of one empty asset, both new processes."""
    pairs, elapsed = [], []
    asked = as_csv(sample(Shape.PATIENTS, rows=1, size=Size()), Shape.PATIENTS)
    with payer_process(latency_ms=0, size=Size()) as payer, stage(payer) as home:
        used_by(("-m", "benchmarks.empty_run", str(uuid.uuid4())), environment=home.environment)
        home.run(home.upload(asked))
        for _ in range(repeats):
            empty = used_by(
                ("-m", "benchmarks.empty_run", str(uuid.uuid4())), environment=home.environment
            )
            ours = home.run(home.upload(asked))
            pairs.append(Pair(ours=ours.processor_s, peer=empty.processor_s))
            elapsed.append(Pair(ours=ours.elapsed_s, peer=empty.elapsed_s))
    what, peer, target = "one row, launch to results", "empty asset", 1.3
    yield Line(what=what, peer=peer, unit="s CPU", pairs=pairs, target=target)
    yield Line(what=what, peer=peer, unit="s", pairs=elapsed, target=target)


def dropped(*, repeats: int) -> Iterator[Line]:
    """From a file in the watched folder to its launch, and to the run that has taken it."""
    launched, taken = [], []
    asked = sample(Shape.PATIENTS, rows=repeats, size=Size())
    with (
        payer_process(latency_ms=0, size=Size()) as payer,
        tempfile.TemporaryDirectory(prefix="claims-bench-") as folder,
        running_drop_stack(Path(folder) / "home", payer) as drops,
    ):
        drops.stack.wait_until(drops.inbox.is_dir, what="the watched folder")
        for number, row in enumerate(asked):
            name = f"{number}.csv"
            # Another moment of the loop each time.
            time.sleep(_SENSOR_LOOP_S * number / repeats)
            at = datetime.now(UTC)
            drops.drop(name, as_csv([row], Shape.PATIENTS), is_new=True)
            launched_at, acquired_at = _run_of(drops, drops.wait_for_end(name).id)
            launched.append((launched_at - at).total_seconds())
            taken.append((acquired_at - at).total_seconds())
        drops.stack.kill_all()
    for what, seconds in (("launch", launched), ("run at work", taken)):
        yield Line(
            what=f"file dropped to {what}",
            peer="a turn of the sensor loop",
            unit="s",
            pairs=[Pair(ours=took, peer=_SENSOR_LOOP_S) for took in seconds],
        )


def _run_of(drops: DropStack, upload_id: str) -> tuple[datetime, datetime]:
    columns = tables.attempt_runs.c
    query = select(columns.launched_at, columns.acquired_at).where(columns.upload_id == upload_id)
    with reading(drops.engine) as connection:
        launched_at, acquired_at = connection.execute(query).one()
    return launched_at, acquired_at
