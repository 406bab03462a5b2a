"""What people hand in that is no CSV: told by its first bytes, and refused by its name."""

import codecs
import re

from claims_pipeline.intake.catalogue import refused

ZIP_SIGNATURE = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"

_SIGNATURES: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("old_workbook", (b"\xd0\xcf\x11\xe0",)),
    ("pdf", (b"%PDF",)),
    ("picture", (b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"BM6")),
    (
        "archive",
        (_EMPTY_ZIP, b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf\x27\x1c", b"BZh", b"\xfd7zXZ"),
    ),
    ("binary_content", (b"PAR1", b"{\\rtf", b"SQLite format 3", b"\x7fELF", b"MZ\x90")),
)
_X12 = re.compile(rb"ISA[^A-Za-z0-9\s]\d\d[^A-Za-z0-9]")
_JSON = re.compile(rb"\s*(?:\{\s*[\"}]|\[\s*[{\[])")
_XML = re.compile(rb"\s*<\?xml\b", re.IGNORECASE)
_SPREADSHEET_XML = re.compile(rb"office:spreadsheet|Excel\.Sheet|<Workbook\b")
_WEB_PAGE = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|table|meta|style|div)\b",
    re.IGNORECASE | re.DOTALL,
)
_CONTROL = bytes(set(range(32)) - {9, 10, 12, 13, 26})
_FEW = 8
_SNIFFED = 65_536


def refuse_other_kinds(first: bytes) -> None:
    """Refuse by its first bytes what is neither text with rows nor a workbook.

    Raises:
        FileRefusedError: with the code of its kind.

    """
    head = first[:_SNIFFED]
    for code, signatures in _SIGNATURES:
        if head.startswith(signatures):
            raise refused(code)
    text = head.removeprefix(codecs.BOM_UTF8)
    if _X12.match(text):
        raise refused("x12")
    if _JSON.match(text):
        raise refused("json")
    if _WEB_PAGE.match(text):
        raise refused("web_page")
    if _XML.match(text):
        is_workbook = _SPREADSHEET_XML.search(text)
        raise refused("xml_workbook" if is_workbook else "xml")
    # A stray NUL spoils its row only, and padding behind the last row nothing.
    bare = head.rstrip(b"\0")
    if head and (not bare or _is_mostly_control(bare)) and not sniffed_utf_16(head):
        raise refused("binary_content")


def sniffed_utf_16(head: bytes) -> str | None:
    """UTF-16 with or without its mark, by the NULs beside every letter of English text."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = head[:_SNIFFED:2], head[1:_SNIFFED:2]
    if not odd:
        return None
    most = 0.7
    if odd.count(0) > most * len(odd) and even.count(0) < len(even) / 10:
        return "utf-16-le"
    if even.count(0) > most * len(even) and odd.count(0) < len(odd) / 10:
        return "utf-16-be"
    return None


def _is_mostly_control(head: bytes) -> bool:
    return len(head) - len(head.translate(None, _CONTROL)) > max(_FEW, len(head) // 5)
