"""The watched folder: each dropped file becomes one upload, or is left where it is."""

import io
import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest
from openpyxl import Workbook
from sqlalchemy import Engine

from claims_pipeline.folders.dropped import FileState, is_complete
from claims_pipeline.folders.inbox import Inbox, Scan, refused_files
from claims_pipeline.intake import count_rows
from claims_pipeline.store.audit import list_entries
from claims_pipeline.store.database import open_engine
from claims_pipeline.store.files import StoredFile, open_file_store
from claims_pipeline.store.files.folder import FolderFileStore
from claims_pipeline.store.migrating import upgrade
from claims_pipeline.store.tenants.practices import ensure_organization
from claims_pipeline.store.uploads import get_upload, list_uploads
from claims_pipeline_tests.services import skip_for_want_of, unprivileged_user

CONTENT = b"claim_number,first_name,last_name,date_of_birth\nFH00000001,ADA,EXAMPLE,05/10/1975\n"
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - nothing predictable is put there
NOTHING_SEEN: frozenset[FileState] = frozenset()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'claims.sqlite'}")
    upgrade(engine)
    ensure_organization(engine, "demo", "Demo")
    yield engine
    engine.dispose()


@pytest.fixture
def inbox(tmp_path: Path, engine: Engine) -> Inbox:
    return make_inbox(tmp_path, engine)


def make_inbox(home: Path, engine: Engine) -> Inbox:
    inbox = Inbox(
        folder=home / "inbox",
        outbox=home / "outbox",
        engine=engine,
        files=open_file_store(str(home / "files")),
        max_file_bytes=10_000,
        payers_of=lambda _organization: ("uhc", "auto"),
        # A minute ahead, so that files written just now have settled.
        now=lambda: datetime.now(UTC) + timedelta(minutes=1),
    )
    inbox.prepare()
    return inbox


@contextmanager
def home_of_somebody_whom_permissions_bind() -> Iterator[Path]:
    """A folder of ours, or when we are root of another user, as whom the block runs."""
    user = unprivileged_user()
    if user is None:
        skip_for_want_of("a user other than root")
    ours = os.geteuid()
    with tempfile.TemporaryDirectory(prefix="claims-inbox-") as home:
        os.chown(home, user.pw_uid, -1)
        os.seteuid(user.pw_uid)
        try:
            yield Path(home)
        finally:
            os.seteuid(ours)


def drop(inbox: Inbox, name: str = "worklist.csv", content: bytes = CONTENT) -> Path:
    path = inbox.folder / "demo" / "uhc" / name
    path.write_bytes(content)
    return path


def scan(inbox: Inbox) -> Scan:
    return inbox.scan(seen_before=NOTHING_SEEN)


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Writing beyond `size` bytes into any file fails, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _append(writer: BinaryIO, content: bytes) -> None:
    writer.write(content)
    writer.flush()


class _StoreThatLetsWrite(FolderFileStore):
    """The file store, with something that happens in the middle of a copy."""

    def __init__(self, root: Path, then: Callable[[], object]) -> None:
        super().__init__(root)
        self._then = then

    def write(self, key: str, chunks: Iterable[bytes], *, max_bytes: int) -> StoredFile:
        def interrupted() -> Iterator[bytes]:
            remaining = iter(chunks)
            yield next(remaining)
            self._then()
            yield from remaining

        return super().write(key, interrupted(), max_bytes=max_bytes)


def names(inbox: Inbox) -> list[str]:
    page = list_uploads(inbox.engine, organization_id="demo", page_size=1000)
    return sorted(upload.file_name for upload in page.uploads)


def test_a_dropped_file_becomes_one_upload_and_leaves_the_folder(inbox: Inbox) -> None:
    path = drop(inbox)

    first, second = scan(inbox), scan(inbox)

    assert (len(first.ingested), len(second.ingested)) == (1, 0)
    assert names(inbox) == ["worklist.csv"]
    assert not path.exists()
    assert not list((path.parent / ".taken").iterdir())


