"""What callers may do with an upload that is there: cancel, try again, delete.

Each change and its entry in the audit log are one transaction; Dagster is told afterwards.
"""

from datetime import UTC, datetime

from claims_pipeline.errors import InputError
from claims_pipeline.model import RetryScope, UploadStatus
from claims_pipeline.operations.retention import delete_upload_everywhere
from claims_pipeline.store import attempts
from claims_pipeline.store.database import writing
from claims_pipeline.store.uploads import Upload
from claims_pipeline.upload_api.access import auditing
from claims_pipeline.upload_api.access.auditing import Action
from claims_pipeline.upload_api.access.limiting import take_quota
from claims_pipeline.upload_api.access.uploads import upload_for
from claims_pipeline.upload_api.http.problems import storage_errors
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.services import Services
from claims_pipeline.upload_api.uploads.launching import launch


def cancel_upload(services: Services, caller: Principal, upload_id: str) -> Upload:
    """Cancel the upload: our own flag first, then the run that holds it.

    The flag is what counts: a run sees it before its next call, whatever becomes of Dagster's
    part. One that is cancelled already stays as it is.

    Raises:
        ApiError: as `upload_for`.
        InputError: `already_ended`.

    """
    upload_for(services, caller, upload_id)
    before = attempts.latest_attempt(services.engine, upload_id)
    with writing(services.engine) as connection:
        status = attempts.ask_to_cancel(connection, upload_id, datetime.now(UTC))
        has_ended = status in {UploadStatus.COMPLETED, UploadStatus.FAILED}
        refusal = "already_ended" if has_ended else None
        auditing.append(connection, caller, Action.CANCEL, upload_id, refusal=refusal)
    if has_ended:
        raise InputError("already_ended", "The upload has ended already.")
    upload = upload_for(services, caller, upload_id)
    _end_run(services, upload, ticket=before.launch_ticket if before else None)
    return upload


def _end_run(services: Services, upload: Upload, *, ticket: str | None) -> None:
    """End the run that holds the upload, or spare the one in the queue its start.

    Nothing depends on it: a run that begins finds the upload ended, and ends.
    """
    if upload.status is UploadStatus.CANCELLING and upload.run_id:
        services.dagster.terminate(upload.run_id)
    elif ticket is not None:
        services.dagster.terminate_with_ticket(ticket)


def retry_upload(
    services: Services,
    caller: Principal,
    upload_id: str,
    *,
    scope: RetryScope,
    correlation_id: str | None,
) -> Upload:
    """Begin a new attempt and launch it.

    Raises:
        ApiError: as `upload_for` and `take_quota`.
        InputError: `still_running` or `nothing_to_retry`.

    """
    upload_for(services, caller, upload_id)
    try:
        with writing(services.engine) as connection:
            attempt = attempts.ask_to_retry(
                connection, upload_id, scope, datetime.now(UTC), correlation_id=correlation_id
            )
            # What is asked again counts already.
            take_quota(connection, services, caller, uploads=0, rows=0)
            auditing.append(connection, caller, Action.RETRY, upload_id)
    except InputError as refusal:
        auditing.record(services, caller, Action.RETRY, upload_id, refusal=refusal.code)
        raise
    launch(services, caller, upload_id, attempt_id=attempt.id, attempt_number=attempt.number)
    return upload_for(services, caller, upload_id)


def delete_upload(services: Services, caller: Principal, upload_id: str) -> None:
    """Remove an ended upload for good: database, files and the copies in the outbox.

    Raises:
        ApiError: as `upload_for`; 503 or 507 when files cannot be removed.
        InputError: `still_running`.

    """
    upload_for(services, caller, upload_id)
    try:
        with storage_errors():
            delete_upload_everywhere(
                services.engine,
                services.files,
                upload_id,
                organization_id=caller.organization_id,
                outbox=services.settings.resolved_outbox,
                actor=caller.user_id,
                now=datetime.now(UTC),
            )
    except InputError as refusal:
        auditing.record(services, caller, Action.DELETE, upload_id, refusal=refusal.code)
        raise
