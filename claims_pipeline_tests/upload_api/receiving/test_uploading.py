import io
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil
import pytest
from openpyxl import Workbook

from claims_pipeline.model import DetailLevel, UploadStatus
from claims_pipeline.store.audit import list_entries
from claims_pipeline.store.tenants.column_decisions import list_decisions
from claims_pipeline.store.uploads import get_upload, list_uploads
from claims_pipeline_tests.upload_api.api import ORGANIZATION, Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer
from claims_pipeline_tests.upload_api.receiving.forms import (
    CSV,
    UPLOAD,
    half_sent,
    multipart,
    post_body,
    post_csv,
    stored_files,
    wait_for,
)

MEBIBYTE = 1 << 20
FILE = 'name="file"; filename="worklist.csv"'


def uploads_of(api: Api) -> int:
    return list_uploads(api.engine, organization_id=ORGANIZATION).total


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Api]:
    """One API for all tests here; each compares what is there with what was."""
    settings = {"CLAIMS_API_REQUESTS_PER_MINUTE": "100000", "CLAIMS_API_UPLOADS_PER_DAY": "100000"}
    with running_api(tmp_path_factory.mktemp("api"), issuer, settings=settings) as running:
        yield running


@pytest.fixture
def untouched(api: Api) -> Iterator[None]:
    """Nothing is kept of what the test sends."""
    before = (uploads_of(api), stored_files(api))
    yield
    assert (uploads_of(api), stored_files(api)) == before


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Writing beyond `size` bytes into any file fails, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def small_api(tmp_path: Path, issuer: Issuer) -> Iterator[Api]:
    """An API that takes files of a mebibyte."""
    settings = {"CLAIMS_MAX_FILE_BYTES": str(MEBIBYTE)}
    with running_api(tmp_path / "small", issuer, settings=settings) as running:
        yield running


def test_a_file_becomes_an_upload_whose_rows_are_counted(api: Api) -> None:
    answer = post_csv(api, CSV + b"FH00000002,BEN,SAMPLE,01/02/1980\n", provider="UHC")
    assert answer.status_code == 201
    body = answer.json()
    assert (body["status"], body["total_rows"], body["provider"]) == ("PENDING", 2, "uhc")
    assert (body["filename"], body["file_size"]) == ("worklist.csv", len(CSV) + 33)
    assert (body["user"], body["organization"]) == ("analyst-1", ORGANIZATION)
    upload = get_upload(api.engine, body["id"], organization_id=ORGANIZATION)
    assert upload is not None
    assert upload.status is UploadStatus.PENDING
    with api.files.open(upload.file_key) as stream:
        assert stream.read().startswith(CSV)
    entries = list_entries(api.engine, organization_id=ORGANIZATION, page_size=1000)
    [entry] = [entry for entry in entries if entry.upload_id == upload.id]
    assert (entry.actor, entry.action, entry.outcome) == ("analyst-1", "upload", "ok")


def test_the_same_file_twice_is_two_uploads_and_the_second_says_so(api: Api) -> None:
    content = CSV + b"FH00000007,TWICE,EXAMPLE,05/10/1975\n"
    first, second = post_csv(api, content).json(), post_csv(api, content).json()
    assert first["duplicate_of"] is None
    assert second["duplicate_of"] == first["id"] != second["id"]


def test_the_choices_of_the_form_are_kept(api: Api) -> None:
    body = post_csv(
        api,
        provider="Uhc",
        use_batch_query="OFF",
        start_date="01/02/2026",
        end_date="2026-02-03",
        detail_level="Full",
    ).json()
    upload = get_upload(api.engine, body["id"])
    assert upload is not None
    options = upload.options
    assert (options.use_sweeps, options.detail_level) == (False, DetailLevel.FULL)
    assert (options.start_date, options.end_date) == (date(2026, 1, 2), date(2026, 2, 3))


@pytest.mark.parametrize("offset", ["Pacific/Kiritimati", "America/Chicago", "Pacific/Midway"])
def test_an_end_that_is_today_where_the_client_is_is_taken(api: Api, offset: str) -> None:
    today = datetime.now(ZoneInfo(offset)).date()
    for form in (today.isoformat(), f"{today:%m/%d/%Y}"):
        answer = post_csv(api, end_date=form, start_date=form, use_batch_query="true")
        assert answer.status_code == 201, answer.text