def test_the_stored_file_is_the_dropped_one(inbox: Inbox) -> None:
    drop(inbox)
    scan(inbox)

    [upload] = list_uploads(inbox.engine, organization_id="demo").uploads
    with inbox.files.open(upload.file_key) as stream:
        assert stream.read() == CONTENT


def test_a_file_that_is_still_written_waits(inbox: Inbox) -> None:
    drop(inbox)
    young = replace(inbox, now=lambda: datetime.now(UTC))

    first = young.scan(seen_before=NOTHING_SEEN)
    second = young.scan(seen_before=frozenset(first.waiting))

    assert first.ingested == ()
    assert len(second.ingested) == 1


def test_a_file_that_grew_since_the_last_look_waits_again(inbox: Inbox) -> None:
    path = drop(inbox)
    young = replace(inbox, now=lambda: datetime.now(UTC))
    first = young.scan(seen_before=NOTHING_SEEN)
    path.write_bytes(CONTENT * 2)

    second = young.scan(seen_before=frozenset(first.waiting))

    assert second.ingested == ()


@pytest.mark.parametrize("age_s", [5.0, 3600.0])
def test_a_file_untouched_for_five_seconds_is_complete(age_s: float) -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    state = FileState(device=1, inode=2, size=3, modified_ns=int((at.timestamp() - age_s) * 1e9))

    assert is_complete(state, seen_before=NOTHING_SEEN, now=at)


@pytest.mark.parametrize("name", ["list.csv.part", "list.tmp", ".list.csv", "list.pdf"])
def test_other_names_are_left_alone(inbox: Inbox, name: str) -> None:
    path = drop(inbox, name)

    assert scan(inbox).ingested == ()
    assert path.exists()


def test_links_pipes_and_folders_are_left_alone(inbox: Inbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(CONTENT)
    folder = inbox.folder / "demo" / "uhc"
    (folder / "link.csv").symlink_to(secret)
    os.mkfifo(folder / "pipe.csv")
    (folder / "folder.csv").mkdir()

    assert scan(inbox).ingested == ()
    assert names(inbox) == []


def test_folders_of_unknown_organizations_are_left_alone(inbox: Inbox) -> None:
    folder = inbox.folder / "stranger" / "uhc"
    folder.mkdir(parents=True)
    (folder / "worklist.csv").write_bytes(CONTENT)

    assert scan(inbox).ingested == ()
    assert (folder / "worklist.csv").exists()


def test_a_file_taken_before_a_crash_is_finished_by_the_next_look(inbox: Inbox) -> None:
    path = drop(inbox)
    taken = path.parent / ".taken" / "00000000-0000-4000-8000-000000000001"
    taken.mkdir(parents=True)
    path.rename(taken / path.name)

    assert scan(inbox).ingested == (taken.name,)
    assert names(inbox) == ["worklist.csv"]
    assert not taken.exists()


def test_a_crash_after_the_row_was_written_makes_no_second_upload(inbox: Inbox) -> None:
    drop(inbox)
    [upload_id] = scan(inbox).ingested
    again = inbox.folder / "demo" / "uhc" / ".taken" / upload_id
    again.mkdir(parents=True)
    (again / "worklist.csv").write_bytes(CONTENT)

    scan(inbox)

    assert names(inbox) == ["worklist.csv"]
    assert not again.exists()
    [entry] = list_entries(inbox.engine, organization_id="demo")
    assert (entry.actor, entry.action, entry.upload_id) == ("inbox", "upload", upload_id)


def test_a_crash_right_after_the_folder_was_made_leaves_nothing(inbox: Inbox) -> None:
    empty = inbox.folder / "demo" / "uhc" / ".taken" / "00000000-0000-4000-8000-000000000002"
    empty.mkdir(parents=True)

    assert scan(inbox).ingested == ()
    assert not empty.exists()


def test_a_file_that_is_too_large_is_refused_with_a_note_and_kept(inbox: Inbox) -> None:
    drop(inbox, content=b"x" * 10_001)

    seen = scan(inbox)

    assert (seen.ingested, seen.refused) == ((), 1)
    [note] = (inbox.outbox / "demo" / "uhc").glob("*.refused.txt")
    assert "[file_too_large]" in note.read_text()
    [kept] = (inbox.folder / "demo" / "uhc" / ".refused").iterdir()
    assert kept.stat().st_size == 10_001


def test_a_file_for_many_payers_is_dropped_into_a_folder_of_its_own(inbox: Inbox) -> None:
    inbox.prepare()
    path = inbox.folder / "demo" / "auto" / "worklist.csv"
    path.write_bytes(CONTENT)

    [upload_id] = scan(inbox).ingested

    upload = get_upload(inbox.engine, upload_id)
    assert upload is not None
    assert upload.payer == "auto"
    assert (inbox.outbox / "demo" / "auto").is_dir()


def test_a_workbook_is_ingested_as_a_csv_is(inbox: Inbox) -> None:
    content = io.BytesIO()
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["claim_number", "first_name", "last_name", "date_of_birth"])
    sheet.append(["FH00000001", "Ada", "Example", "05/10/1975"])
    book.save(content)
    drop(inbox, "April.XLSX", content.getvalue())

    [upload_id] = scan(inbox).ingested

    assert names(inbox) == ["April.XLSX"]
    upload = get_upload(inbox.engine, upload_id)
    assert upload is not None
    assert count_rows(inbox.files.open(upload.file_key), max_bytes=100_000) == 1


