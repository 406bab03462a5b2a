"""Names that Dagster's definitions share with those who launch runs from outside."""

CODE_LOCATION = "claims_pipeline"
REPOSITORY = "__repository__"
UPLOADS_PARTITIONS = "uploads"
CLAIM_STATUS_JOB = "claim_status_job"
RESULTS_FILES_JOB = "results_files_job"
PURGE_JOB = "purge_job"
FOLLOW_UP_JOB = "follow_up_job"

# Dagster's own tag for the partition of a run.
PARTITION_TAG = "dagster/partition"
# The tag that carries a launch's ticket. The database decides what it is worth: a copied or
# invented ticket serves no attempt. Dagster's UI hides tags that begin so: people have no use for
# it, and it would push those that they read out of sight.
TICKET_TAG = ".dagster/claims_ticket"
# Whose upload a run serves, so that dagster.yaml can let each organization have its share of runs.
ORGANIZATION_TAG = "claims/organization"
# Which try at the upload the run was launched for; the first is 1.
ATTEMPT_TAG = "claims/attempt"


def launch_tags(*, ticket: str, organization_id: str, attempt_number: int) -> dict[str, str]:
    """Tags of a run that is launched with a ticket; opaque ids and numbers only."""
    return {
        TICKET_TAG: ticket,
        ORGANIZATION_TAG: organization_id,
        ATTEMPT_TAG: str(attempt_number),
    }
