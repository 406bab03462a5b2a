"""What must be true of each asset. Every check can fail, and is asked of what lies there."""

from collections.abc import Iterator

import dagster as dg

from claims_pipeline.errors import RowsLostError
from claims_pipeline.model import OutcomeCounts
from claims_pipeline.orchestration.metadata import Metadata, counts_metadata

every_row_is_accounted_for = dg.AssetCheckSpec(
    "every_row_is_accounted_for",
    asset="claim_requests",
    blocking=True,
    description=(
        "The records that the reader counted in the file are the rows to ask, the rejected rows "
        "and the lines left out. If not, the upload has failed and nothing was asked."
    ),
)
results_keep_their_promises = dg.AssetCheckSpec(
    "results_keep_their_promises",
    asset="claim_results",
    blocking=True,
    description=(
        "Every row has one outcome, no claim answers a row twice, and the counts are those of the "
        "rows. The codes of what is broken are explained in docs/reliability.md."
    ),
)
every_row_could_be_asked = dg.AssetCheckSpec(
    "every_row_could_be_asked",
    asset="claim_results",
    description=(
        "No row failed. Failed rows are never reported as not found: retry the upload with scope "
        "`failed`, or re-execute its run."
    ),
)
files_equal_the_table = dg.AssetCheckSpec(
    "files_equal_the_table",
    asset="results_files",
    blocking=True,
    description=(
        "The files, read back from the file store, hold the rows of the results table. If not, "
        "nothing was put into the outbox; materialize this asset again."
    ),
)


def rows_accounted_for(accounted: OutcomeCounts | RowsLostError) -> dg.AssetCheckResult:
    """`every_row_is_accounted_for`, from what intake stored or found missing."""
    metadata: Metadata
    if isinstance(accounted, RowsLostError):
        metadata = {
            "records": dg.MetadataValue.int(accounted.records),
            "stored": dg.MetadataValue.int(accounted.stored),
            "left_out": dg.MetadataValue.int(accounted.left_out),
        }
    else:
        metadata = counts_metadata(accounted)
    return dg.AssetCheckResult(
        asset_key=every_row_is_accounted_for.asset_key,
        check_name=every_row_is_accounted_for.name,
        passed=isinstance(accounted, OutcomeCounts),
        metadata=metadata,
    )


def results_checked(counts: OutcomeCounts, broken: list[str]) -> Iterator[dg.AssetCheckResult]:
    """Both checks of `claim_results`; `broken` has codes of `results.verify_results`."""
    yield dg.AssetCheckResult(
        asset_key=results_keep_their_promises.asset_key,
        check_name=results_keep_their_promises.name,
        passed=not broken,
        metadata={"broken": dg.MetadataValue.text(", ".join(broken) or "none")},
    )
    yield dg.AssetCheckResult(
        asset_key=every_row_could_be_asked.asset_key,
        check_name=every_row_could_be_asked.name,
        passed=counts.failed == 0,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"failed": dg.MetadataValue.int(counts.failed)},
    )


def files_checked(differences: list[str]) -> dg.AssetCheckResult:
    """`files_equal_the_table`, from the names of files that hold other rows than the table."""
    return dg.AssetCheckResult(
        asset_key=files_equal_the_table.asset_key,
        check_name=files_equal_the_table.name,
        passed=not differences,
        metadata={"differ": dg.MetadataValue.text(", ".join(differences) or "none")},
    )