def test_a_workbook_that_is_refused_keeps_its_ending(inbox: Inbox) -> None:
    drop(inbox, "April.xlsx", b"x" * 10_001)

    assert scan(inbox).refused == 1

    [kept] = (inbox.folder / "demo" / "uhc" / ".refused").iterdir()
    assert kept.suffix == ".xlsx"
    assert list(refused_files(inbox.folder)) == [kept]
    [note] = (inbox.outbox / "demo" / "uhc").iterdir()
    assert note.name.startswith("April.xlsx.")
    assert note.name.endswith(".refused.txt")


def test_the_same_content_again_is_a_new_upload_marked_as_duplicate(inbox: Inbox) -> None:
    drop(inbox, "monday.csv")
    [first] = scan(inbox).ingested
    drop(inbox, "tuesday.csv")
    scan(inbox)

    by_name = {u.file_name: u for u in list_uploads(inbox.engine, organization_id="demo").uploads}
    assert by_name["tuesday.csv"].duplicate_of == first


def test_a_file_that_is_written_to_while_it_is_read_is_taken_once_it_is_whole(
    tmp_path: Path, inbox: Inbox
) -> None:
    path = drop(inbox)
    with path.open("ab") as writer:
        # A slow writer: it was silent for long enough to be taken for done.
        files = _StoreThatLetsWrite(tmp_path / "files", lambda: _append(writer, CONTENT))
        while_read = replace(inbox, files=files).scan(seen_before=NOTHING_SEEN)

    after = scan(inbox)

    assert (while_read.ingested, while_read.left) == ((), 1)
    assert len(after.ingested) == 1
    [upload] = list_uploads(inbox.engine, organization_id="demo").uploads
    with inbox.files.open(upload.file_key) as stream:
        assert stream.read() == CONTENT * 2


def test_a_new_file_of_the_same_name_is_an_upload_of_its_own(tmp_path: Path, inbox: Inbox) -> None:
    path = drop(inbox)
    replacement = path.with_name("worklist.csv.part")
    replacement.write_bytes(CONTENT * 2)
    files = _StoreThatLetsWrite(tmp_path / "files", lambda: replacement.replace(path))

    first = replace(inbox, files=files).scan(seen_before=NOTHING_SEEN)
    second = scan(inbox)

    assert (len(first.ingested), len(second.ingested)) == (1, 1)
    uploads = list_uploads(inbox.engine, organization_id="demo").uploads
    assert sorted(upload.file_size for upload in uploads) == [len(CONTENT), len(CONTENT) * 2]


