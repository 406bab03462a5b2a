"""What can go wrong on the way through a clearinghouse, by name.

A script is a JSON list of `{"fault": …, "every": 3, "times": 2}`: with `every`, only each third
file, set, provider or inquiry meets it; with `times`, it is over after so many.
"""

from collections.abc import Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class Fault(StrEnum):
    """One kind of fault, and what it is about."""

    # About a whole file.
    TA1_REFUSED = "ta1_refused"
    TWICE = "twice"
    SPLIT = "split"
    CUT_OFF = "cut_off"
    OTHER_SEPARATORS = "other_separators"
    CRLF = "crlf"
    WRONG_COUNTS = "wrong_counts"
    NO_ACKNOWLEDGMENT = "no_acknowledgment"
    LATE = "late"
    ACKNOWLEDGED_CLAIMS = "acknowledged_claims"
    # About a set.
    SET_REFUSED = "set_refused"
    RECEIVER_REJECTED = "receiver_rejected"
    RECEIVER_DOWN = "receiver_down"
    # About a provider.
    PROVIDER_REJECTED = "provider_rejected"
    # About an inquiry.
    INQUIRY_REFUSED = "inquiry_refused"
    MISSING = "missing"
    FOREIGN = "foreign"
    LOWER_CASE = "lower_case"
    MISSING_ELEMENTS = "missing_elements"
    NO_PERSON = "no_person"
    TWO_STATUSES = "two_statuses"
    DOWN = "down"
    REJECTED = "rejected"


class FaultScript(BaseModel):
    """One fault, and how often it happens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fault: Fault
    every: int = Field(default=1, ge=1)
    times: int | None = Field(default=None, ge=0)


def read_scripts(content: bytes) -> list[FaultScript]:
    """The scripts of a JSON list.

    Raises:
        pydantic.ValidationError: what is wrong with it.

    """
    return TypeAdapter(list[FaultScript]).validate_json(content)


class Faults:
    """Decides what goes wrong next. Not for several threads."""

    def __init__(self, scripts: Sequence[FaultScript] = ()) -> None:
        self._scripts = tuple(scripts)
        self._seen = [0] * len(self._scripts)
        self._met = [0] * len(self._scripts)

    def happens(self, fault: Fault) -> bool:
        """Whether what is at hand meets the fault; it is counted."""
        happens = False
        for number, script in enumerate(self._scripts):
            if script.fault is not fault:
                continue
            self._seen[number] += 1
            is_over = script.times is not None and self._met[number] >= script.times
            if self._seen[number] % script.every == 0 and not is_over:
                self._met[number] += 1
                happens = True
        return happens
