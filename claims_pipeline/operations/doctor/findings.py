"""What was looked at, and how it is."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """`WARNING`: it works, and somebody should decide whether it is meant."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How one thing is; the message says what to do and holds no secret."""

    subject: str
    state: State
    message: str


def ok(subject: str, message: str) -> Finding:
    """It is as it should be."""
    return Finding(subject=subject, state=State.OK, message=message)


def warning(subject: str, message: str) -> Finding:
    """It works, but may not be meant."""
    return Finding(subject=subject, state=State.WARNING, message=message)


def failed(subject: str, message: str) -> Finding:
    """It does not work, or lets out what it must not."""
    return Finding(subject=subject, state=State.FAILED, message=message)
