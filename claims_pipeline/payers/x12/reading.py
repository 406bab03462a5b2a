"""A clearinghouse's file, read to replies: tolerant per claim, never per file.

The file streams: what is kept is the claim at hand. What is not understood is counted and left
out; nothing is guessed, and no exception is raised for what a file holds.
"""

from collections.abc import Iterable, Iterator

from claims_pipeline.payers.x12.acknowledgements import GroupReader, read_interchange_ack
from claims_pipeline.payers.x12.replies import FileTally, Reply, SetKey
from claims_pipeline.payers.x12.segments import Segment, read_segments
from claims_pipeline.payers.x12.statuses import StatusSetReader

# 277 for health care claim acknowledgment: another transaction, about claims as they come in.
_ACKNOWLEDGMENT_VERSION = "005010X214"
_ACKNOWLEDGMENT_STRUCTURE = "0085"
_STATUS_STRUCTURE = "0010"


def read_replies(chunks: Iterable[bytes], tally: FileTally) -> Iterator[Reply]:
    """Every reply of a file, in its order; `tally` counts what is in it and what was left out."""
    reader = _FileReader(tally)
    for segment in read_segments(chunks, tally.bytes):
        yield from reader.take(segment)
    yield from reader.end()


class _FileReader:
    """Follows the envelopes, and hands each set's segments to who reads its kind."""

    def __init__(self, tally: FileTally) -> None:
        self._tally = tally
        self._interchange = ""
        self._groups = 0
        self._is_in_interchange = False
        self._group = ""
        self._version = ""
        self._sets = 0
        self._set = ""
        self._segments_in_set = 0
        self._is_in_set = False
        self._kind = ""
        self._statuses: StatusSetReader | None = None
        self._acks: GroupReader | None = None

    def take(self, segment: Segment) -> Iterator[Reply]:
        self._segments_in_set += 1
        match segment.id:
            case "ISA":
                yield from self._begin_interchange(segment)
            case "TA1":
                self._tally.interchange_acks += 1
                if (ack := read_interchange_ack(segment)) is not None:
                    yield ack
                else:
                    self._tally.unreadable_values += 1
            case "GS":
                yield from self._leave_set()
                self._groups += 1
                self._group, self._version = segment.at(6), segment.at(8)
                self._sets = 0
            case "ST":
                yield from self._leave_set()
                self._begin_set(segment)
            case "SE":
                yield from self._end_set(segment)
            case "GE":
                yield from self._leave_set()
                self._check(segment.at(1), self._sets, segment.at(2), self._group)
            case "IEA":
                yield from self._leave_set()
                self._check(segment.at(1), self._groups, segment.at(2), self._interchange)
                self._is_in_interchange = False
            case _:
                yield from self._take_in_set(segment)

    def end(self) -> Iterator[Reply]:
        """The file is over: an interchange that is still open has been cut off."""
        yield from self._cut_off()

    def _begin_interchange(self, segment: Segment) -> Iterator[Reply]:
        yield from self._cut_off()
        self._tally.interchanges += 1
        self._interchange = segment.at(13)
        self._is_in_interchange = True
        self._groups = 0
        self._group = self._version = ""

    def _begin_set(self, segment: Segment) -> None:
        self._sets += 1
        self._set = segment.at(2)
        self._is_in_set = True
        self._segments_in_set = 1
        self._kind = segment.at(1)
        version = segment.at(3) or self._version
        if self._kind == "277":
            if version.startswith(_ACKNOWLEDGMENT_VERSION):
                self._tally.sets_277ca += 1
                return
            self._tally.sets_277 += 1
            key = SetKey(interchange=self._interchange, group=self._group, set=self._set)
            self._statuses = StatusSetReader(key, self._tally)
        elif self._kind == "999":
            self._tally.sets_999 += 1
            self._acks = GroupReader()
        else:
            self._tally.sets_other += 1

    def _take_in_set(self, segment: Segment) -> Iterator[Reply]:
        if segment.id == "BHT" and self._statuses is not None and not self._is_status(segment):
            # Only its structure tells: the version was missing or says something else.
            self._statuses = None
            self._tally.sets_277 -= 1
            if segment.at(1) == _ACKNOWLEDGMENT_STRUCTURE:
                self._tally.sets_277ca += 1
            else:
                self._tally.sets_other += 1
        elif self._statuses is not None:
            yield from self._statuses.take(segment)
        elif self._acks is not None:
            yield from self._acks.take(segment)
        elif not self._is_in_set:
            self._tally.unknown_segments += 1

    def _is_status(self, bht: Segment) -> bool:
        return bht.at(1) in {_STATUS_STRUCTURE, ""}

    def _end_set(self, segment: Segment) -> Iterator[Reply]:
        if not self._is_in_set:
            self._tally.unknown_segments += 1
            return
        self._check(segment.at(1), self._segments_in_set, segment.at(2), self._set)
        if self._statuses is not None:
            yield from self._statuses.end()
        if self._acks is not None:
            yield from self._acks.end()
        self._forget_set()

    def _leave_set(self) -> Iterator[Reply]:
        """The next set or trailer is here: only the SE of the last set is missing."""
        if not self._is_in_set:
            return
        self._tally.wrong_counts += 1
        if self._statuses is not None:
            yield from self._statuses.end()
        if self._acks is not None:
            yield from self._acks.end()
        self._forget_set()

    def _cut_off(self) -> Iterator[Reply]:
        """Nothing more of this interchange comes: what is certainly whole of it counts."""
        if self._is_in_interchange:
            self._tally.unfinished_interchanges += 1
        if self._is_in_set and self._statuses is not None:
            self._tally.cut_answers += self._statuses.cut()
        if self._is_in_set and self._acks is not None:
            yield from self._acks.end()
        self._is_in_interchange = False
        self._forget_set()

    def _forget_set(self) -> None:
        self._is_in_set = False
        self._statuses = self._acks = None

    def _check(self, count: str, counted: int, control: str, expected: str) -> None:
        count_agrees = count.isdecimal() and int(count) == counted
        if not count_agrees or control.lstrip("0") != expected.lstrip("0"):
            self._tally.wrong_counts += 1
