"""Names that Dagster's definitions share with those who launch runs from outside."""

CODE_LOCATION = "claims_pipeline"
REPOSITORY = "__repository__"
UPLOADS_PARTITIONS = "uploads"
CLAIM_STATUS_JOB = "claim_status_job"
RESULTS_FILES_JOB = "results_files_job"
PURGE_JOB = "purge_job"

# Dagster's own tag for the partition of a run.
PARTITION_TAG = "dagster/partition"
# The tag that carries a launch's ticket. The database decides what it is worth: a copied or
# invented ticket serves no attempt.
TICKET_TAG = "claims/ticket"
# Whose upload a run serves, so that dagster.yaml can let each organization have its share of runs.
ORGANIZATION_TAG = "claims/organization"
# Leads from a run to the HTTP request that asked for it; opaque.
CORRELATION_TAG = "claims/correlation"


def launch_tags(*, ticket: str, organization_id: str, correlation_id: str | None) -> dict[str, str]:
    """Tags of a run that is launched with a ticket; opaque ids only."""
    tags = {TICKET_TAG: ticket, ORGANIZATION_TAG: organization_id}
    if correlation_id is not None:
        tags[CORRELATION_TAG] = correlation_id
    return tags
