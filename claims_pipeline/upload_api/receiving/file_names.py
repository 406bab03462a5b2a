"""File names as clients give them, made harmless. They are patients' data: kept, never used."""

import re
import unicodedata

_LONGEST = 255
_NAMELESS = "upload.csv"
_SEPARATORS = re.compile(r"[/\\]")
_SPACES = re.compile(r"\s+")


def clean_file_name(raw: bytes) -> str:
    """The last part of the name, without characters that control or turn text; never empty.

    Browsers send UTF-8; what is not is read as Windows-1252.
    """
    text = unicodedata.normalize("NFC", _decoded(raw))
    name = _SEPARATORS.split(text)[-1]
    visible = "".join(c for c in name if c.isspace() or not _is_control(c))
    cleaned = _SPACES.sub(" ", visible).strip(" .")[:_LONGEST]
    return cleaned or _NAMELESS


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _is_control(character: str) -> bool:
    """Controls, marks that turn the direction of text, halves of pairs, and unassigned ones."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
