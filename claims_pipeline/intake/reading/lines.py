"""Bytes to physical lines: encoding, and line ends of every kind.

A physical line ends with LF, CR or CRLF and with nothing else; that is what an editor counts.
"""

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from claims_pipeline.intake.catalogue import refused

BLOCK_BYTES = 1 << 20
MAX_LINES = 20_000
MAX_LINE_CHARACTERS = 4_000_000
_SNIFFED = 65_536

# First bytes of what people upload by mistake: zip and xlsx, xls and doc, pdf, png, gif, jpeg,
# gzip, rar, 7z, bzip2, xz, parquet, rtf, sqlite, executables, tiff.
_SIGNATURES = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\xd0\xcf\x11\xe0",
    b"%PDF",
    b"\x89PNG",
    b"GIF8",
    b"\xff\xd8\xff",
    b"\x1f\x8b",
    b"Rar!",
    b"7z\xbc\xaf\x27\x1c",
    b"BZh",
    b"\xfd7zXZ",
    b"PAR1",
    b"{\\rtf",
    b"SQLite format 3",
    b"\x7fELF",
    b"MZ\x90",
    b"II*\x00",
    b"MM\x00*",
)
_CONTROL = bytes(set(range(32)) - {9, 10, 12, 13})


class TextBlocks:
    """The text of a byte stream, block by block.

    UTF-8 with or without BOM, UTF-16 with BOM, else Windows-1252. `encoding` may change from
    UTF-8 to Windows-1252 as long as nothing but ASCII has been read.

    Raises:
        FileRefusedError: `file_empty`, `binary_content`, `undecodable` or `file_too_large`.

    """

    def __init__(self, stream: BinaryIO, *, max_bytes: int) -> None:
        self._stream = stream
        self._max_bytes = max_bytes
        self._bytes_read = 0
        self._only_ascii = True
        self._first = self._read()
        if not self._first:
            raise refused("file_empty")
        self.encoding = _sniffed_encoding(self._first[:_SNIFFED])
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
        if self._bytes_read > self._max_bytes:
            raise refused("file_too_large")
        return block

    def _decoded(self, block: bytes, *, final: bool) -> str:
        # What an incremental decoder holds back from the block before belongs to this one.
        held_back, _ = self._decoder.getstate()
        try:
            text = self._decoder.decode(block, final=final)
        except UnicodeDecodeError as error:
            readable = (held_back + block)[: error.start]
            if self.encoding != "utf-8" or not (self._only_ascii and readable.isascii()):
                raise refused("undecodable") from None
        else:
            self._only_ascii = self._only_ascii and block.isascii()
            return text
        self.encoding = "cp1252"
        self._decoder = _decoder(self.encoding)
        return self._decoded(held_back + block, final=final)


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


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder(encoding)("strict")


def _sniffed_encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise refused("undecodable")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head.startswith(_SIGNATURES):
        raise refused("binary_content")
    # A stray NUL spoils its row only; text without a byte order mark in UTF-16 is half NULs.
    if len(head) - len(head.translate(None, _CONTROL)) > max(8, len(head) // 5):
        raise refused("binary_content")
    return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"