def test_a_file_that_may_not_be_read_is_left_and_holds_up_no_other() -> None:
    with home_of_somebody_whom_permissions_bind() as home:
        engine = open_engine(f"sqlite:///{home / 'claims.sqlite'}")
        upgrade(engine)
        ensure_organization(engine, "demo", "Demo")
        inbox = make_inbox(home, engine)
        locked = drop(inbox, "locked.csv")
        locked.chmod(0)
        drop(inbox, "open.csv")

        seen = scan(inbox)

        assert (len(seen.ingested), seen.left) == (1, 1)
        assert (names(inbox), locked.exists()) == (["open.csv"], True)
        engine.dispose()


def test_a_folder_that_went_away_is_made_again_and_watched(inbox: Inbox) -> None:
    shutil.rmtree(inbox.folder)
    assert scan(inbox).ingested == ()

    inbox.prepare()
    drop(inbox)

    assert len(scan(inbox).ingested) == 1


def test_a_disk_that_is_full_leaves_no_half_copy_and_the_file_for_later(
    tmp_path: Path, inbox: Inbox
) -> None:
    roomy = replace(inbox, max_file_bytes=10_000_000)
    drop(inbox, content=CONTENT + b"x" * 4_000_000)
    drop(inbox, "small.csv")

    with files_no_larger_than(3_000_000):
        on_full_disk = roomy.scan(seen_before=NOTHING_SEEN)
    left_behind = [path.name for path in (tmp_path / "files").rglob("*.unfinished*")]
    afterwards = roomy.scan(seen_before=NOTHING_SEEN)

    assert (len(on_full_disk.ingested), on_full_disk.left) == (1, 1)
    assert left_behind == []
    assert len(afterwards.ingested) == 1
    assert names(inbox) == ["small.csv", "worklist.csv"]


def another_file_system(than: Path) -> Path:
    """A folder of this machine that lies on another one, and may be written to."""
    candidates = (Path(place) for place in (SHARED_MEMORY, tempfile.gettempdir(), Path.home()))
    device = than.stat().st_dev
    found = [place for place in candidates if os.access(place, os.W_OK)]
    elsewhere = [place for place in found if place.stat().st_dev != device]
    if not elsewhere:
        skip_for_want_of("a second file system")
    return elsewhere[0]


def test_folders_on_another_file_system_work_alike(tmp_path: Path, inbox: Inbox) -> None:
    place = another_file_system(tmp_path)
    with tempfile.TemporaryDirectory(prefix="claims-inbox-", dir=place) as elsewhere:
        other = replace(inbox, folder=Path(elsewhere) / "inbox", outbox=Path(elsewhere) / "outbox")
        other.prepare()
        drop(other)
        drop(other, "large.csv", b"x" * 10_001)

        seen = scan(other)

        assert (len(seen.ingested), seen.refused) == (1, 1)
        assert len(list(other.outbox.rglob("*.refused.txt"))) == 1


def test_a_look_ends_in_time_and_the_next_one_goes_on(inbox: Inbox) -> None:
    for number in range(3):
        drop(inbox, f"{number}.csv")
    hasty = replace(inbox, scan_for_s=0.0)

    taken = [len(hasty.scan(seen_before=NOTHING_SEEN).ingested) for _ in range(4)]

    assert taken == [1, 1, 1, 0]


def test_two_hundred_files_at_once_are_taken_each_once(inbox: Inbox) -> None:
    for number in range(200):
        drop(inbox, f"{number}.csv", CONTENT + f"{number}".encode())

    # A look ends in time, so a slow machine needs several; each takes some.
    taken: list[str] = []
    while found := scan(inbox).ingested:
        taken += found

    assert len(taken) == len(set(taken)) == 200
    assert len(set(names(inbox))) == 200
