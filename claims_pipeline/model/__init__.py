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
from claims_pipeline.model.payers import AUTO, DEFAULT_PAYER, ListedPayer
from claims_pipeline.model.queries import (
    BillingProvider,
    DensityObservation,
    Member,
    Query,
    QueryKind,
    billing_provider,
)
from claims_pipeline.model.requests import Patient, Practice, RejectedRow, Request, UploadOptions
from claims_pipeline.model.results import AnsweredRow, Denial, InputRow, MatchedClaim, Result
from claims_pipeline.model.windows import DateWindow, merge_windows, subtract_windows

__all__ = [
    "AUTO", "DEFAULT_PAYER", "AdjudicationCode", "AnsweredRow", "BillingProvider", "ChangeKind",
    "Check", "Claim", "ClaimStatus", "DateWindow", "Deadline", "Denial", "DenialCategory",
    "DensityObservation", "DetailLevel", "InputRow", "ListedPayer", "MatchedClaim", "Member",
    "Outcome", "OutcomeCounts", "Patient", "Payment", "Practice", "Query", "QueryKind",
    "RejectedRow", "Request", "Result", "RetryScope", "ServiceLine", "Standing", "StatusCode",
    "UploadOptions", "UploadStatus", "billing_provider", "merge_windows", "subtract_windows",
]  # fmt: skip