def test_empty_fields_are_as_absent_and_unknown_ones_are_left_alone(api: Api) -> None:
    answer = post_csv(api, provider="", use_batch_query="", start_date="", end_date="", more="x")
    assert answer.status_code == 201
    upload = get_upload(api.engine, answer.json()["id"])
    assert upload is not None
    assert (upload.payer, upload.use_sweeps, upload.start_date) == ("uhc", True, None)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"provider": "nobody"}, "payer_unknown"),
        ({"use_batch_query": "perhaps"}, "use_batch_query_invalid"),
        ({"detail_level": "everything"}, "detail_level_invalid"),
        ({"start_date": "31/31/2026"}, "date_unreadable"),
        ({"end_date": "1/2/26"}, "date_unreadable"),
        ({"start_date": "02/02/2026", "end_date": "02/01/2026"}, "dates_reversed"),
        ({"start_date": f"{datetime.now(UTC).date() + timedelta(3)}"}, "start_date_in_future"),
        ({"end_date": "01/01/2001"}, "end_date_too_old"),
    ],
)
def test_a_field_that_is_wrong_is_refused_and_keeps_nothing(
    api: Api, fields: dict[str, str], code: str
) -> None:
    answer = post_csv(api, **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("archive", b"PK\x03\x04 an archive"),
        ("pdf", b"%PDF-1.7"),
        ("picture", b"\x89PNG\r\n\x1a\n"),
        ("picture", b"\xff\xd8\xff\xe0 a photo"),
        ("picture", b"GIF89a"),
        ("archive", b"\x1f\x8b\x08 zipped"),
        ("archive", b"Rar!\x1a\x07"),
        ("archive", b"7z\xbc\xaf\x27\x1c"),
        ("old_workbook", b"\xd0\xcf\x11\xe0 an old workbook"),
        ("web_page", b"<html><table></table></html>"),
        ("x12", b"ISA*00*          *00*"),
        ("json", b'{"claims": []}'),
        ("binary_content", b"{\\rtf1}"),
        ("binary_content", b"SQLite format 3\x00"),
        ("binary_content", b"\x7fELF"),
        ("binary_content", b"MZ\x90\x00"),
        ("binary_content", bytes(range(32)) * 100),
    ],
)
@pytest.mark.parametrize("rest", [b"", b"x" * 200_000])
def test_what_is_no_csv_is_refused_by_its_first_bytes(
    api: Api, code: str, content: bytes, rest: bytes
) -> None:
    answer = post_csv(api, content + rest)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"first_name,last_name,date_of_birth\n", "header_only"),
        (b"some,words,only\n1,2,3\n", "no_usable_header"),
        (b"some,words,only\n" + b"1,2,3\n" * 40_000, "no_usable_header"),
        (b"claim_number,first_name\nFH1,ADA\n", "columns_missing"),
        (b"first_name,first_name,last_name,dob\nA,A,B,1/1/1970\n", "columns_repeated"),
    ],
)
def test_a_file_without_a_usable_beginning_is_refused(api: Api, content: bytes, code: str) -> None:
    answer = post_csv(api, content)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_beginning_that_is_cut_in_mid_letter_refuses_nothing(
    api: Api, encoding: str, line_end: str
) -> None:
    header = "first_name,last_name,date_of_birth"
    row = "Zoë,Müller-Größe,05/10/1975"
    content = line_end.join([header, *[row] * 5000, ""]).encode(encoding)
    if encoding == "utf-16-be":
        content = b"\xfe\xff" + content
    answer = post_csv(api, content)
    assert (answer.status_code, answer.json()["total_rows"]) == (201, 5000)


def test_what_is_wrong_further_down_is_left_to_the_run(api: Api) -> None:
    # A line of more than four megabytes after a quarter of one.
    row = "Zoë,Müller,05/10/1975\n".encode()
    content = b"first_name,last_name,date_of_birth\n" + row * 12_000 + b"x" * 5_300_000
    answer = post_csv(api, content)
    assert (answer.status_code, answer.json()["total_rows"]) == (201, 0)


