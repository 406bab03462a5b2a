"""The values that flow from a CSV to its answers.

Every room speaks in these types; none of them knows a database, a network or Dagster. Money is
`Decimal` (US dollars, two places), instants are aware UTC, calendar dates are `date` and are never
shifted by a time zone. Fields that a payer may leave out are optional.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
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
    PAID = "PAID"
    CLOSED_NO_PAYMENT = "CLOSED_NO_PAYMENT"
    DENIED = "DENIED"
    ADJUSTED = "ADJUSTED"
    MULTIPLE = "MULTIPLE"
    UNKNOWN = "UNKNOWN"


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


class QueryKind(StrEnum):
    """A sweep asks for a whole practice and date range, a single for one patient."""

    SWEEP = "sweep"
    SINGLE = "single"


@dataclass(frozen=True, slots=True, order=True)
class DateWindow:
    """Calendar days from `first` to `last`, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("a date window ends before it begins")

    @property
    def days(self) -> int:
        """Length in days; a window of one day has length 1."""
        return (self.last - self.first).days + 1

    def contains(self, other: "DateWindow") -> bool:
        """Whether every day of `other` is in this window."""
        return self.first <= other.first and other.last <= self.last

    def overlaps(self, other: "DateWindow") -> bool:
        """Whether the two share a day."""
        return self.first <= other.last and other.first <= self.last

    def intersection(self, other: "DateWindow") -> "DateWindow | None":
        """The days in both, if any."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return DateWindow(first, last) if first <= last else None

    def split(self, max_days: int) -> Iterator["DateWindow"]:
        """Cut into windows of at most `max_days`, oldest first."""
        first = self.first
        while first <= self.last:
            last = min(self.last, first + timedelta(days=max_days - 1))
            yield DateWindow(first, last)
            first = last + timedelta(days=1)


def merge_windows(windows: Iterable[DateWindow]) -> tuple[DateWindow, ...]:
    """Union of windows as disjoint, non-adjacent windows, oldest first."""
    merged: list[DateWindow] = []
    for window in sorted(windows):
        if merged and window.first <= merged[-1].last + timedelta(days=1):
            if window.last > merged[-1].last:
                merged[-1] = DateWindow(merged[-1].first, window.last)
        else:
            merged.append(window)
    return tuple(merged)


def subtract_windows(window: DateWindow, covered: Iterable[DateWindow]) -> tuple[DateWindow, ...]:
    """What of `window` no window of `covered` contains, oldest first."""
    remaining: list[DateWindow] = []
    first = window.first
    for done in merge_windows(covered):
        if done.last < first:
            continue
        if done.first > window.last:
            break
        if done.first > first:
            remaining.append(DateWindow(first, done.first - timedelta(days=1)))
        first = done.last + timedelta(days=1)
    if first <= window.last:
        remaining.append(DateWindow(first, window.last))
    return tuple(remaining)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """The person a row asks about, as the file names them."""

    first_name: str
    last_name: str
    date_of_birth: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """A healthcare provider that an organization works for. `tin` is 9 digits."""

    practice_id: str
    tin: str
    name: str
    payer_id: str | None = None
    is_default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One valid row: what is to be asked.

    `row_number` counts records from 1 (the header is not counted), `line_number` is the physical
    line on which the record begins (the header is line 1). `service` holds the row's own dates,
    not yet widened. `cells` is the row as it stood in the file, one text per header column.
    `duplicate_of` is the row number of the first row that asks exactly the same.
    """

    row_number: int
    line_number: int
    practice_id: str
    tin: str
    payer_id: str
    patient: Patient
    claim_number: str | None = None
    patient_account_number: str | None = None
    subscriber_id: str | None = None
    service: DateWindow | None = None
    total_charged: Decimal | None = None
    cells: tuple[str, ...] = ()
    duplicate_of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A row that cannot be asked: where, why, and what to do.

    `column` is the canonical column name, or None when the row as a whole is at fault. `message`
    says what to do and never repeats a cell's value.
    """

    row_number: int
    line_number: int
    column: str | None
    code: str
    message: str
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadOptions:
    """What the person who uploaded chose for the whole file."""

    use_sweeps: bool = True
    start_date: date | None = None
    end_date: date | None = None
    detail_level: DetailLevel = DetailLevel.REASONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One search at the payer, all its pages included.

    `row_numbers` are the requests it can answer. `patient` is set on singles only. `page_limit`
    ends a sweep early: a sweep that is not complete after that many pages has cost as much as the
    singles it was to replace, and the planner decides anew.
    """

    kind: QueryKind
    tin: str
    payer_id: str
    window: DateWindow
    row_numbers: tuple[int, ...]
    patient: Patient | None = None
    page_limit: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusCode:
    """One crosswalk row: X12 507 category and 508 status with the payer's descriptions.

    Split claims bring several, one per ICN suffix; `draft_number` ties a suffix to its payment.
    """

    category_code: str | None = None
    category_description: str | None = None
    status_code: str | None = None
    status_description: str | None = None
    icn_suffix: str | None = None
    draft_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjudicationCode:
    """A remark, CARC, RARC or other code, on the claim or (with `line_number`) on a line."""

    kind: str
    code: str
    description: str | None = None
    line_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One check or EFT. `amount` is this claim's part, `total` the whole payment."""

    number: str | None = None
    kind: str | None = None
    issued: date | None = None
    amount: Decimal | None = None
    total: Decimal | None = None
    draft_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the payer returned, mapped once from its JSON. Every field may be missing.

    `line_statuses_differ` tells a partly denied claim (detail only). `reconciled` is None unless
    lines, drafts and the paid total were all there to compare.
    """

    payer_id: str
    tin: str
    claim_number: str
    patient_first_name: str | None = None
    patient_last_name: str | None = None
    patient_date_of_birth: date | None = None
    subscriber_id: str | None = None
    patient_account_number: str | None = None
    service_from: date | None = None
    service_to: date | None = None
    received: date | None = None
    processed: date | None = None
    processed_time: str | None = None
    claim_type: str | None = None
    network_status: str | None = None
    rendering_provider: str | None = None
    payer_status: str | None = None
    status_codes: tuple[StatusCode, ...] = ()
    codes: tuple[AdjudicationCode, ...] = ()
    total_charged: Decimal | None = None
    total_allowed: Decimal | None = None
    total_paid: Decimal | None = None
    provider_write_off: Decimal | None = None
    not_covered: Decimal | None = None
    deductible: Decimal | None = None
    copay: Decimal | None = None
    coinsurance: Decimal | None = None
    patient_responsibility: Decimal | None = None
    payments: tuple[Payment, ...] = ()
    partial_denial: bool | None = None
    reconciled: bool | None = None
    detail_available: bool = False
    detail_error: str | None = None

    @property
    def identity(self) -> tuple[str, ...]:
        """Payer id, TIN, claim number, ICN suffixes and service dates: the same claim or not.

        A later version of a claim has the same identity and a later processed date.
        """
        suffixes = sorted({code.icn_suffix for code in self.status_codes if code.icn_suffix})
        return (
            self.payer_id,
            self.tin,
            self.claim_number,
            ",".join(suffixes),
            self.service_from.isoformat() if self.service_from else "",
            self.service_to.isoformat() if self.service_to else "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedClaim:
    """A claim that answers a row, with our reading of its status."""

    claim: Claim
    status: ClaimStatus
    next_action: str
    primary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The answer to one row: an outcome, and zero or more claims, best first."""

    row_number: int
    outcome: Outcome
    claims: tuple[MatchedClaim, ...] = ()
    matched_by: str | None = None
    match_note: str | None = None
    next_action: str | None = None
    searched: DateWindow | None = None
    search: QueryKind | None = None
    error_code: str | None = None
    error_message: str | None = None
    payer_environment: str | None = None
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRow:
    """One record of the input file as it stood, accepted or rejected, for writing files."""

    row_number: int
    line_number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredRow:
    """An input row with its answer: what the exports write."""

    row: InputRow
    result: Result
    tin: str | None = None
    payer_id: str | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DensityObservation:
    """How many claims a practice had in a window, learned from an answered search.

    `at_least` marks a lower bound: the search hit the payer's cap or the page limit.
    """

    tin: str
    payer_id: str
    window: DateWindow
    claims: int
    at_least: bool = False
    observed_at: datetime | None = field(default=None, compare=False)
