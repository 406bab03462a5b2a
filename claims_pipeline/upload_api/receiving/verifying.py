"""A file checked as an upload would be, without asking the payer and without keeping anything."""

from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

from anyio import CancelScope
from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from claims_pipeline.errors import FileRefusedError
from claims_pipeline.preflight.check import FileCheck, check_file
from claims_pipeline.preflight.context import intake_context
from claims_pipeline.preflight.ways import ways_of
from claims_pipeline.store.ledger.densities import known_observations
from claims_pipeline.store.ledger.payer_calls import usual_latency_s
from claims_pipeline.store.tenants.column_decisions import list_decisions
from claims_pipeline.store.tenants.practices import list_practices
from claims_pipeline.store.uploads import Upload, latest_of_content
from claims_pipeline.upload_api.access.auditing import Action, record
from claims_pipeline.upload_api.access.limiting import body_slot
from claims_pipeline.upload_api.access.uploads import require_upload_role, visible_user_id
from claims_pipeline.upload_api.http.problems import storage_errors
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.receiving.body import ReceivedForm, receive_form
from claims_pipeline.upload_api.receiving.form_fields import read_column_map, read_form
from claims_pipeline.upload_api.services import Services

MOST_REJECTED_ROWS = 100

# Checking takes a processor; it is done within the same turn as reading.
_turn = asynccontextmanager(body_slot)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedForm:
    """The findings, the file's name, which may hold PHI, and what was decided about columns.

    `earlier` is the latest upload of the very same content, if the caller may see one.
    """

    found: FileCheck
    file_name: str = field(default="", repr=False)
    column_map: Mapping[str, str] = field(default_factory=dict, repr=False)
    earlier: Upload | None = None


async def verify_file(
    request: Request,
    services: Services,
    caller: Principal,
    *,
    most_rejected: int | None = MOST_REJECTED_ROWS,
) -> VerifiedForm:
    """Check the form's file; the findings are those of an upload's intake.

    They hold the first `most_rejected` of the rejected rows; all, when it is None.

    While it is checked it lies in the file store, where the sweep finds it should the process die.

    Raises:
        ApiError: as `receive_form`; 403 `role_required`, 429 `too_many_uploads`.
        InputError: a field beside the file is wrong.

    """
    await run_in_threadpool(require_upload_role, services, caller)
    async with _turn(services, caller):
        try:
            received = await receive_form(
                request,
                services.files,
                file_key=f"{caller.organization_id}/{uuid4()}/verified.csv",
                max_bytes=services.settings.max_file_bytes,
            )
        except FileRefusedError as error:
            verified = VerifiedForm(found=FileCheck(file_error=error))
        else:
            try:
                verified = VerifiedForm(
                    found=await run_in_threadpool(
                        _checked, services, caller, received, most_rejected
                    ),
                    file_name=received.file_name,
                    column_map=read_column_map(received.fields),
                    earlier=await run_in_threadpool(
                        latest_of_content,
                        services.engine,
                        received.file_sha256,
                        organization_id=caller.organization_id,
                        user_id=visible_user_id(caller),
                    ),
                )
            finally:
                with CancelScope(shield=True):
                    await run_in_threadpool(received.remove, services.files)
    await run_in_threadpool(record, services, caller, Action.VERIFY)
    return verified


def _checked(
    services: Services, caller: Principal, received: ReceivedForm, most_rejected: int | None
) -> FileCheck:
    settings = services.settings
    today = settings.payer_today()
    payers = services.payers_of(caller.organization_id)
    form = read_form(received.fields, today=today, payers=payers)
    practices = list_practices(services.engine, caller.organization_id)
    context = intake_context(
        settings,
        provider=form.payer,
        payers=payers,
        practices=practices,
        today=today,
        column_map=form.column_map,
        remembered=list_decisions(services.engine, caller.organization_id),
    )
    ways = ways_of(
        settings,
        form.options,
        seconds_a_call=partial(usual_latency_s, services.engine, caller.organization_id),
    )
    with storage_errors(), services.files.open(received.file_key) as stream:
        return check_file(
            stream,
            context=context,
            ways=ways,
            observations=known_observations(services.engine, caller.organization_id),
            most_rejected=most_rejected,
        )