@pytest.mark.parametrize("with_length", [True, False])
def test_a_byte_too_many_is_refused_with_and_without_a_length(
    small_api: Api, with_length: bool
) -> None:
    header = b"first_name,last_name,date_of_birth\n"
    just_right = header + b"x" * (MEBIBYTE - len(header))
    for content, expected in ((just_right, 201), (just_right + b"x", 413)):
        body = multipart((FILE, content))
        answer = post_body(small_api, body if with_length else in_chunks(body))
        assert answer.status_code == expected
    assert answer.json()["code"] == "file_too_large"
    assert uploads_of(small_api) == 1
    assert len([path for path in stored_files(small_api) if path.is_file()]) == 1


def in_chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 70_000):
        yield body[start : start + 70_000]


def test_a_body_that_announces_too_much_is_refused_unread(small_api: Api) -> None:
    token = small_api.issuer.token()
    with half_sent(small_api, token, announced=1 << 40, sent=b"") as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 413")
    assert stored_files(small_api) == []


def test_the_beginning_of_a_form_may_not_go_on_for_ever(small_api: Api) -> None:
    """Before the first boundary, and between fields, too, bytes are counted."""
    answer = post_body(small_api, in_chunks(b"\r\n" * 2 * MEBIBYTE))
    assert answer.status_code in {413, 422}
    assert stored_files(small_api) == []


def test_memory_does_not_grow_with_the_file(api: Api) -> None:
    header = b"first_name,last_name,date_of_birth\n"
    size = 32 * MEBIBYTE
    process = psutil.Process()
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.01):
            peak = max(peak, process.memory_info().rss)

    def body() -> Iterator[bytes]:
        yield multipart((FILE, header), end=False)[:-2]
        for _ in range(size // (1 << 16)):
            yield b"Ada,Example,05/10/1975,,,,,,,,,\n" * (1 << 11)
        yield b"\r\n" + multipart()

    watcher = threading.Thread(target=watch)
    before = process.memory_info().rss
    watcher.start()
    answer = post_body(api, body())
    done.set()
    watcher.join()
    assert answer.status_code == 201
    assert answer.json()["file_size"] == size + len(header)
    assert peak - before < size


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (multipart(('name="provider"', b"uhc")), "file_missing"),
        (multipart(('name="file"', CSV)), "file_missing"),
        (multipart(('name="other"; filename="a.csv"', b"x" * 2000)), "form_invalid"),
        (multipart((FILE, CSV), (FILE, CSV)), "one_file_only"),
        (multipart((FILE, CSV), ('name="provider"', b"u" * 2000)), "form_invalid"),
        (multipart((FILE, CSV), *[('name="provider"', b"uhc")] * 2), "form_invalid"),
        (multipart(*[(f'name="f{n}"', b"x") for n in range(130)]), "form_invalid"),
        (multipart((FILE + "; x=" + "y" * 5000, CSV)), "form_invalid"),
        (multipart((FILE, CSV), end=False), "form_incomplete"),
        (b"", "form_incomplete"),
        (b"claim_number,first_name\n", "form_invalid"),
    ],
)
def test_a_form_that_is_not_as_it_should_be_leaves_nothing(
    api: Api, body: bytes, code: str
) -> None:
    answer = post_body(api, body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "content_type",
    ["text/csv", "application/json", "multipart/form-data", "multipart/form-data; boundary="],
)
def test_a_body_of_another_kind_is_refused(api: Api, content_type: str) -> None:
    answer = post_body(api, CSV, content_type=content_type)
    assert (answer.status_code, answer.json()["code"]) == (415, "multipart_required")


@pytest.mark.usefixtures("untouched")
def test_a_client_that_goes_away_in_the_middle_leaves_nothing(api: Api) -> None:
    before = stored_files(api)
    begun = multipart((FILE, CSV + b"FH,ADA,EXAMPLE,05/10/1975\n" * 100_000), end=False)
    with half_sent(api, api.issuer.token(), announced=10 * len(begun), sent=begun) as connection:
        # The file has begun to be written.
        wait_for(lambda: stored_files(api) != before)
        connection.close()
    wait_for(lambda: stored_files(api) == before)


@pytest.mark.usefixtures("untouched")
def test_an_anonymous_body_is_not_read(api: Api) -> None:
    for token in (None, "not.a.token"):
        with half_sent(api, token, announced=1 << 30, sent=multipart((FILE, CSV))) as connection:
            # Answered, though most of the body is still to come.
            assert connection.recv(100).startswith(b"HTTP/1.1 401")


