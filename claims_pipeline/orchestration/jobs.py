"""The job of an upload, and the one that only writes its files."""

import dagster as dg

from claims_pipeline.store.attempts.launch_tags import CLAIM_STATUS_JOB, RESULTS_FILES_JOB

claim_status_job = dg.define_asset_job(
    CLAIM_STATUS_JOB,
    selection=dg.AssetSelection.assets(
        "claim_requests", "claim_statuses", "claim_results", "results_files"
    ),
    description="Ask the payer about every row of one upload. Re-executing it resumes.",
)

results_files_job = dg.define_asset_job(
    RESULTS_FILES_JOB,
    selection=dg.AssetSelection.assets("results_files"),
    description="Write the files of an upload that ended before its run could.",
)
