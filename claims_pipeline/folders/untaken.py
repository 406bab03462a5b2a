"""What lies in the watched folder and is not taken, and the note that says why.

A person who drops a file where nobody looks, or one that is no list, would otherwise wait for an
answer that never comes. The note is `<name>.refused.txt`: in the outbox when the folder is that of
an organization and payer, else beside the file, since nobody knows whose outbox it would be. It is
written once; the file stays where it is. Names are patient data and appear in the note's name only.
"""

import io
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from claims_pipeline.folders.outbox import REFUSED_TXT, write_note

TAKEN_ENDINGS = (".csv", ".txt", ".tsv", ".xlsx")
# Files of others' programs that are still at work, or that no person has made.
_LEFT_ALONE = (".part", ".tmp", ".partial", ".crdownload", ".filepart", REFUSED_TXT)
# A pasted tree of folders must not fill the outbox with notes in one turn.
_MOST_NOTES = 100
_COMPLETE_AFTER_S = 5.0


class WhyUntaken(StrEnum):
    """Why something that lies in the watched folder does not become an upload."""

    OTHER_ENDING = "other_ending"
    SUBFOLDER = "subfolder"
    NO_PAYER_FOLDER = "no_payer_folder"
    UNKNOWN_PAYER = "unknown_payer"
    NO_ORGANIZATION_FOLDER = "no_organization_folder"
    UNKNOWN_ORGANIZATION = "unknown_organization"


_DROP_IT_INTO = "Put it into <organization>/<payer>/ of the watched folder"
_ADVICE = {
    WhyUntaken.OTHER_ENDING: (
        "Files of this kind are not taken here. Save the list as CSV or as an Excel workbook "
        "(.xlsx), and put that into the same folder."
    ),
    WhyUntaken.SUBFOLDER: (
        "Folders are not looked into here. Put the files that are in it into the folder above."
    ),
    WhyUntaken.NO_PAYER_FOLDER: (
        "The file lies beside the payers' folders, not in one of them. Put it into the folder of "
        "the payer that is to be asked: {payers}."
    ),
    WhyUntaken.UNKNOWN_PAYER: (
        "The folder is not named after a payer that is asked here. Put the file into the folder "
        "of one that is: {payers}."
    ),
    WhyUntaken.NO_ORGANIZATION_FOLDER: f"The file lies in nobody's folder. {_DROP_IT_INTO}.",
    WhyUntaken.UNKNOWN_ORGANIZATION: (
        "The folder is not named after an organization that is served here, so the file cannot be "
        f"taken. {_DROP_IT_INTO}; your operators know the names."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Untaken:
    """A file or folder that is not taken; `note` is where the person is told so.

    `payers` are the folders in which it would have been, where its organization is known.
    """

    path: Path
    why: WhyUntaken
    note: Path
    payers: Collection[str] = ()


def find_untaken(
    inbox: Path, outbox: Path, *, folders: Mapping[str, Collection[str]]
) -> Iterator[Untaken]:
    """Everything below the watched folder that no scan takes, however old.

    `folders` are those of payers, for each organization.

    Hidden and unfinished files, locks of office programs, links, pipes and devices are left out:
    those are not handed in by a person.
    """
    for organization in _entries(inbox):
        if _is_file(organization):
            yield _beside(organization, WhyUntaken.NO_ORGANIZATION_FOLDER)
        elif organization.name not in folders:
            for path in _files_below(organization):
                yield _beside(path, WhyUntaken.UNKNOWN_ORGANIZATION)
        else:
            payers = folders[organization.name]
            yield from _in_organization(organization, outbox / organization.name, payers)


def say_why_untaken(
    inbox: Path,
    outbox: Path,
    *,
    folders: Mapping[str, Collection[str]],
    now: datetime,
) -> int:
    """Write the notes that are missing, at most a hundred; how many were written."""
    written = 0
    for untaken in find_untaken(inbox, outbox, folders=folders):
        if written >= _MOST_NOTES:
            break
        # Lacking rights, disk space, or the file itself by now: the next scan tries again.
        with suppress(OSError):
            age_s = now.timestamp() - untaken.path.lstat().st_mtime
            if age_s < _COMPLETE_AFTER_S or untaken.note.exists():
                continue
            text = _ADVICE[untaken.why].format(payers=", ".join(untaken.payers))
            write_note(untaken.note, io.BytesIO(f"{text} [{untaken.why}]\n".encode()))
            written += 1
    return written


def is_left_alone(name: str) -> bool:
    """Whether a name says that nobody means the file to be taken, or not yet."""
    return name.startswith((".", "~$")) or name.lower().endswith(_LEFT_ALONE)


def _in_organization(folder: Path, outbox: Path, payers: Collection[str]) -> Iterator[Untaken]:
    for payer in _entries(folder):
        if _is_file(payer):
            yield _beside(payer, WhyUntaken.NO_PAYER_FOLDER, payers)
        elif payer.name not in payers:
            for path in _files_below(payer):
                yield _beside(path, WhyUntaken.UNKNOWN_PAYER, payers)
        else:
            for entry in _entries(payer):
                if not _is_file(entry):
                    why = WhyUntaken.SUBFOLDER
                elif not entry.name.lower().endswith(TAKEN_ENDINGS):
                    why = WhyUntaken.OTHER_ENDING
                else:
                    continue
                note = outbox / payer.name / f"{entry.name}{REFUSED_TXT}"
                yield Untaken(path=entry, why=why, note=note)


def _beside(path: Path, why: WhyUntaken, payers: Collection[str] = ()) -> Untaken:
    note = path.with_name(f"{path.name}{REFUSED_TXT}")
    return Untaken(path=path, why=why, note=note, payers=payers)


def _files_below(folder: Path) -> Iterator[Path]:
    """Files in the folder and in those right below it: as deep as a person would drop them."""
    for entry in _entries(folder):
        if _is_file(entry):
            yield entry
        else:
            yield from (path for path in _entries(entry) if _is_file(path))


def _entries(folder: Path) -> list[Path]:
    """Plain files and folders that are not left alone, by name; none of what cannot be read."""
    with suppress(OSError), os.scandir(folder) as entries:
        return sorted(
            Path(entry.path)
            for entry in entries
            if not is_left_alone(entry.name)
            and (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False))
        )
    return []


def _is_file(path: Path) -> bool:
    return not path.is_dir()
