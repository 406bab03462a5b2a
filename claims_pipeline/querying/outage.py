"""Tells a payer that is down from one that only fails a query, and gives up when it must.

A query that is given up after all tries says little: it may be this patient or practice that the
payer stumbles over. So, before anything is concluded, the payer's adapter is asked whether the
payer is alive, and where it is, the query is asked again: a short silence may have met all of its
tries. docs/reliability.md has the picture of who decides what when a payer is silent.
"""

import threading
import time
from collections.abc import Callable

from claims_pipeline.errors import ErrorClass, InvariantError, PayerDownError, PayerError
from claims_pipeline.model import Query
from claims_pipeline.payers.base import Answer, AsynchronousPayer, Payer, Submitted
from claims_pipeline.querying.conclusions import failed
from claims_pipeline.store.ledger.entries import Conclusion
from claims_pipeline.store.ledger.ledger import Ledger

_ROWS_AT_ONCE = 5_000


class OutageWatch:
    """Watches one payer for the threads of a lane."""

    def __init__(self, payer: Payer) -> None:
        self._payer = payer
        # Held while the payer is probed: whoever waits for it takes over what was found.
        self._lock = threading.Lock()
        self._answered: Query | None = None
        self._answered_at = float("-inf")
        self._silent_since = float("-inf")
        # Until it was once in vain: then the payer stumbles over queries, and silence is no chance.
        self._asks_again = True

    @property
    def is_down(self) -> bool:
        """Whether the payer was found to answer nobody, and has answered nobody since."""
        return self._silent_since > self._answered_at

    def search(self, query: Query) -> Answer | Submitted:
        """Ask the payer, from any thread; as `Payer.search`, but for what it raises.

        Raises:
            PayerDownError: the payer answers nobody; where that is known, no call is made.
            PayerError: this query cannot be answered, though the payer is alive.
            CancelRequestedError: told to stop meanwhile.

        """
        return self._asked(query, lambda: self._payer.search(query))

    def look(self, reference: str, query: Query) -> Answer | Submitted:
        """Look for an answer that comes later; raises as `search`."""
        payer = self._payer
        if not isinstance(payer, AsynchronousPayer):
            raise InvariantError("nothing_to_look_for", "This channel answers at once.")
        return self._asked(query, lambda: payer.look(reference, query))

    def _asked(self, query: Query, ask: Callable[[], Answer | Submitted]) -> Answer | Submitted:
        if self.is_down:
            raise PayerDownError
        try:
            answer = ask()
        except PayerError as error:
            if not (self._is_silence(error, query) and self._asks_again):
                raise
            answer = self._asked_again(query, ask)
        self._note_answer(query)
        return answer

    def _asked_again(
        self, query: Query, ask: Callable[[], Answer | Submitted]
    ) -> Answer | Submitted:
        try:
            return ask()
        except PayerError as error:
            if self._is_silence(error, query):
                self._asks_again = False
            raise

    def _is_silence(self, error: PayerError, query: Query) -> bool:
        """Whether the payer said nothing to this query, though it is alive.

        Raises:
            PayerDownError: it answers nobody.

        """
        if error.error_class is not ErrorClass.TRANSIENT or error.is_answer:
            return False
        if self._confirm_outage(query):
            raise PayerDownError from None
        return True

    def _note_answer(self, query: Query) -> None:
        self._answered = query
        self._answered_at = time.monotonic()

    def _confirm_outage(self, given_up: Query) -> bool:
        """Whether the payer answers nobody; asked in the thread that gave up this query.

        Asks the payer once at most, however many threads give up one after the other: about what
        it has answered before, where it has answered anything.
        """
        given_up_at = time.monotonic()
        with self._lock:
            if self.is_down or self._answered_at > given_up_at:
                return self.is_down
            like = self._answered or given_up
            if self._payer.is_alive(like):
                self._note_answer(like)
            else:
                # Not since now: what another thread was answered meanwhile counts.
                self._silent_since = given_up_at
            return self.is_down


def fail_open_rows(ledger: Ledger, error: PayerError, *, environment: str) -> None:
    """Conclude all that is open as failed by `error`: there is nobody to ask, or was for too long.

    `environment` is who would have answered; empty where nobody could be asked at all.
    """
    while numbers := ledger.open_row_numbers(_ROWS_AT_ONCE):
        ledger.conclude_rows(
            [
                Conclusion(
                    result=failed(
                        number,
                        error.code,
                        error.message,
                        error.error_class,
                        environment,
                    ),
                    one_per_row_calls=1,
                )
                for number in numbers
            ]
        )
