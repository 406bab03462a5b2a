"""From a form to an upload: file first, then its row, then its run, then the answer.

A crash between any two of these loses nothing that was acknowledged: a file without a row is swept
up, a row without a run is launched by Dagster's sensor.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from claims_pipeline import intake
from claims_pipeline.errors import ClaimsError, FileRefusedError
from claims_pipeline.store.database import writing
from claims_pipeline.store.files import FileStore
from claims_pipeline.store.tenants.column_decisions import list_decisions, remember_decision
from claims_pipeline.store.uploads import NewUpload, Upload, add_upload, get_upload
from claims_pipeline.upload_api.access import auditing
from claims_pipeline.upload_api.access.auditing import Action
from claims_pipeline.upload_api.access.limiting import body_slot, require_quota, take_quota
from claims_pipeline.upload_api.access.uploads import require_upload_role
from claims_pipeline.upload_api.http.problems import ApiError, storage_errors
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.receiving.body import ReceivedForm, receive_form
from claims_pipeline.upload_api.receiving.form_fields import UploadForm, read_form
from claims_pipeline.upload_api.receiving.idempotency import HeldKey, content_digest, held_key
from claims_pipeline.upload_api.services import Services
from claims_pipeline.upload_api.uploads.launching import launch

# What is told by the whole of a file, and not worth a run.
_CERTAIN_OF_A_WHOLE_FILE = frozenset(
    {"archive", "name_not_split", "workbook_too_large", "workbook_unreadable"}
)

# Taken after the key is held: of one upload that is sent many times, one takes a turn.
_turn = asynccontextmanager(body_slot)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenUpload:
    """The upload that answers a form; `is_replayed` when an earlier one with its key made it."""

    upload: Upload
    is_replayed: bool = False


async def take_upload(
    request: Request, services: Services, caller: Principal, *, key: str | None
) -> TakenUpload:
    """Receive the form, keep its file as an upload and launch it.

    `key` makes sending the same upload again harmless; see `idempotency`.

    Raises:
        ApiError: as `receive_form`, `held_key` and `take_quota`; 403 `role_required`.
        FileRefusedError, InputError: the file or a field cannot be taken. Nothing is kept.

    """
    await run_in_threadpool(require_upload_role, services, caller)
    upload_id = str(uuid4())
    async with (
        _refusals_recorded(services, caller),
        held_key(key, services, caller, upload_id=upload_id) as held,
    ):
        if held is None or held.earlier is None:
            await run_in_threadpool(require_quota, services, caller)
        async with _turn(services, caller):
            received = await receive_form(
                request,
                services.files,
                file_key=f"{caller.organization_id}/{upload_id}/upload.csv",
                max_bytes=services.settings.max_file_bytes,
            )
        return await run_in_threadpool(
            _accept,
            services,
            caller,
            received,
            held,
            upload_id=upload_id,
            correlation_id=getattr(request.state, "request_id", None),
        )


@asynccontextmanager
async def _refusals_recorded(services: Services, caller: Principal) -> AsyncIterator[None]:
    try:
        yield
    except ClaimsError as refusal:
        with suppress(SQLAlchemyError):  # The refusal is what the caller is to hear of.
            await run_in_threadpool(
                auditing.record, services, caller, Action.UPLOAD, refusal=refusal.code
            )
        raise


def _accept(
    services: Services,
    caller: Principal,
    received: ReceivedForm,
    key: HeldKey | None,
    *,
    upload_id: str,
    correlation_id: str | None,
) -> TakenUpload:
    try:
        form = read_form(
            received.fields,
            today=services.settings.payer_today(),
            payers=services.payers_of(caller.organization_id),
        )
        digest = content_digest(received, form, user_id=caller.user_id)
        earlier = None if key is None else _earlier(services, key, digest)
    except BaseException:
        received.remove(services.files)
        raise
    if earlier is not None:
        received.remove(services.files)
        return TakenUpload(upload=earlier, is_replayed=True)
    new = NewUpload(
        id=upload_id,
        organization_id=caller.organization_id,
        payer=form.payer,
        source="api",
        file_name=received.file_name,
        file_key=received.file_key,
        file_size=received.file_size,
        file_sha256=received.file_sha256,
        options=form.options,
        user_id=caller.user_id,
        user_email=caller.email,
        correlation_id=correlation_id,
    )
    upload = _kept(services, caller, received, form, new, key=key, digest=digest)
    launch(services, caller, upload.id, attempt_id=upload.attempt_id, attempt_number=upload.attempt)
    return TakenUpload(upload=upload)


def _earlier(services: Services, key: HeldKey, digest: str) -> Upload | None:
    """The upload that was made with this key before, if one was."""
    if key.earlier is None:
        return None
    if key.earlier.body_sha256 != digest:
        raise ApiError(
            422,
            "idempotency_key_reused",
            "This key was used for another upload. Use a new key for each upload.",
        )
    upload = get_upload(services.engine, key.earlier.upload_id, organization_id=key.organization_id)
    if upload is None:
        raise ApiError(410, "upload_deleted", "The upload of this key has been deleted.")
    return upload


def _kept(
    services: Services,
    caller: Principal,
    received: ReceivedForm,
    form: UploadForm,
    new: NewUpload,
    *,
    key: HeldKey | None,
    digest: str,
) -> Upload:
    """The upload's row, with what has to be true together with it; without one, no file."""
    commits = False
    try:
        remembered = list_decisions(services.engine, caller.organization_id)
        found = _survey(services.files, received, form, remembered)
        total_rows = found.rows if found else 0
        with writing(services.engine) as connection:
            take_quota(connection, services, caller, uploads=1, rows=total_rows)
            new = replace(new, total_rows=total_rows)
            upload = add_upload(connection, new, now=datetime.now(UTC))
            if found is not None and form.column_map:
                remember_decision(
                    connection,
                    organization_id=caller.organization_id,
                    header_digest=found.header_digest,
                    column_map=form.column_map,
                    now=datetime.now(UTC),
                )
            if key is not None:
                key.bind(connection, digest)
            auditing.append(connection, caller, Action.UPLOAD, new.id)
            commits = True
    except BaseException:
        if not commits or not _may_be_there(services.engine, new.id):
            received.remove(services.files)
        raise
    return upload


def _survey(
    files: FileStore,
    received: ReceivedForm,
    form: UploadForm,
    remembered: Mapping[str, Mapping[str, str]],
) -> intake.Survey | None:
    """How many rows the file has; None when it cannot be read to its end, which its run will tell.

    Raises:
        FileRefusedError: somebody has to decide about its columns first, or it is no such file.

    """
    try:
        with storage_errors(), files.open(received.file_key) as stream:
            return intake.survey(
                stream,
                max_bytes=received.file_size,
                column_map=form.column_map,
                remembered=remembered,
            )
    except FileRefusedError as refusal:
        if refusal.code in intake.DECISION_ERRORS | _CERTAIN_OF_A_WHOLE_FILE:
            raise
        return None


def _may_be_there(engine: Engine, upload_id: str) -> bool:
    """Whether a commit that got no answer may have been done; the sweep removes a useless file."""
    try:
        return get_upload(engine, upload_id) is not None
    except SQLAlchemyError:
        return True
