"""One organization's many uploads beside another's few rows, under a real daemon.

The promise is that the few get their first answer within 30 s while 500,000 rows run. Here it is
counted in smaller numbers: how far the many have come when the few are done.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from claims_pipeline.cli.local.home import shipped_file
from claims_pipeline.model import Practice, UploadStatus
from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store.attempts.launch_tags import ORGANIZATION_TAG
from claims_pipeline.store.tenants.practices import ensure_organization
from claims_pipeline.store.uploads import Upload, list_uploads
from claims_pipeline_tests.end_to_end.drops import DropStack, running_drop_stack
from claims_pipeline_tests.orchestration.samples import make_sample
from claims_pipeline_tests.pipeline import ORGANIZATION, sandbox_practices

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

# One more than an organization may have at work, and each as long as the test could take.
UPLOADS, ROWS = 3, 5_000
RUNS_PER_ORGANIZATION, RUNS = 2, 3
FEW = 10
OTHER = "other"
SETTINGS = {"CLAIMS_UHC_CALLS_PER_SECOND": "4", "CLAIMS_UHC_MAX_CONCURRENCY": "4"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(seed=15, latency_ms=200) as sandbox:
        yield sandbox


@pytest.fixture
def drops(tmp_path: Path, sandbox: Sandbox) -> Iterator[DropStack]:
    home = tmp_path / "home"
    configuration = yaml.safe_load(shipped_file("dagster.yaml").read_text(encoding="utf-8"))
    queue = configuration["concurrency"]["runs"]
    [share] = queue["tag_concurrency_limits"]
    assert share["key"] == ORGANIZATION_TAG
    # As shipped, but for the numbers.
    share["limit"], queue["max_concurrent_runs"] = RUNS_PER_ORGANIZATION, RUNS
    (home / "dagster").mkdir(parents=True)
    (home / "dagster" / "dagster.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    with running_drop_stack(home, sandbox, settings=SETTINGS, webserver=False) as drops:
        yield drops


def test_the_few_rows_of_one_are_answered_while_another_has_more_uploads_than_may_run(
    drops: DropStack,
) -> None:
    practices = [
        Practice(practice_id=f"o-{one.practice_id}", tin=one.tin, name=one.name, is_default=first)
        for one, first in zip(sandbox_practices(), (True, False), strict=True)
    ]
    ensure_organization(drops.engine, OTHER, "Other", practices)
    many, _ = make_sample(drops.sandbox, Shape.PATIENTS, ROWS)
    for number in range(UPLOADS):
        drops.drop(f"many-{number}.csv", many)
    drops.stack.wait_until(
        lambda: counted(drops, UploadStatus.PROCESSING) == RUNS_PER_ORGANIZATION,
        what="the many to run",
    )

    few, _ = make_sample(drops.sandbox, Shape.PATIENTS, FEW)
    folder = drops.stack.home / "inbox" / OTHER / "uhc"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "few.csv.part").write_bytes(few)
    (folder / "few.csv.part").rename(folder / "few.csv")

    def few_are_answered() -> bool:
        return [upload.status for upload in uploads_of(drops, OTHER)] == [UploadStatus.COMPLETED]

    drops.stack.wait_until(few_are_answered, what="the few to be answered")
    assert counted(drops, UploadStatus.PROCESSING) == RUNS_PER_ORGANIZATION
    assert counted(drops, UploadStatus.PENDING) == UPLOADS - RUNS_PER_ORGANIZATION


def uploads_of(drops: DropStack, organization: str) -> list[Upload]:
    return list(list_uploads(drops.engine, organization_id=organization, page_size=100).uploads)


def counted(drops: DropStack, status: UploadStatus) -> int:
    return sum(upload.status is status for upload in uploads_of(drops, ORGANIZATION))
