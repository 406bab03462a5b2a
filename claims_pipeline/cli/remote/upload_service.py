"""The upload service as a client sees it: every call of the API that a command needs."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import requests
from requests_toolbelt import MultipartEncoder, MultipartEncoderMonitor

from claims_pipeline.errors import ClaimsError, FileRefusedError, InputError
from claims_pipeline.model import Outcome, OutcomeCounts, RetryScope, UploadOptions, UploadStatus

_CONNECT_AND_READ_S = (10, 120)
_CHUNK_BYTES = 1 << 16
_PAUSES_S = (1.0, 3.0, 10.0)
_JOBS = "/api/v1/claims/csv-jobs"
_METADATA = "/.well-known/oauth-protected-resource"

OnSent = Callable[[int, int], None]


class ServiceUnreachableError(ClaimsError):
    """The service does not answer."""

    def __init__(self) -> None:
        super().__init__("api_unreachable", "The upload service does not answer; try again later.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteUpload:
    """An upload as the service shows it; its file's name is for the list alone."""

    id: str
    file_name: str = field(repr=False)
    created_at: datetime
    status: UploadStatus
    attempt: int
    counts: OutcomeCounts
    waiting_reason: str | None
    next_try_at: datetime | None
    error_code: str | None
    error_message: str | None