@pytest.mark.usefixtures("untouched")
def test_who_is_no_analyst_or_operator_hands_nothing_in(api: Api) -> None:
    answer = post_csv(api, token=api.issuer.token(roles=["claims-auditor"]))
    assert (answer.status_code, answer.json()["code"]) == (403, "role_required")


@pytest.mark.usefixtures("untouched")
def test_a_refused_upload_is_on_record(api: Api) -> None:
    someone = f"analyst-{datetime.now(UTC).timestamp()}"
    post_csv(api, b"%PDF-1.7", token=api.issuer.token(sub=someone))
    entries = list_entries(api.engine, organization_id=ORGANIZATION, page_size=1000)
    [entry] = [entry for entry in entries if entry.actor == someone]
    told = (entry.action, entry.outcome, entry.code, entry.upload_id)
    assert told == ("upload", "refused", "pdf", None)


@pytest.mark.parametrize("path", [UPLOAD, UPLOAD.rstrip("/")])
def test_the_address_works_with_and_without_a_slash_at_its_end(api: Api, path: str) -> None:
    answer = api.post(path, token=api.issuer.token(), files={"file": ("a.csv", CSV)})
    assert answer.status_code == 201


@pytest.mark.usefixtures("untouched")
def test_a_disk_that_is_full_leaves_nothing_and_is_said(api: Api) -> None:
    content = CSV + b"FH00000002,BEN,SAMPLE,01/02/1980\n" * 50_000
    with files_no_larger_than(MEBIBYTE):
        answer = post_csv(api, content)
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")


def test_a_file_store_that_cannot_be_written_to_is_said(small_api: Api) -> None:
    # A file where the organization's folder would be: it stops root, too.
    folder = Path(small_api.settings.resolved_files)
    folder.mkdir(exist_ok=True)
    (folder / ORGANIZATION).write_bytes(b"")
    answer = post_csv(small_api)
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert uploads_of(small_api) == 0
    (folder / ORGANIZATION).unlink()
    assert post_csv(small_api).status_code == 201


CARE = b"First Name,Last Name,DOB,Dates of Care\nAda,Example,05/10/1975,10/05/2026\n"


@pytest.mark.usefixtures("untouched")
def test_columns_in_doubt_are_refused_until_somebody_has_decided(api: Api) -> None:
    answer = post_csv(api, CARE)
    assert (answer.status_code, answer.json()["code"]) == (422, "columns_uncertain")
    assert "column D (first_service_date?)" in answer.json()["detail"]


def test_a_decision_about_columns_holds_for_the_next_file_with_the_same_names(api: Api) -> None:
    header = b"Vorname,Last Name,DOB\n"
    assert post_csv(api, header + b"Ada,Example,05/10/1975\n").status_code == 422
    decided = post_csv(
        api, header + b"Ada,Example,05/10/1975\n", column_map='{"Vorname": "first_name"}'
    )
    assert (decided.status_code, decided.json()["total_rows"]) == (201, 1)
    again = post_csv(api, b"DOB,Last Name,vorname\n05/10/1975,Example,Ben\n")
    assert again.status_code == 422
    again = post_csv(api, b"DOB,Last Name,Vorname\n05/10/1975,Example,Ben\n")
    assert again.status_code == 201


def test_a_decision_is_its_organizations_own(api: Api) -> None:
    content = b"Nachname,First Name,DOB\nExample,Ada,05/10/1975\n"
    assert post_csv(api, content, column_map='{"Nachname": "last_name"}').status_code == 201
    assert len(list_decisions(api.engine, ORGANIZATION)) >= 1
    assert list_decisions(api.engine, "other") == {}


@pytest.mark.usefixtures("untouched")
def test_a_damaged_workbook_is_refused_at_once(api: Api) -> None:
    content = io.BytesIO()
    Workbook().save(content)
    answer = post_csv(api, content.getvalue()[:-100], file_name="aging.xlsx")
    assert (answer.status_code, answer.json()["code"]) == (422, "workbook_unreadable")


def test_a_workbook_is_taken_as_a_csv_is(api: Api) -> None:
    book = Workbook()
    for row in (["Aging"], ["Pt First", "Pt Last", "D.O.B."], ["Ada", "Example", "05/10/1975"]):
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    answer = post_csv(api, content.getvalue(), file_name="aging.xlsx")
    assert (answer.status_code, answer.json()["total_rows"]) == (201, 1)
