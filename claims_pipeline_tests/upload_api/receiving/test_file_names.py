from collections.abc import Iterator
from pathlib import Path

import pytest

from claims_pipeline.upload_api.receiving.file_names import clean_file_name
from claims_pipeline_tests.upload_api.api import Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer
from claims_pipeline_tests.upload_api.receiving.forms import CSV, multipart, post_body

HOSTILE = {
    "../../../etc/passwd": "passwd",
    "..\\..\\windows\\system.ini": "system.ini",
    "/etc/shadow": "shadow",
    "C:\\Users\\me\\claims.csv": "claims.csv",
    "\\\\server\\share\\claims.csv": "claims.csv",
    "..": "upload.csv",
    ".": "upload.csv",
    "": "upload.csv",
    "   ": "upload.csv",
    "...": "upload.csv",
    ".htaccess": "htaccess",
    "~root/.ssh/authorized_keys": "authorized_keys",
    "claims.csv/": "upload.csv",
    "a\x00b.csv": "ab.csv",
    "a\x1b[31mred.csv": "a[31mred.csv",
    "a\tb.csv": "a b.csv",
    "a\x7fb.csv": "ab.csv",
    "a\u202egpj.csv": "agpj.csv",
    "a\u200bb\ufeff.csv": "ab.csv",
    "a\u2028b.csv": "a b.csv",
    "a\u0085b.csv": "a b.csv",
    "x" * 1000 + ".csv": "x" * 255,
    "=cmd|' /C calc'!A0.csv": "C calc'!A0.csv",
    "<script>alert(1)</script>.csv": "script>.csv",
    "%2e%2e%2fpasswd": "%2e%2e%2fpasswd",
    "$(reboot).csv": "$(reboot).csv",
    "`reboot`.csv": "`reboot`.csv",
    "a;b,c.csv": "a;b,c.csv",
    "CON": "CON",
    "e\u0301te\u0301.csv": "\u00e9t\u00e9.csv",
    "\u05e9\u05dc\u05d5\u05dd.csv": "\u05e9\u05dc\u05d5\u05dd.csv",
    "\U0001f600.csv": "\U0001f600.csv",
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("api"), issuer) as running:
        yield running


@pytest.mark.parametrize(("given", "kept"), HOSTILE.items())
def test_a_hostile_name_is_made_harmless(given: str, kept: str) -> None:
    assert clean_file_name(given.encode()) == kept


def test_a_name_that_is_no_utf_8_is_read_as_windows_does() -> None:
    assert clean_file_name("Größe.csv".encode("cp1252")) == "Größe.csv"
    assert clean_file_name(b"a\x81b.csv") == "a\ufffdb.csv"


def test_hostile_names_reach_the_answer_cleaned_and_the_disk_never(api: Api) -> None:
    home = Path(api.settings.resolved_home)
    outside = sorted(home.parent.iterdir())
    # What cannot stand in a header at all never gets here.
    sendable = [name for name in HOSTILE if name.isprintable() and "\\" not in name]
    assert len(sendable) > 20
    for name in sendable:
        answer = post_body(api, multipart((f'name="file"; filename="{name}"', CSV)))
        assert (answer.status_code, answer.json()["filename"]) == (201, HOSTILE[name])
    stored = [path for path in Path(api.settings.resolved_files).rglob("*") if path.is_file()]
    assert {path.name for path in stored} == {"upload.csv"}
    assert len(stored) == len(sendable)
    assert sorted(home.parent.iterdir()) == outside
