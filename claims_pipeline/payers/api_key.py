"""Keys that do not expire, for channels that give out no tokens."""

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.payers.transport import Signature


class ApiKey:
    """Signs calls with a key; one that is refused is refused for good."""

    def __init__(self, header: str) -> None:
        self._signature = Signature(number=1, header=header)

    def current(self) -> Signature:
        """The key as an Authorization header."""
        return self._signature

    def accepted(self, signature: Signature) -> None:
        """Nothing is remembered: there is no other key to change to."""

    def refused(self, signature: Signature) -> None:
        """Tell everybody that the key is of no use.

        Raises:
            PayerError: `auth`.

        """
        del signature
        raise credentials_refused()


def credentials_refused() -> PayerError:
    """The error of a key, or of an id and secret, that is not accepted."""
    return PayerError(
        ErrorClass.AUTH,
        "credentials_refused",
        "The payer refused the credentials. Check them in the settings.",
    )
