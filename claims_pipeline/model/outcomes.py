"""What can become of a row, a claim and an upload, and what is chosen for them."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of one input row. A failed call is never `NOT_FOUND`."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    AMBIGUOUS = "ambiguous"
    REJECTED = "rejected"
    FAILED = "failed"
    UNPROCESSED = "unprocessed"


class ClaimStatus(StrEnum):
    """Where a claim stands, in our words; the payer's own stand beside it."""

    ACKNOWLEDGED = "ACKNOWLEDGED"
    PENDING = "PENDING"
    REJECTED = "REJECTED"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    APPROVED = "APPROVED"
    PAID = "PAID"
    CLOSED_NO_PAYMENT = "CLOSED_NO_PAYMENT"
    DENIED = "DENIED"
    ADJUSTED = "ADJUSTED"
    MULTIPLE = "MULTIPLE"
    UNKNOWN = "UNKNOWN"


class DenialCategory(StrEnum):
    """Why a claim, or a part of it, was denied: what an analyst sorts denials by."""

    NO_AUTHORIZATION = "no_authorization"
    FILED_LATE = "filed_late"
    MEDICAL_NECESSITY = "medical_necessity"
    RECORDS_WANTED = "records_wanted"
    CODING = "coding"
    DUPLICATE = "duplicate"
    OTHER_INSURANCE = "other_insurance"
    ELIGIBILITY = "eligibility"
    BUNDLED = "bundled"
    PROVIDER = "provider"
    LIMIT_REACHED = "limit_reached"
    NOT_COVERED = "not_covered"
    OTHER = "other"


class UploadStatus(StrEnum):
    """The state that people see. CANCELLED, COMPLETED and FAILED are terminal."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"

    @property
    def is_terminal(self) -> bool:
        """Whether only an explicit retry leads out of this status."""
        return self in {UploadStatus.CANCELLED, UploadStatus.COMPLETED, UploadStatus.FAILED}


class RetryScope(StrEnum):
    """Which rows a new attempt asks again."""

    FAILED = "failed"
    NOT_FOUND = "not_found"
    OPEN = "open"
    ALL = "all"


class DetailLevel(StrEnum):
    """How much beyond the summary is fetched for the claims that were matched."""

    SUMMARY = "summary"
    REASONS = "reasons"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCounts:
    """Rows by outcome. `open` rows have no answer yet. I1: all of them add up to `total`."""

    total: int = 0
    found: int = 0
    not_found: int = 0
    ambiguous: int = 0
    rejected: int = 0
    failed: int = 0
    unprocessed: int = 0

    @property
    def with_outcome(self) -> int:
        """Rows that have an answer."""
        return (
            self.found
            + self.not_found
            + self.ambiguous
            + self.rejected
            + self.failed
            + self.unprocessed
        )

    @property
    def done(self) -> int:
        """Rows that are done: settled, but for those that a cancellation left out."""
        return self.with_outcome - self.unprocessed

    @property
    def answered(self) -> int:
        """Rows to which the payer has said something."""
        return self.found + self.not_found + self.ambiguous
