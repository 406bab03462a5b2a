"""What must never be kept with the source."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from claims_pipeline_tests.services import skip_for_want_of

ROOT = Path(__file__).resolve().parents[2]
DEVELOPMENT_REALM = ROOT / "docker" / "keycloak" / "realm.json"
SECRETS = {
    "private key": re.compile("-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "signed token": re.compile(r"\beyJ[\w-]{16,}\.eyJ[\w-]{16,}\.[\w-]{16,}"),
    "access key of a cloud": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{35}\b"),
    "token of a code host": re.compile(
        r"\b(?:gh[pousr]_\w{36}|github_pat_\w{40,}|glpat-[\w-]{20})"
    ),
    "token of a chat": re.compile(r"\bxox[abpros]-[\w-]{10,}"),
    "password in an address": re.compile(r"\w://[\w.-]+:(?!\$)[^\s@/:\"'{}$<]{3,}@[\w.-]+"),
}
# For a developer's machine, and said so; and what a test hides from its errors.
HARMLESS = re.compile("development-only|claims:claims@|user:secret@host")


def tracked_files() -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        skip_for_want_of("the repository (these are files without its history)")
    yield from (ROOT / name for name in listed.stdout.split("\0") if name)


def secrets_in(text: str) -> list[str]:
    return [
        kind
        for kind, pattern in SECRETS.items()
        for found in pattern.finditer(text)
        if not HARMLESS.search(found.group())
    ]


def test_no_secret_is_in_the_repository() -> None:
    found = [
        f"{kind} in {path.relative_to(ROOT)}"
        for path in tracked_files()
        if path.is_file() and path not in {ROOT / "uv.lock", Path(__file__)}
        for kind in secrets_in(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE KEY-----",
        "eyJhbGciOiJSUzI1NiIsInR5cCI6.eyJzdWIiOiIxMjM0NTY3ODkw.c2lnbmF0dXJlc2lnbmF0dXJl",
        "AKIAABCDEFGHIJKLMNOP",
        f"ghp_{36 * 'a'}",
        "postgresql://claims:s3cret@database/claims",
    ],
)
def test_a_secret_would_be_found(text: str) -> None:
    assert len(secrets_in(f'value = "{text}"')) == 1


def test_secrets_of_the_development_realm_say_that_they_are_for_development() -> None:
    realm = json.loads(DEVELOPMENT_REALM.read_text(encoding="utf-8"))
    secrets = [client["secret"] for client in realm["clients"] if "secret" in client]
    passwords = [
        credential["value"] for user in realm["users"] for credential in user.get("credentials", [])
    ]
    assert secrets
    assert passwords
    assert all(value.startswith("development-only") for value in secrets + passwords)


def test_no_environment_file_is_kept() -> None:
    names = {path.name for path in tracked_files()}
    assert not [name for name in names if name == ".env" or name.endswith((".pem", ".key", ".p12"))]
