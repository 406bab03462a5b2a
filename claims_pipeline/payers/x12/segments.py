"""Segments out of bytes, as they come: nothing here knows what a segment means.

Every interchange says in its ISA how it is written, so the separators are read from it, and each
of several in one file may have its own. Nothing but the segment at hand is kept in memory.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

# The ISA has 16 elements; its last is one character, and the one behind it ends every segment.
_ISA_ELEMENTS = 16
# 106 bytes as it should be; where its blanks have been lost or doubled it is still one.
_MOST_ISA_BYTES = 512
# No segment of these sets is longer than some hundred bytes: what is, is not X12.
MOST_SEGMENT_BYTES = 16_384
# Letters, digits and blanks stand in data, and what is no ASCII is a part of a character.
_NO_SEPARATOR = re.compile(rb"[0-9A-Za-z \x80-\xff]")
_BETWEEN_SEGMENTS = b"\r\n\t \x00\x1a"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Separators:
    """The characters that an interchange is written with."""

    element: str = "*"
    component: str = ":"
    repetition: str = "^"
    terminator: str = "~"


@dataclass(slots=True, kw_only=True)
class ReadTally:
    """What of the bytes could not be taken for a segment.

    `junk_bytes` stood outside of any interchange, `too_long` counts segments beyond all measure,
    `headers_unreadable` ISA segments that do not say how they are written. `cut_off`: the last
    segment had no end.
    """

    bytes_read: int = 0
    segments: int = 0
    junk_bytes: int = 0
    too_long: int = 0
    headers_unreadable: int = 0
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment: its id, its elements from 01, and how composites in it are written."""

    id: str
    elements: tuple[str, ...] = field(repr=False)
    separators: Separators

    def at(self, position: int) -> str:
        """The element at `position`, counted from 1, without blanks around it; else empty."""
        if position > len(self.elements):
            return ""
        return self.elements[position - 1].strip()

    def parts(self, position: int) -> tuple[str, ...]:
        """The components of the element at `position`."""
        text = self.at(position)
        return tuple(part.strip() for part in text.split(self.separators.component)) if text else ()


def read_segments(chunks: Iterable[bytes], tally: ReadTally) -> Iterator[Segment]:
    """The segments of all interchanges, in order; what is none is counted in `tally`."""
    reader = _Reader(tally)
    for chunk in chunks:
        tally.bytes_read += len(chunk)
        yield from reader.feed(chunk)
    yield from reader.end()


class _Reader:
    """Cuts a stream into segments."""

    def __init__(self, tally: ReadTally) -> None:
        self._tally = tally
        self._buffer = b""
        self._separators: Separators | None = None
        self._terminator = b""
        self._is_skipping = False

    def feed(self, chunk: bytes) -> Iterator[Segment]:
        buffer = self._buffer + chunk
        at = 0
        while True:
            at = _first_byte(buffer, at, self._terminator)
            if _may_begin_interchange(buffer, at):
                # What is too short to tell waits for more; the end of the file tells, too.
                after = self._begin_interchange(buffer, at)
                if after is None:
                    break
                if self._separators is not None:
                    yield self._segment(buffer[at : after - 1])
                at = after
                continue
            if self._separators is None:
                at = self._skip_junk(buffer, at)
                if not buffer.startswith(b"ISA", at):
                    break
                continue
            end = buffer.find(self._terminator, at)
            if end < 0:
                if len(buffer) - at > MOST_SEGMENT_BYTES:
                    self._is_skipping, at = True, len(buffer)
                break
            if self._is_whole(at, end):
                yield self._segment(buffer[at:end])
            at = end + 1
        self._buffer = buffer[at:]

    def _is_whole(self, at: int, end: int) -> bool:
        """Whether a segment can be read: it is not beyond all measure, and not empty."""
        if self._is_skipping or end - at > MOST_SEGMENT_BYTES:
            self._tally.too_long += 1
            self._is_skipping = False
            return False
        return end > at

    def end(self) -> Iterator[Segment]:
        """What is left: the last segment of an interchange may have lost its terminator."""
        rest = self._buffer.strip(_BETWEEN_SEGMENTS)
        self._buffer = b""
        if self._is_skipping:
            self._tally.too_long += 1
        if not rest:
            return
        if self._separators is not None and rest.startswith(b"IEA"):
            yield self._segment(rest)
        elif self._separators is None:
            self._tally.junk_bytes += len(rest)
        else:
            self._tally.cut_off = True

    def _begin_interchange(self, buffer: bytes, at: int) -> int | None:
        """Read how the interchange is written; where the byte behind its ISA is, if it is here."""
        header = buffer[at : at + _MOST_ISA_BYTES]
        if len(header) < 4:
            return None
        element = header[3:4]
        position = 3
        for _ in range(_ISA_ELEMENTS - 1):
            position = header.find(element, position + 1)
            if position < 0:
                break
        is_whole = position >= 0 and position + 2 < len(header)
        if not is_whole and len(header) < _MOST_ISA_BYTES:
            return None
        known = _separators(header, element, position) if is_whole else None
        self._separators = known
        if known is None:
            self._tally.headers_unreadable += 1
            self._terminator = b""
            return at + 3
        self._terminator = known.terminator.encode("latin-1")
        return at + position + 3

    def _skip_junk(self, buffer: bytes, at: int) -> int:
        """To the next ISA, or to what may be the beginning of one."""
        start = buffer.find(b"ISA", at)
        while start >= 0 and not _may_begin_interchange(buffer, start):
            start = buffer.find(b"ISA", start + 3)
        if start < 0:
            start = max(at, len(buffer) - 2)
        self._tally.junk_bytes += len(buffer[at:start].removeprefix(_BYTE_ORDER_MARK))
        return start

    def _segment(self, raw: bytes) -> Segment:
        self._tally.segments += 1
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
        separators = self._separators or Separators()
        name, *elements = text.split(separators.element)
        return Segment(name.strip().upper(), tuple(elements), separators)


def _first_byte(buffer: bytes, at: int, terminator: bytes) -> int:
    """Behind line ends and blanks, which many programs put between segments."""
    while (
        at < len(buffer) and buffer[at] in _BETWEEN_SEGMENTS and buffer[at : at + 1] != terminator
    ):
        at += 1
    return at


def _may_begin_interchange(buffer: bytes, at: int) -> bool:
    head = buffer[at : at + 4]
    if len(head) < 4:
        return bool(head) and b"ISA".startswith(head[:3])
    return head.startswith(b"ISA") and _NO_SEPARATOR.match(head[3:]) is None


def _separators(header: bytes, element: bytes, position: int) -> Separators | None:
    component, terminator = header[position + 1 : position + 2], header[position + 2 : position + 3]
    fields = header[:position].split(element)
    repetition = fields[11].strip()
    if len({element, component, terminator}) != 3:
        return None
    if any(_NO_SEPARATOR.match(one) for one in (component, terminator)):
        return None
    # Before 5010 a letter stood there, which separates nothing.
    separates = len(repetition) == 1 and _NO_SEPARATOR.match(repetition) is None
    return Separators(
        element=element.decode("latin-1"),
        component=component.decode("latin-1"),
        repetition=repetition.decode("latin-1") if separates else "",
        terminator=terminator.decode("latin-1"),
    )
