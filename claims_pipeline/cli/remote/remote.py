"""What `upload`, `status`, `watch`, `cancel`, `retry` and `download` do at the upload service."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from claims_pipeline.cli.remote.sign_in import (
    RealmAddress,
    Tokens,
    require_private_address,
)
from claims_pipeline.cli.remote.upload_service import RemoteUpload, UploadService, issuer_of
from claims_pipeline.cli.summary import UploadProgress, outcome_table
from claims_pipeline.errors import InputError
from claims_pipeline.model import UploadStatus
from claims_pipeline.settings import load_settings

_POLL_S = 1.0
_LONGEST_PAUSE = timedelta(minutes=1)
_ENDINGS = {
    "csv": "results.csv",
    "xlsx": "results.xlsx",
    "lines": "lines.csv",
    "rejected": "rejected.csv",
}


def upload_service(api: str | None, organization: str | None) -> UploadService | None:
    """The service that `--api` or CLAIMS_API_URL names; None when neither does.

    Raises:
        SettingsError: a setting for signing in is missing, or an address is not private.

    """
    settings = load_settings()
    url = api or settings.api_url
    if url is None:
        return None
    require_private_address(url, "CLAIMS_API_URL")
    tokens = Tokens(
        settings,
        tell=lambda line: typer.echo(line, err=True),
        realm=lambda: RealmAddress.of_issuer(issuer_of(url)),
        organization=organization,
    )
    return UploadService(url, access_token=tokens.access_token, organization=organization)


def required_upload_service(api: str | None, organization: str | None) -> UploadService:
    """As `upload_service`, for commands that have no use without one.

    Raises:
        InputError: `api_missing`.

    """
    service = upload_service(api, organization)
    if service is None:
        raise InputError("api_missing", "Set CLAIMS_API_URL or give --api.")
    return service


def watched(
    service: UploadService, upload_id: str, on_progress: Callable[[RemoteUpload], None]
) -> RemoteUpload:
    """The upload when it is over, or waits for a payer for longer than anybody would watch."""
    while True:
        upload = service.get(upload_id)
        on_progress(upload)
        if upload.status.is_terminal or _waits_for_long(upload):
            return upload
        time.sleep(_POLL_S)


def watch_with_a_bar(service: UploadService, upload_id: str) -> RemoteUpload:
    """As `watched`, with a progress bar on standard error."""
    with UploadProgress() as progress:
        return watched(service, upload_id, progress.update)


def is_complete(upload: RemoteUpload) -> bool:
    """Whether every row was asked."""
    return upload.status is UploadStatus.COMPLETED and not upload.counts.failed


def show(upload: RemoteUpload, console: Console) -> None:
    """Print the outcome table and what is to be said about the upload."""
    console.print(f"Upload {upload.id}: {upload.status.value}, attempt {upload.attempt}")
    console.print(outcome_table(upload.counts))
    if upload.error_message:
        console.print(escape(f"{upload.error_message} [{upload.error_code}]"))
    if upload.waiting_reason:
        console.print(escape(f"Waiting: {upload.waiting_reason}. The service goes on later."))


def download(service: UploadService, upload_id: str, *, what: str, output: Path | None) -> Path:
    """Write a file of the upload beside its final name and rename it; the final path.

    Raises:
        InputError: `file_exists` or `file_unwritable`.

    """
    path = output or Path(f"{upload_id}.{_ENDINGS[what]}")
    if path.exists():
        raise InputError("file_exists", "There is a file of that name; choose another --output.")
    part = path.with_name(f"{path.name}.part")
    try:
        # Patients' data: for the owner's eyes.
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError:
        raise InputError("file_unwritable", "The file cannot be written there.") from None
    try:
        with os.fdopen(descriptor, "wb") as stream:
            service.download(upload_id, what, stream)
        part.rename(path)
    except BaseException:
        with suppress(FileNotFoundError):
            part.unlink()
        raise
    return path


def _waits_for_long(upload: RemoteUpload) -> bool:
    return (
        upload.waiting_reason is not None
        and upload.next_try_at is not None
        and upload.next_try_at - datetime.now(UTC) > _LONGEST_PAUSE
    )
