"""Refuses a file by its first bytes, before the rest has come."""

import codecs
import io

from claims_pipeline.errors import FileRefusedError
from claims_pipeline.intake.catalogue import DECISION_ERRORS, refused
from claims_pipeline.intake.reading.file import count_rows
from claims_pipeline.intake.reading.kinds import ZIP_SIGNATURE
from claims_pipeline.intake.reading.workbook import refuse_other_archives

PRESCREEN_BYTES = 65_536

# Of a beginning that is cut in mid-line only these are certain.
_CERTAIN_OF_ANY_BYTES = frozenset(
    {
        "archive", "binary_content", "json", "old_workbook", "pdf", "picture", "web_page", "x12",
        "xml", "xml_workbook",
    }
)  # fmt: skip
# What the rest of the file may still change.
_DEPENDS_ON_THE_REST = frozenset({"file_empty", "header_only", "line_too_long", "name_not_split"})


def prescreen(first: bytes, *, is_whole: bool) -> None:
    """Refuse what is certain not to be a CSV with a header of ours.

    `first` is the whole file when `is_whole`, else its beginning, cut anywhere.

    Raises:
        FileRefusedError: with a code of `FILE_ERRORS`.

    """
    if first.startswith(ZIP_SIGNATURE):
        # The list of what is in it stands at its end.
        refuse_other_archives(first)
        return
    seen = first if is_whole else _whole_lines(first)
    try:
        rows = count_rows(io.BytesIO(seen or first), max_bytes=len(first))
    except FileRefusedError as refusal:
        if refusal.code in DECISION_ERRORS:
            return
        if is_whole or refusal.code in _CERTAIN_OF_ANY_BYTES:
            raise
        if seen and refusal.code not in _DEPENDS_ON_THE_REST:
            raise
    else:
        if is_whole and not rows:
            raise refused("header_only")


def _whole_lines(text: bytes) -> bytes:
    """The text up to its last line end; empty without one."""
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16-le" if text.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
        line_end, step = "\n".encode(encoding), 2
    else:
        line_end, step = b"\n" if b"\n" in text else b"\r", 1
    at = text.rfind(line_end)
    while at > 0 and at % step:
        at = text.rfind(line_end, 0, at + step - 1)
    return text[: at + step] if at >= 0 else b""
