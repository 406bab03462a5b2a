"""A run that does nothing, in our code location: what Dagster and our imports cost anyone.

`python -m benchmarks.empty_run KEY` executes it as `claims_pipeline.cli.local.local_run` does ours.
"""

import sys

import dagster as dg
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.execution.api import execute_run

from claims_pipeline.definitions import build_defs
from claims_pipeline.orchestration.partitions import uploads_partitions

_JOB = "empty_job"


@dg.asset(partitions_def=uploads_partitions)
def nothing() -> None:
    """No work at all."""


defs = dg.Definitions.merge(
    build_defs(),
    dg.Definitions(assets=[nothing], jobs=[dg.define_asset_job(_JOB, selection=[nothing])]),
)


def execute(key: str) -> bool:
    """Execute one run for the partition `key`; whether it succeeded."""
    repository = ReconstructableRepository.for_module("benchmarks.empty_run", "defs", None)
    job = repository.get_reconstructable_job(_JOB)
    definition = job.get_definition()
    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions(str(uploads_partitions.name), [key])
        run = instance.create_run_for_job(
            job_def=definition,
            tags=dict(definition.get_tags_for_partition_key(key, selected_asset_keys=None)),
            job_code_origin=job.get_python_origin(),
        )
        return execute_run(job, run, instance).success


if __name__ == "__main__":
    sys.exit(0 if execute(sys.argv[1]) else 1)
