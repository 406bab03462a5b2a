"""Keys that do not expire, for channels that give out no tokens."""

import threading
import time

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.payers.transport import Signature

# Longer than the payers' slow answers; a payer that never answers holds the others back no longer.
_LONGEST_WAIT_S = 20.0
_LOOK_UP_EVERY_S = 0.1


class ApiKey:
    """Signs calls with a key; one that is refused is refused for good.

    Until the payer has taken it once, one thread calls and the others wait for what becomes of
    it: a wrong key is tried once, and not by every thread. `stop` ends the waiting.
    """

    def __init__(self, header: str, stop: threading.Event) -> None:
        self._signature = Signature(number=1, header=header)
        self._stop = stop
        self._lock = threading.Lock()
        self._trying: int | None = None
        self._is_known = threading.Event()
        self._is_refused = False

    def current(self) -> Signature:
        """The key as an Authorization header.

        Raises:
            PayerError: `auth` when it has been refused.

        """
        with self._lock:
            if self._trying is None:
                self._trying = threading.get_ident()
        if self._trying != threading.get_ident():
            given_up_at = time.monotonic() + _LONGEST_WAIT_S
            while not (self._is_known.is_set() or self._stop.is_set()):
                if time.monotonic() > given_up_at:
                    break
                self._is_known.wait(_LOOK_UP_EVERY_S)
        if self._is_refused:
            raise credentials_refused()
        return self._signature

    def accepted(self, signature: Signature) -> None:
        """Let the others call: the key is taken."""
        del signature
        self._is_known.set()

    def refused(self, signature: Signature) -> None:
        """Tell everybody that the key is of no use.

        Raises:
            PayerError: `auth`.

        """
        del signature
        self._is_refused = True
        self._is_known.set()
        raise credentials_refused()


def credentials_refused() -> PayerError:
    """The error of a key, or of an id and secret, that is not accepted."""
    return PayerError(
        ErrorClass.AUTH,
        "credentials_refused",
        "The payer refused the credentials. Check them in the settings.",
    )
