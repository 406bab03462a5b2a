"""The watched folder: dropped files become uploads, each exactly once.

A file is dropped at `<inbox>/<organization>/<payer>/<name>.csv` (or another of the endings that
are taken; `untaken` tells about the rest). It is taken by a rename into
`.taken/<upload id>/` beside it, copied into the file store, its row committed, then removed.
After a crash between any two of these steps the next scan finds it in `.taken` and goes on. A
file that cannot be taken now (no space, no permission, somebody still writes) holds up no other.
File names are patient data: they reach the database and the outbox, never a log or a cursor.
"""

import logging
import os
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from sqlalchemy import Engine

from claims_pipeline.errors import FileRefusedError, FilesUnreachableError
from claims_pipeline.folders.dropped import (
    STABLE_AFTER_S,
    FileState,
    StillWrittenError,
    chunks_of_file,
    is_complete,
    state_of,
)
from claims_pipeline.folders.outbox import REFUSED_TXT
from claims_pipeline.folders.untaken import TAKEN_ENDINGS, is_left_alone, say_why_untaken
from claims_pipeline.store import uploads
from claims_pipeline.store.files import FileStore, make_folder
from claims_pipeline.store.tenants.organizations import list_organizations

_logger = logging.getLogger(__name__)

_INGESTING = ".taken"
_REFUSED = ".refused"
# Dagster gives a sensor's tick 60 seconds; what is left waits for the next scan.
_SCAN_FOR_S = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedFile:
    """A regular file in the folder of an organization and payer."""

    path: Path
    organization_id: str
    payer: str
    state: FileState


