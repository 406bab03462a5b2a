"""The values that flow from a CSV to its answers.

Every room speaks in these types; none of them knows a database, a network or Dagster. Money is
`Decimal` (US dollars, two places), instants are aware UTC, calendar dates are `date` and are never
shifted by a time zone. Fields that a payer may leave out are optional.
"""

from claims_pipeline.model.claims import (
    AdjudicationCode,
    Claim,
    Payment,
    ServiceLine,
    StatusCode,
)
from claims_pipeline.model.follow_up import ChangeKind, Check, Deadline, Standing
from claims_pipeline.model.outcomes import (
    ClaimStatus,
    DenialCategory,
    DetailLevel,
    Outcome,
    OutcomeCounts,
    RetryScope,
    UploadStatus,
)
from claims_pipeline.model.payers import AUTO, ListedPayer
from claims_pipeline.model.queries import DensityObservation, Query, QueryKind
from claims_pipeline.model.requests import Patient, Practice, RejectedRow, Request, UploadOptions
from claims_pipeline.model.results import AnsweredRow, Denial, InputRow, MatchedClaim, Result
from claims_pipeline.model.windows import DateWindow, merge_windows, subtract_windows

__all__ = [
    "AUTO", "AdjudicationCode", "AnsweredRow", "ChangeKind", "Check", "Claim", "ClaimStatus",
    "DateWindow", "Deadline", "Denial", "DenialCategory", "DensityObservation", "DetailLevel",
    "InputRow", "ListedPayer", "MatchedClaim", "Outcome", "OutcomeCounts", "Patient", "Payment",
    "Practice", "Query", "QueryKind", "RejectedRow", "Request", "Result", "RetryScope",
    "ServiceLine", "Standing", "StatusCode", "UploadOptions", "UploadStatus", "merge_windows",
    "subtract_windows",
]  # fmt: skip
