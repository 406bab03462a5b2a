"""Fault scripts: which calls go wrong, when, and how.

A script is JSON, such as `{"match": {"kind": "summary"}, "when": {"nth": 3}, "what": {"status":
503}}`. For each call the first script that matches it and is due decides what happens.
"""

import time
from collections.abc import Callable, Sequence
from email.utils import formatdate
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from claims_pipeline.sandbox.part import CallFacts
from claims_pipeline.sandbox.world.dice import Dice


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FaultMatch(_Part):
    """Which calls: every condition that is given must hold.

    `channel` and `kind` are named as in `/sandbox/stats`. `single` is True for searches that name
    a patient, False for those that do not; `further_page` is True for calls for a further page, or
    for a further look at what was submitted.
    """

    channel: str | None = None
    kind: str | None = None
    tin: str | None = None
    patient_last_name: str | None = None
    single: bool | None = None
    further_page: bool | None = None

    def fits(self, channel: str, facts: CallFacts) -> bool:
        """Whether a call is meant."""
        return (
            self.channel in (None, channel)
            and self.kind in (None, facts.kind)
            and self.tin in (None, facts.tin)
            and self.patient_last_name in (None, facts.patient_last_name)
            and self.single in (None, facts.patient_last_name is not None)
            and self.further_page in (None, facts.further_page)
        )


class FaultWhen(_Part):
    """When, among the calls that match: every condition that is given must hold.

    `nth` counts from 1, `from_nth` means that one and all later, `every` each k-th, `share` is a
    probability drawn with `seed`; `times` ends the script after so many faults; `after_s` and
    `until_s` are seconds since the scripts were set.
    """

    nth: Annotated[int, Field(ge=1)] | None = None
    from_nth: Annotated[int, Field(ge=1)] = 1
    every: Annotated[int, Field(ge=1)] | None = None
    share: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: int = 0
    times: Annotated[int, Field(ge=1)] | None = None
    after_s: float = 0.0
    until_s: float | None = None

    def is_due(self, *, count: int, fired: int, elapsed_s: float) -> bool:
        """Whether the `count`-th matching call goes wrong, after `fired` have."""
        return (
            self.nth in (None, count)
            and count >= self.from_nth
            and (self.every is None or count % self.every == 0)
            and (self.times is None or fired < self.times)
            and self.after_s <= elapsed_s
            and (self.until_s is None or elapsed_s < self.until_s)
            and (
                self.share is None
                or Dice(self.seed, "fault", count).below(1_000_000) < self.share * 1_000_000
            )
        )


class FaultWhat(_Part):
    """How a call goes wrong.

    The answer is replaced by `status` (with `headers`, `body`), by the payer's error `code`, by a
    page of `html` with 200, or by `big_body_bytes` of JSON. `retry_after_date_s` adds a
    Retry-After date, so many seconds from now (negative: in the past). `expire_tokens` ends every
    token before the call is answered. `claims` changes the entries of a summary page;
    `keep_claims` sends an error `code` together with them. `empty`, `truncated` (half of the
    body, sent as if it were all), `reset` (the connection, half-way), `drip_bytes_per_s` and
    `delay_s` spoil the delivery of whatever the answer is.
    """

    status: Annotated[int, Field(ge=200, le=599)] | None = None
    headers: dict[str, str] = {}
    body: str | None = None
    code: str | None = None
    keep_claims: bool = False
    html: bool = False
    big_body_bytes: Annotated[int, Field(ge=1, le=1 << 30)] | None = None
    retry_after_date_s: float | None = None
    expire_tokens: bool = False
    claims: Literal["reordered", "duplicated", "missing", "foreign", "unreadable"] | None = None
    empty: bool = False
    truncated: bool = False
    reset: bool = False
    drip_bytes_per_s: Annotated[float, Field(gt=0)] | None = None
    delay_s: Annotated[float, Field(ge=0)] = 0.0

    @property
    def spoils_the_answer(self) -> bool:
        """Whether more happens than a delay."""
        return self.model_copy(update={"delay_s": 0.0}) != FaultWhat()

    def extra_headers(self) -> list[tuple[str, str]]:
        """The headers to send, a Retry-After date counted from now."""
        headers = list(self.headers.items())
        if self.retry_after_date_s is not None:
            moment = time.time() + self.retry_after_date_s
            headers.append(("Retry-After", formatdate(moment, usegmt=True)))
        return headers


class FaultScript(_Part):
    """One script. Without `match` it means every call, without `when` always."""

    match: FaultMatch = FaultMatch()
    when: FaultWhen = FaultWhen()
    what: FaultWhat


_SCRIPTS = TypeAdapter(list[FaultScript])


def read_scripts(text: str | bytes) -> list[FaultScript]:
    """Read a JSON list of scripts.

    Raises:
        pydantic.ValidationError: naming what is wrong where.

    """
    return _SCRIPTS.validate_json(text)


class Faults:
    """The scripts in force, and how often each has matched and fired."""

    def __init__(
        self, scripts: Sequence[FaultScript] = (), *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._since = clock()
        self._scripts = tuple(scripts)
        self._matched = [0] * len(scripts)
        self._fired = [0] * len(scripts)

    def choose(self, channel: str, facts: CallFacts) -> FaultWhat | None:
        """Count a call and return what goes wrong with it, if anything does."""
        chosen: FaultWhat | None = None
        elapsed_s = self._clock() - self._since if self._scripts else 0.0
        for index, script in enumerate(self._scripts):
            if not script.match.fits(channel, facts):
                continue
            self._matched[index] += 1
            if chosen is None and script.when.is_due(
                count=self._matched[index], fired=self._fired[index], elapsed_s=elapsed_s
            ):
                self._fired[index] += 1
                chosen = script.what
        return chosen
