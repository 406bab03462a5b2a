"""Bytes to physical lines: encoding, and line ends of every kind.

A physical line ends with LF, CR or CRLF and with nothing else; that is what an editor counts.
"""

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from claims_pipeline.intake.catalogue import refused
from claims_pipeline.intake.reading.kinds import refuse_other_kinds, sniffed_utf_16

BLOCK_BYTES = 1 << 20
MAX_LINES = 20_000
MAX_LINE_CHARACTERS = 4_000_000
# A second encoding within one block is told from damage by how much of it reads as UTF-8.
_BAD_BYTE = "\ufffd"


class TextBlocks:
    """The text of a byte stream, block by block.

    UTF-8 or UTF-16, with or without a mark, else Windows-1252. `encoding` may change from UTF-8 to
    Windows-1252 as long as nothing but ASCII has been read. A byte that cannot be read becomes
    U+FFFD, which spoils its own row.

    Raises:
        FileRefusedError: `file_empty`, `file_too_large`, `undecodable`, or the kind of file that
            this is instead.

    """

    def __init__(self, stream: BinaryIO, *, max_bytes: int, first: bytes | None = None) -> None:
        self._stream = stream
        self._max_bytes = max_bytes
        self._bytes_read = len(first or b"")
        self._only_ascii = True
        self._first = self._read() if first is None else first
        if not self._first:
            raise refused("file_empty")
        self._require_size()
        refuse_other_kinds(self._first)
        self.encoding = _sniffed_encoding(self._first)
        self._decoder = _decoder(self.encoding)

    def __iter__(self) -> Iterator[str]:
        block, self._first = self._first, b""
        while block:
            yield self._decoded(block, final=False)
            block = self._read()
        yield self._decoded(b"", final=True)

    def _read(self) -> bytes:
        block = self._stream.read(BLOCK_BYTES)
        self._bytes_read += len(block)
        self._require_size()
        return block

    def _require_size(self) -> None:
        if self._bytes_read > self._max_bytes:
            raise refused("file_too_large")

    def _decoded(self, block: bytes, *, final: bool) -> str:
        # What an incremental decoder holds back from the block before belongs to this one.
        held_back, _ = self._decoder.getstate()
        try:
            text = self._decoder.decode(block, final=final)
        except UnicodeDecodeError:
            text = self._decoded_with_damage(held_back + block, final=final)
        self._only_ascii = self._only_ascii and text.isascii()
        return text

    def _decoded_with_damage(self, block: bytes, *, final: bool) -> str:
        """A block with bytes that its encoding does not have."""
        if self.encoding == "utf-8" and self._only_ascii and not _is_damaged_utf_8(block):
            self.encoding = "cp1252"
        self._decoder = _decoder(self.encoding, errors="replace")
        return self._decoder.decode(block, final=final)


def first_block(stream: BinaryIO) -> bytes:
    """The beginning of a stream, by which its kind is told."""
    return stream.read(BLOCK_BYTES)


def line_batches(blocks: TextBlocks) -> Iterator[list[str]]:
    """Physical lines with their ends, at most `MAX_LINES` at a time.

    Raises:
        FileRefusedError: `line_too_long`, or what reading the blocks raises.

    """
    rest = ""
    for block in blocks:
        lines = io.StringIO(rest + block, newline="").readlines()
        # A line that ends in CR may go on with LF in the next block.
        rest = lines.pop() if lines and not lines[-1].endswith("\n") else ""
        if len(rest) > MAX_LINE_CHARACTERS:
            raise refused("line_too_long")
        for first in range(0, len(lines), MAX_LINES):
            yield lines[first : first + MAX_LINES]
    if rest:
        yield [rest]


def _decoder(encoding: str, errors: str = "strict") -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder(encoding)(errors)


def _is_damaged_utf_8(block: bytes) -> bool:
    """Whether most of what is not ASCII reads as UTF-8: then the rest is damage."""
    text = block.decode("utf-8", errors="replace")
    damaged = text.count(_BAD_BYTE)
    return sum(not character.isascii() for character in text) - damaged > damaged


def _sniffed_encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise refused("undecodable")
    if utf_16 := sniffed_utf_16(head):
        return utf_16
    return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"
