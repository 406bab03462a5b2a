"""TA1 and 999: whether what we sent was taken, before anybody looked at what it asks."""

from collections.abc import Iterator

from claims_pipeline.payers.x12.replies import InterchangeAck, SetAck, SetError, Verdict
from claims_pipeline.payers.x12.segments import Segment

_INTERCHANGE_VERDICTS = {"A": Verdict.TAKEN, "E": Verdict.NOTED, "R": Verdict.REFUSED}
# A part of a group may be taken: its sets say which.
_SET_VERDICTS = {
    "A": Verdict.TAKEN,
    "E": Verdict.NOTED,
    "P": Verdict.NOTED,
    "R": Verdict.REFUSED,
    "M": Verdict.REFUSED,
    "W": Verdict.REFUSED,
    "X": Verdict.REFUSED,
}
_INQUIRY_KIND = "HR"
_TRACE = "TRN02"


def read_interchange_ack(segment: Segment) -> InterchangeAck | None:
    """A TA1; None when it says nothing of a known kind."""
    verdict = _INTERCHANGE_VERDICTS.get(segment.at(4).upper())
    if verdict is None or not segment.at(1):
        return None
    return InterchangeAck(interchange=segment.at(1), verdict=verdict, note=segment.at(5))


class GroupReader:
    """One 999: its words about our groups and sets."""

    def __init__(self) -> None:
        self._group: str | None = None
        self._set: str | None = None
        self._verdict: Verdict | None = None
        self._errors: list[SetError] = []
        self._open_error: SetError | None = None

    def take(self, segment: Segment) -> Iterator[SetAck]:
        """Read on; an answer about a set is complete where the next thing begins."""
        match segment.id:
            case "AK1":
                yield from self._finish_set()
                # About another kind of group, its numbers are not ours.
                self._group = segment.at(2) if segment.at(1) in {_INQUIRY_KIND, ""} else None
            case "AK2":
                yield from self._finish_set()
                self._set = segment.at(2)
            case "IK3" | "AK3":
                self._close_error()
                self._open_error = SetError(segment=segment.at(1), code=segment.at(4))
            case "CTX":
                self._add_context(segment)
            case "IK5" | "AK5":
                self._verdict = _SET_VERDICTS.get(segment.at(1).upper())
                yield from self._finish_set()
            case "AK9":
                yield from self._finish_set()
                verdict = _SET_VERDICTS.get(segment.at(1).upper())
                if self._group and verdict is not None:
                    yield SetAck(group=self._group, set=None, verdict=verdict)

    def end(self) -> Iterator[SetAck]:
        """The set is over. What has no verdict says nothing."""
        yield from self._finish_set()

    def _add_context(self, segment: Segment) -> None:
        if self._open_error is None:
            return
        parts = segment.parts(1)
        if len(parts) >= 2 and parts[0].upper() == _TRACE and parts[1]:
            error = self._open_error
            self._open_error = SetError(
                segment=error.segment, code=error.code, traces=(*error.traces, parts[1])
            )

    def _close_error(self) -> None:
        if self._open_error is not None:
            self._errors.append(self._open_error)
        self._open_error = None

    def _finish_set(self) -> Iterator[SetAck]:
        self._close_error()
        if self._group and self._set and self._verdict is not None:
            yield SetAck(
                group=self._group,
                set=self._set,
                verdict=self._verdict,
                errors=tuple(self._errors),
            )
        self._set, self._verdict, self._errors = None, None, []
