"""What every payer's adapter offers, and what it is given.

An adapter turns a `Query` into claims. It knows no database: caps that must hold across
processes come in as a `Limiter`, and every HTTP exchange goes out through `on_call`.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from claims_pipeline.model import Claim, DetailLevel, Patient, Query

# Error code of a call that did not leave this machine.
NOT_CONNECTED = "not_connected"
# Error code of a search or detail call that was answered by a 404 not of the payer's making.
NOTHING_THERE = "http_404"
# Error code of a look for an answer that nobody knows (any longer) to have been submitted.
REFERENCE_UNKNOWN = "reference_unknown"


class CallKind(StrEnum):
    """What a call was for. Tokens are not counted as calls to the payer."""

    TOKEN = "token"  # noqa: S105 - a kind of call, not a secret
    SEARCH = "search"
    DETAIL = "detail"
    PAYMENT = "payment"
    # A further look at what was submitted, whose answer comes later.
    LOOK = "look"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a payer's search can do, in days, claims and months.

    `look_back_months` before today is the oldest day that may be asked for; `max_results` is the
    most claims one search returns before it must be narrowed. `details`: lines and payments of a
    claim take calls of their own. `needs` are the columns that a row
    must have, named as in files: `subscriber_id`, `gender`, `npi` (the row's or its practice's).
    `by_npi`: who billed is part of what a single asks.
    `asynchronous`: the answer comes later. `max_in_flight` is the most calls that the channel bears
    at the same time, of those that wait for their answer. `billed_per_answer`: answers are paid.
    """

    single_by_claim_number: bool
    single_by_patient: bool
    sweep: bool
    max_window_days: int
    look_back_months: int
    page_size: int
    max_results: int
    details: bool = True
    needs: frozenset[str] = frozenset()
    by_npi: bool = False
    asynchronous: bool = False
    max_in_flight: int | None = None
    billed_per_answer: bool = False

    def oldest_day(self, today: date) -> date:
        """The first day of the look-back."""
        month = today.year * 12 + today.month - 1 - self.look_back_months
        year, month = divmod(month, 12)
        day = today.day
        while True:
            try:
                return date(year, month + 1, day)
            except ValueError:
                # 29 February, two years before a day that a common year does not have.
                day -= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One HTTP exchange, for counting and for the operators: no patient's data in it.

    `http_status` is None when no answer came. `try_number` counts from 1.
    """

    kind: CallKind
    started_at: datetime
    duration_s: float
    http_status: int | None
    error_code: str | None
    try_number: int

    @property
    def was_sent(self) -> bool:
        """Whether the payer may have seen it; if not, it is on record and not counted."""
        return self.error_code != NOT_CONNECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """All that one search brought.

    `complete`: every page was read and every claim on them understood, so that a row which no
    claim fits is proven not found. `incomplete_reason` is one of `page_limit`, `result_cap`,
    `partial`, `unreadable_claims`. `claims_seen` counts what the payer returned, unrelated and
    unreadable ones included. `transaction` keys detail and payment calls of these claims.
    """

    claims: tuple[Claim, ...]
    claims_seen: int
    pages: int
    complete: bool
    incomplete_reason: str | None = None
    transaction: str | None = None
    unrelated_claims: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What was sent, and is answered later: by `reference` the answer is looked for.

    The reference tells nothing of a patient. Looking before `next_look_at` is in vain.
    """

    reference: str
    next_look_at: datetime


class Limiter(Protocol):
    """Rate and concurrency caps of one (organization, payer), across threads and processes."""

    def slot(self, stop: threading.Event) -> AbstractContextManager[None]:
        """Hold one of the payer's slots; waits for pause, rate and a free slot.

        Raises:
            PayerError: transient `payer_unavailable` when the breaker is open.
            CancelRequestedError: when `stop` is set while waiting.

        """
        ...

    def pause(self, seconds: float) -> None:
        """Nobody calls this payer for `seconds`: it answered 429 or 503 with Retry-After."""
        ...

    def succeeded(self) -> None:
        """Close the breaker: the payer answered."""
        ...

    def failed(self) -> None:
        """Count a transient failure towards the breaker."""
        ...


class Payer(Protocol):
    """The payers of one channel, ready to be asked. Safe to use from many threads."""

    @property
    def name(self) -> str:
        """The channel's short name, as in payer tables and settings."""
        ...

    @property
    def environment(self) -> str:
        """`production` or `sandbox`; stands in every result."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What its search can do."""
        ...

    def can_ask(self, patient: Patient) -> bool:
        """Whether a single can ask for the patient: what the wire holds of the name is a name."""
        ...

    def search(self, query: Query) -> Answer | Submitted:
        """Ask one query, following its pages; or submit it, where the answer comes later.

        Raises:
            PayerError: with the class that decides what becomes of the query's rows.
            CancelRequestedError: when the transport was told to stop.

        """
        ...

    def is_alive(self, like: Query) -> bool:
        """Whether the payer answers anybody, by one small search that is `like` one it can answer.

        Any answer is one, a refusal too. Only the adapter knows what a payer can be asked: not
        each has sweeps, and some answer nothing about a day.

        Raises:
            PayerError: `auth` only.
            CancelRequestedError: told to stop.

        """
        ...

    def enrich(self, claim: Claim, *, transaction: str | None, level: DetailLevel) -> Claim:
        """Fetch detail and payments as `level` asks for; never raises for a payer's error.

        What could not be fetched leaves the summary, with `detail_error` set.
        """
        ...

    def wants_detail(self, claim: Claim, level: DetailLevel) -> bool:
        """Whether `enrich` would make a call for this claim."""
        ...

    def close(self) -> None:
        """Close the connections; asking again opens new ones."""
        ...


@runtime_checkable
class AsynchronousPayer(Payer, Protocol):
    """One whose answers come later."""

    def look(self, reference: str, query: Query) -> Answer | Submitted:
        """Look for the answer to what was submitted; gives a later look while there is none.

        Raises:
            PayerError: as `search`; transient `REFERENCE_UNKNOWN` when nothing is known of it.
            CancelRequestedError: when the transport was told to stop.

        """
        ...


OnCall = Callable[[CallRecord], None]