class UploadService:
    """The API at `url`; `access_token` gives a token that is good now."""

    def __init__(
        self,
        url: str,
        *,
        access_token: Callable[[], str],
        organization: str | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._access_token = access_token
        self._organization = organization
        self._session = requests.Session()

    def upload(
        self,
        file: Path,
        *,
        payer: str,
        options: UploadOptions,
        on_sent: OnSent,
        column_map: Mapping[str, str] | None = None,
    ) -> RemoteUpload:
        """Hand a file in; sent again when the connection breaks, it is still one upload.

        `on_sent` hears of bytes sent and bytes in all.

        Raises:
            FileRefusedError: the file is not there, or the service refuses it.

        """
        fields = {
            "provider": payer,
            "use_batch_query": "true" if options.use_sweeps else "false",
            "start_date": options.start_date.isoformat() if options.start_date else "",
            "end_date": options.end_date.isoformat() if options.end_date else "",
            "detail_level": options.detail_level.value,
            "follow_up": {None: "", True: "true", False: "false"}[options.follow_up],
            "column_map": json.dumps(column_map) if column_map else "",
        }
        key = str(uuid4())

        def send() -> requests.Response:
            with _opened(file) as stream:
                encoder = MultipartEncoder({**fields, "file": (file.name, stream, "text/csv")})
                body = MultipartEncoderMonitor(
                    encoder, lambda monitor: on_sent(monitor.bytes_read, encoder.len)
                )
                headers = {"Content-Type": encoder.content_type, "Idempotency-Key": key}
                return self._sent("POST", "/api/v1/claims/bulk/upload", data=body, headers=headers)

        return _upload_of(self._answered(send, refusal=FileRefusedError).json())

    def get(self, upload_id: str) -> RemoteUpload:
        """The upload as it stands."""
        return _upload_of(self._answered(lambda: self._sent("GET", _path(upload_id))).json())

    def newest(self, *, at_most: int, id_prefix: str | None = None) -> list[RemoteUpload]:
        """The uploads that the caller may see, newest first; those whose id begins so."""
        query = {"page_size": str(at_most), **({"id": id_prefix} if id_prefix else {})}
        answer = self._answered(lambda: self._sent("GET", f"{_JOBS}/", params=query))
        return [_upload_of(fields) for fields in answer.json()["results"]]

    def cancel(self, upload_id: str) -> RemoteUpload:
        """Ask for the upload to be cancelled; again, it changes nothing."""
        return _upload_of(
            self._answered(lambda: self._sent("POST", _path(upload_id, "cancel"))).json()
        )

    def retry(self, upload_id: str, scope: RetryScope) -> RemoteUpload:
        """Ask for rows to be asked again. Sent once: a second would be refused or asked twice."""
        body = {"scope": scope.value}
        return _upload_of(
            self._answered(
                lambda: self._sent("POST", _path(upload_id, "retry"), json=body), tries=1
            ).json()
        )

    def download(self, upload_id: str, what: str, output: BinaryIO) -> None:
        """Write a file of the upload: `csv` or `xlsx` results, `lines`, or `rejected` rows."""
        name = "rejected_rows" if what == "rejected" else "download_results"
        query = {} if what == "rejected" else {"format": what}
        answer = self._answered(
            lambda: self._sent("GET", _path(upload_id, name), params=query, stream=True)
        )
        try:
            output.writelines(answer.iter_content(_CHUNK_BYTES))
        except requests.RequestException:
            raise ServiceUnreachableError from None

    def _answered(
        self,
        send: Callable[[], requests.Response],
        *,
        refusal: type[ClaimsError] = InputError,
        tries: int = len(_PAUSES_S) + 1,
    ) -> requests.Response:
        """The answer to what `send` sends, again when the service is away for a moment.

        Raises:
            ServiceUnreachableError: it stays away.
            ClaimsError: it refuses, with its code and its words; `refusal` when the file is why.

        """
        answer = _answer_of(send)
        for pause_s in _PAUSES_S[: tries - 1]:
            if answer is not None and not _will_pass(answer):
                break
            time.sleep(pause_s)
            answer = _answer_of(send)
        if answer is None:
            raise ServiceUnreachableError
        if not answer.ok:
            raise _refusal_of(answer, refusal)
        return answer

    def _sent(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **body: Any
    ) -> requests.Response:
        shown = {"Authorization": f"Bearer {self._access_token()}", **(headers or {})}
        if self._organization:
            shown["X-Organization"] = self._organization
        return self._session.request(
            method,
            f"{self._url}{path}",
            headers=shown,
            timeout=_CONNECT_AND_READ_S,
            # A redirect would take the token, and the file, elsewhere.
            allow_redirects=False,
            **body,
        )


def issuer_of(url: str) -> str:
    """Where the service at `url` says that its callers sign in; needs no token.

    Raises:
        ServiceUnreachableError: it does not answer.
        InputError: `api_error`, when it does not say.

    """
    try:
        answer = requests.get(
            f"{url.rstrip('/')}{_METADATA}", timeout=_CONNECT_AND_READ_S, allow_redirects=False
        )
    except requests.RequestException:
        raise ServiceUnreachableError from None
    if not answer.ok:
        raise _refusal_of(answer, InputError)
    try:
        [issuer] = answer.json()["authorization_servers"]
    except (ValueError, TypeError, KeyError):
        raise InputError("api_error", "The upload service does not say where to sign in.") from None
    return str(issuer)


def _answer_of(send: Callable[[], requests.Response]) -> requests.Response | None:
    try:
        return send()
    except requests.RequestException:
        return None


def _will_pass(answer: requests.Response) -> bool:
    """Whether to ask again soon: it is away, or still at work on what was sent before."""
    is_at_work = answer.status_code == 409 and "Retry-After" in answer.headers
    return is_at_work or answer.status_code in {502, 503, 504}


def _path(upload_id: str, action: str = "") -> str:
    # What is no upload's id must not become another address.
    if not upload_id.replace("-", "").isalnum():
        raise InputError("upload_unknown", "There is no upload of this id.")
    return f"{_JOBS}/{upload_id}/{action}"


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError:
        raise FileRefusedError(
            "file_unreadable", "The file does not exist or cannot be read."
        ) from None


def _refusal_of(answer: requests.Response, refusal: type[ClaimsError]) -> ClaimsError:
    try:
        problem = answer.json()
        code, detail = str(problem["code"]), str(problem["detail"])
    except (ValueError, TypeError, KeyError):
        return InputError("api_error", f"The upload service answered {answer.status_code}.")
    kind = refusal if answer.status_code in {413, 422} else InputError
    return kind(code, detail)


def _upload_of(fields: Mapping[str, Any]) -> RemoteUpload:
    next_try_at = fields["next_try_at"]
    return RemoteUpload(
        id=fields["id"],
        file_name=fields["filename"],
        created_at=datetime.fromisoformat(fields["created_at"]),
        status=UploadStatus(fields["status"]),
        attempt=fields["attempt"],
        counts=OutcomeCounts(
            total=fields["total_rows"],
            **{outcome.value: fields[f"{outcome.value}_count"] for outcome in Outcome},
        ),
        waiting_reason=fields["waiting_reason"],
        next_try_at=datetime.fromisoformat(next_try_at) if next_try_at else None,
        error_code=fields["error_code"],
        error_message=fields["error_message"],
    )
