"""Tells a payer that is down from one that only fails a query, and gives up when it must.

A query that is given up after all tries says little: it may be this patient or practice that the
payer stumbles over. So, before anything is concluded, the payer is asked something else: one small
search under a practice that it has answered before.
"""

import threading
import time
from datetime import date

from claims_pipeline.errors import ErrorClass, PayerDownError, PayerError
from claims_pipeline.model import DateWindow, Query, QueryKind
from claims_pipeline.payers.base import Answer, Payer
from claims_pipeline.querying.conclusions import failed
from claims_pipeline.store.ledger.entries import Conclusion
from claims_pipeline.store.ledger.ledger import Ledger

_ROWS_AT_ONCE = 5_000


class OutageWatch:
    """Watches one payer for the threads of a lane."""

    def __init__(self, payer: Payer, *, today: date) -> None:
        self._payer = payer
        self._today = today
        # Held while the payer is probed: whoever waits for it takes over what was found.
        self._lock = threading.Lock()
        self._answered: Query | None = None
        self._answered_at = float("-inf")
        self._silent_since = float("-inf")

    @property
    def is_down(self) -> bool:
        """Whether the payer was found to answer nobody, and has answered nobody since."""
        return self._silent_since > self._answered_at

    def search(self, query: Query) -> Answer:
        """Ask the payer, from any thread; as `Payer.search`, but for what it raises.

        A query that is given up although the payer answers others is asked once more: the payer
        may have been down for a moment and be back.

        Raises:
            PayerDownError: the payer answers nobody; where that is known, no call is made.
            PayerError: this query cannot be answered.
            CancelRequestedError: told to stop meanwhile.

        """
        if self.is_down:
            raise PayerDownError
        try:
            return self._search(query)
        except PayerError as error:
            if error.error_class is not ErrorClass.TRANSIENT:
                raise
        return self._search(query)

    def _search(self, query: Query) -> Answer:
        try:
            answer = self._payer.search(query)
        except PayerError as error:
            if error.error_class is ErrorClass.TRANSIENT and self._confirm_outage(query):
                raise PayerDownError from None
            raise
        self._note_answer(query)
        return answer

    def _note_answer(self, query: Query) -> None:
        self._answered = query
        self._answered_at = time.monotonic()

    def _confirm_outage(self, given_up: Query) -> bool:
        """Whether the payer answers nobody; asked in the thread that gave up this query.

        Costs one search at most, however many threads give up one after the other.
        """
        given_up_at = time.monotonic()
        with self._lock:
            asks = not self.is_down and self._answered_at <= given_up_at
            if asks and not self._answers(self._answered or given_up):
                # Not since now: what another thread was answered meanwhile counts.
                self._silent_since = given_up_at
            return self.is_down

    def _answers(self, practice_of: Query) -> bool:
        """Ask for today's claims of a practice; what comes back is of no interest."""
        probe = Query(
            kind=QueryKind.SWEEP,
            tin=practice_of.tin,
            payer_id=practice_of.payer_id,
            window=DateWindow(self._today, self._today),
            row_numbers=(),
            page_limit=1,
        )
        try:
            self._payer.search(probe)
        except PayerError as error:
            if error.error_class is ErrorClass.AUTH:
                raise
            return error.error_class is not ErrorClass.TRANSIENT
        self._note_answer(probe)
        return True


def fail_open_rows(ledger: Ledger, payer: Payer) -> None:
    """Conclude all that is open as failed: the payer was down for as long as anybody waits."""
    down = PayerDownError()
    while numbers := ledger.open_row_numbers(_ROWS_AT_ONCE):
        ledger.conclude_rows(
            [
                Conclusion(
                    result=failed(
                        number,
                        down.code,
                        down.message,
                        ErrorClass.TRANSIENT,
                        payer.environment,
                    ),
                    one_per_row_calls=1,
                )
                for number in numbers
            ]
        )
