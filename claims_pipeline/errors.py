"""What can go wrong, decided once: transient or permanent, whose fault, and what to do.

Messages are sentences for people and never repeat a value from a file or a payer's answer.
"""

import traceback
from enum import StrEnum
from pathlib import PurePath


class ErrorClass(StrEnum):
    """What a payer's error means for the query that met it."""

    TRANSIENT = "transient"
    FIX_INPUT = "fix_input"
    NOT_FOUND = "not_found"
    CONFIG = "config"
    AUTH = "auth"
    SPLIT_WINDOW = "split_window"
    RESTART_PAGING = "restart_paging"
    PARTIAL = "partial"
    NEAR_MATCH = "near_match"
    ESCALATE = "escalate"


class ClaimsError(Exception):
    """An error with a stable code, safe to show and to log: it holds no patient's data."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class FileRefusedError(ClaimsError):
    """The file as a whole cannot be taken; the message says what to do."""


class SettingsError(ClaimsError):
    """A setting is missing or wrong; the message names it."""


class FilesUnreachableError(ClaimsError):
    """The object storage cannot be reached or does not answer as it should; worth another try."""

    def __init__(self) -> None:
        super().__init__(
            "files_unreachable", "The file store cannot be reached right now. Try again later."
        )


class InputError(ClaimsError):
    """A person asked for something that is not there or not allowed."""


class PayerError(ClaimsError):
    """A query could not be answered.

    `error_class` decides what happens to its rows. `pages` is how many pages had been read.
    `is_answer`: the payer itself said so, and is thereby known to live.
    """

    def __init__(
        self,
        error_class: ErrorClass,
        code: str,
        message: str,
        *,
        pages: int = 0,
        is_answer: bool = False,
    ) -> None:
        super().__init__(code, message)
        self.error_class = error_class
        self.pages = pages
        self.is_answer = is_answer


class PayerRefusedError(ClaimsError):
    """Nothing can be asked: our credentials are refused, or nothing is at the payer's address."""


class PayerDownError(ClaimsError):
    """The payer answers nobody at present; what was not asked stays open."""

    def __init__(self) -> None:
        super().__init__(
            "payer_unavailable", "The payer is not answering right now. Retry the rows later."
        )


class AnswersAwaitedError(ClaimsError):
    """All that is left was submitted, and its answers come later."""

    def __init__(self) -> None:
        super().__init__("awaiting_answers", "The payer's answers are yet to come.")


class NothingAnsweredError(ClaimsError):
    """Every row that was asked has failed; code and message are those of the rows."""


class HoldLostError(ClaimsError):
    """This run no longer holds the attempt: another took it over, or it ended."""

    def __init__(self) -> None:
        super().__init__("hold_lost", "Another run holds this attempt; this one stops.")


class CancelRequestedError(ClaimsError):
    """Someone asked to cancel; work stops before the next call."""

    def __init__(self) -> None:
        super().__init__("cancel_requested", "Cancellation was asked for; the run stops.")


class InvariantError(ClaimsError):
    """A promise of the store does not hold; nothing is published."""


class RowsLostError(InvariantError):
    """What was stored of a file are not the records that its reader counted."""

    def __init__(self, *, records: int, stored: int, left_out: int) -> None:
        super().__init__(
            "rows_lost",
            f"The file has {records} records, but {stored} rows were stored and {left_out} lines "
            "left out. Nothing was asked. Ask the operators before you upload it again.",
        )
        self.records = records
        self.stored = stored
        self.left_out = left_out


def described_without_values(error: BaseException) -> str:
    """An exception as text that may be logged: class, stable code and stack, no messages.

    Exception texts of libraries repeat the values they choke on, and those are patient data. Our
    own errors carry none, so their sentence is kept.
    """
    frames = " < ".join(
        f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in reversed(traceback.extract_tb(error.__traceback__)[-8:])
    )
    name = type(error).__name__
    if isinstance(error, ClaimsError):
        return f"{name} [{error.code}] {error.message} ({frames})"
    return f"{name} [internal_error] ({frames})"