class _Ending(Enum):
    """What became of a taken file."""

    STORED = "stored"
    REFUSED = "refused"
    EMPTY = "empty"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What one scan of the inbox did: uploads made, files still being written, files left.

    Files are left when they cannot be taken now; every scan tries them again. Those that no scan
    will take have got their note now or before.
    """

    ingested: tuple[str, ...]
    waiting: tuple[FileState, ...]
    left: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """The watched folder with what is needed to take files in."""

    folder: Path
    outbox: Path
    engine: Engine
    files: FileStore
    max_file_bytes: int
    # The names of an organization's folders, by its id.
    payers_of: Callable[[str], Collection[str]]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep
    scan_for_s: float = _SCAN_FOR_S

    def prepare(self) -> None:
        """Make the folders of every organization and payer, so that people see where to drop."""
        for organization in list_organizations(self.engine):
            for payer in self.payers_of(organization.id):
                for parent in (self.folder, self.outbox):
                    make_folder(parent / organization.id / payer)

    def scan(self, *, seen_before: frozenset[FileState]) -> Scan:
        """Take every complete file, finish what an earlier scan left half done."""
        until = time.monotonic() + self.scan_for_s
        waiting: list[FileState] = []
        ingested: list[str] = []
        endings: Counter[_Ending] = Counter()
        for folder in self._folders_to_finish(seen_before, waiting):
            ending = _Ending.LEFT if folder is None else self._finish(folder)
            endings[ending] += 1
            if ending is _Ending.STORED and folder is not None:
                ingested.append(folder.name)
            if time.monotonic() > until:
                break
        say_why_untaken(
            self.folder,
            self.outbox,
            folders={
                organization.id: self.payers_of(organization.id)
                for organization in list_organizations(self.engine)
            },
            now=self.now(),
        )
        return Scan(
            ingested=tuple(ingested),
            waiting=tuple(waiting),
            left=endings[_Ending.LEFT],
            refused=endings[_Ending.REFUSED],
        )

    def scan_until_stable(self, *, seen_before: frozenset[FileState]) -> Scan:
        """As `scan`; files that were just dropped are waited for, and looked at once more.

        A tick that came a moment after the drop would else leave the file to the next but one.
        """
        first = self.scan(seen_before=seen_before)
        if not first.waiting:
            return first
        oldest_ns = min(state.modified_ns for state in first.waiting)
        missing_s = oldest_ns / 1e9 + STABLE_AFTER_S - self.now().timestamp()
        self.sleep(min(max(missing_s, 0.0), STABLE_AFTER_S))
        second = self.scan(seen_before=frozenset(first.waiting))
        return Scan(
            ingested=first.ingested + second.ingested,
            waiting=second.waiting,
            left=second.left,
            refused=first.refused + second.refused,
        )

    def _folders_to_finish(
        self, seen_before: frozenset[FileState], waiting: list[FileState]
    ) -> Iterator[Path | None]:
        """Folders of taken files, half done before or taken now; None for a file that is left."""
        yield from list(self._half_ingested())
        for dropped in self._dropped():
            if is_complete(dropped.state, seen_before=seen_before, now=self.now()):
                yield _set_aside(dropped.path)
            else:
                waiting.append(dropped.state)

    def _payer_folders(self) -> Iterator[tuple[str, str, Path]]:
        """Folders of known organizations and payers; others are not ours to touch."""
        for organization in list_organizations(self.engine):
            for payer in self.payers_of(organization.id):
                folder = self.folder / organization.id / payer
                if folder.is_dir() and not folder.is_symlink():
                    yield organization.id, payer, folder

    def _dropped(self) -> Iterator[DroppedFile]:
        for organization, payer, folder in self._payer_folders():
            with os.scandir(folder) as entries:
                paths = sorted(Path(entry.path) for entry in entries if _is_wanted(entry))
            for path in paths:
                state = state_of(path)
                if state is not None:
                    yield DroppedFile(
                        path=path, organization_id=organization, payer=payer, state=state
                    )

    def _half_ingested(self) -> Iterator[Path]:
        for _, _, folder in self._payer_folders():
            taken = folder / _INGESTING
            if taken.is_dir():
                yield from sorted(path for path in taken.iterdir() if path.is_dir())

    def _finish(self, folder: Path) -> _Ending:
        """Bring one taken file into the store; one that fails stays taken, for the next scan."""
        try:
            return self._stored(folder)
        except (OSError, FilesUnreachableError, StillWrittenError) as error:
            _logger.warning("a dropped file could not be taken in: %s", type(error).__name__)
            return _Ending.LEFT

    def _stored(self, folder: Path) -> _Ending:
        """As `_finish`; a crash before the move leaves an empty folder."""
        upload_id = folder.name
        payer_folder = folder.parent.parent
        payer, organization = payer_folder.name, payer_folder.parent.name
        path = next((p for p in folder.iterdir() if p.is_file() and not p.is_symlink()), None)
        if path is None:
            folder.rmdir()
            return _Ending.EMPTY
        if uploads.get_upload(self.engine, upload_id) is None:
            try:
                self._store(path, upload_id, organization, payer)
            except FileRefusedError as refusal:
                self._refuse(folder, path, organization, payer, refusal)
                return _Ending.REFUSED
        shutil.rmtree(folder)
        return _Ending.STORED

    def _store(self, path: Path, upload_id: str, organization: str, payer: str) -> None:
        key = f"{organization}/{upload_id}/upload.csv"
        stored = self.files.write(key, chunks_of_file(path), max_bytes=self.max_file_bytes)
        now = self.now()
        new = uploads.NewUpload(
            id=upload_id,
            organization_id=organization,
            payer=payer,
            source="inbox",
            file_name=path.name,
            file_key=key,
            file_size=stored.size,
            file_sha256=stored.sha256,
            outbox_name=f"{path.stem}.{now:%Y%m%dT%H%M%SZ}-{upload_id[:8]}",
        )
        uploads.create_upload(self.engine, new, actor="inbox", now=now)

    def _refuse(
        self, folder: Path, path: Path, organization: str, payer: str, refusal: FileRefusedError
    ) -> None:
        """Say why beside the results, and keep the file out of the way but at hand."""
        refused = folder.parent.parent / _REFUSED
        make_folder(refused)
        note = self.outbox / organization / payer / f"{path.name}.{folder.name[:8]}{REFUSED_TXT}"
        make_folder(note.parent)
        note.write_text(f"{refusal.message} [{refusal.code}]\n", encoding="utf-8")
        path.rename(refused / f"{folder.name}{path.suffix.lower()}")
        folder.rmdir()


def refused_files(folder: Path) -> Iterator[Path]:
    """Files that could not be taken and were kept at hand, below the watched folder."""
    yield from folder.glob(f"*/*/{_REFUSED}/*.*")


def _is_wanted(entry: os.DirEntry[str]) -> bool:
    """A plain list or workbook; temporary and hidden names, links, pipes, folders are left."""
    return (
        entry.name.lower().endswith(TAKEN_ENDINGS)
        and not is_left_alone(entry.name)
        and entry.is_file(follow_symlinks=False)
    )


def _set_aside(path: Path) -> Path | None:
    """Move a file to `.taken/<new upload id>/`; None when it cannot be read or moved."""
    if not os.access(path, os.R_OK, effective_ids=True):
        return None
    folder = path.parent / _INGESTING / str(uuid.uuid4())
    try:
        make_folder(folder)
        path.rename(folder / path.name)
    except OSError:
        with suppress(OSError):
            folder.rmdir()
        return None
    return folder
