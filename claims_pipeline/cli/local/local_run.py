"""The worker behind `claims-pipeline run`: one run on the local Dagster instance, executed here.

    python -m claims_pipeline.cli.local.local_run JOB UPLOAD_ID [TICKET]

The run is made as a webserver would make it, with the origin of our code location, so that Dagster
can show it, retry it after a crash and re-execute it. No daemon is needed.
"""

import sys

import dagster as dg

# Dagster has no public way to execute a run in this process that its UI can re-execute later; its
# own `dagster job execute` leaves the origin out (1.13).
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from claims_pipeline.orchestration.partitions import uploads_partitions
from claims_pipeline.store.attempts.launch_tags import TICKET_TAG

_DEFINITIONS = "claims_pipeline.definitions"
_LOCATION = "claims_pipeline"
_REPOSITORY = "__repository__"


def execute(job_name: str, upload_id: str, ticket: str | None = None) -> bool:
    """Execute one run of `job_name` for the upload; whether it succeeded."""
    repository = ReconstructableRepository.for_module(_DEFINITIONS, "defs", None)
    job = repository.get_reconstructable_job(job_name)
    definition = job.get_definition()
    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions(str(uploads_partitions.name), [upload_id])
        tags = dict(definition.get_tags_for_partition_key(upload_id, selected_asset_keys=None))
        if ticket is not None:
            tags[TICKET_TAG] = ticket
        run = instance.create_run_for_job(
            job_def=definition,
            tags=tags,
            job_code_origin=job.get_python_origin(),
            remote_job_origin=RemoteJobOrigin(
                repository_origin=RemoteRepositoryOrigin(
                    code_location_origin=RegisteredCodeLocationOrigin(location_name=_LOCATION),
                    repository_name=_REPOSITORY,
                ),
                job_name=job_name,
            ),
        )
        return execute_run(job, run, instance).success


if __name__ == "__main__":
    sys.exit(0 if execute(*sys.argv[1:]) else 1)
