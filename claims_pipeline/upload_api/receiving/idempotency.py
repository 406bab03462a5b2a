"""`Idempotency-Key`: a client that lost an answer may send its upload again.

Per organization. The same key with the same file, name, fields and user answers with the upload
that is there; with others it is refused, and so it is while the first is still under way.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from anyio import CancelScope
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from claims_pipeline.store.web import idempotency
from claims_pipeline.store.web.idempotency import KEPT_FOR, KeyRecord, KeyState
from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.receiving.body import ReceivedForm
from claims_pipeline.upload_api.receiving.form_fields import UploadForm
from claims_pipeline.upload_api.services import Services

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEEP_EVERY_S = KEPT_FOR.total_seconds() / 4
_RETRY_AFTER_S = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldKey:
    """A key that this request may use. `earlier` is set when an upload was made with it."""

    organization_id: str
    key: str
    upload_id: str
    earlier: KeyRecord | None = None

    def bind(self, connection: Connection, body_sha256: str) -> None:
        """Bind the key to its upload, in the transaction that makes it.

        Raises:
            ApiError: 409 `idempotency_in_flight`: we were silent for too long and lost it.

        """
        is_ours = idempotency.bind_key(
            connection,
            organization_id=self.organization_id,
            key=self.key,
            upload_id=self.upload_id,
            body_sha256=body_sha256,
            now=datetime.now(UTC),
        )
        if not is_ours:
            raise _in_flight()


@asynccontextmanager
async def held_key(
    key: str | None, services: Services, caller: Principal, *, upload_id: str
) -> AsyncIterator[HeldKey | None]:
    """Hold the key, if there is one, for the upload that is about to be received.

    An error in the block gives it back.

    Raises:
        ApiError: 409 `idempotency_in_flight`, 410 `upload_deleted` or 422
            `idempotency_key_invalid`.

    """
    if key is None:
        yield None
        return
    held = await run_in_threadpool(_claim, services, caller, key, upload_id)
    if held.earlier is not None:
        yield held
        return
    keeping = asyncio.create_task(_keep(services, held))
    try:
        yield held
    except BaseException:
        with CancelScope(shield=True):
            await run_in_threadpool(_release, services, held)
        raise
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


def content_digest(received: ReceivedForm, form: UploadForm, *, user_id: str) -> str:
    """What makes two uploads with one key the same; the user, because uploads are not shared."""
    options = form.options
    parts = (
        user_id,
        received.file_sha256,
        received.file_name,
        form.payer,
        options.use_sweeps,
        options.detail_level,
        str(options.start_date),
        str(options.end_date),
        *(() if options.follow_up is None else (options.follow_up,)),
        *(sorted(form.column_map.items()) if form.column_map else ()),
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _claim(services: Services, caller: Principal, key: str, upload_id: str) -> HeldKey:
    if not _KEY.fullmatch(key):
        raise ApiError(
            422,
            "idempotency_key_invalid",
            f"{HEADER} has 1 to 255 letters, digits or signs, without blanks.",
        )
    record = idempotency.reserve_key(
        services.engine,
        organization_id=caller.organization_id,
        key=key,
        upload_id=upload_id,
        now=datetime.now(UTC),
    )
    if record.state is KeyState.GONE:
        raise ApiError(410, "upload_deleted", "The upload of this key has been deleted.")
    if record.state is KeyState.IN_FLIGHT and record.upload_id != upload_id:
        raise _in_flight()
    return HeldKey(
        organization_id=caller.organization_id,
        key=key,
        upload_id=upload_id,
        earlier=record if record.state is KeyState.DONE else None,
    )


async def _keep(services: Services, held: HeldKey) -> None:
    """Say now and then that we live: a key of which nothing is heard is free."""
    while True:
        await asyncio.sleep(_KEEP_EVERY_S)
        with suppress(SQLAlchemyError):  # It is asked again when the upload is made.
            await run_in_threadpool(
                idempotency.keep_key,
                services.engine,
                organization_id=held.organization_id,
                key=held.key,
                upload_id=held.upload_id,
                now=datetime.now(UTC),
            )


def _release(services: Services, held: HeldKey) -> None:
    with suppress(SQLAlchemyError):  # Then it becomes free by its age.
        idempotency.release_key(
            services.engine,
            organization_id=held.organization_id,
            key=held.key,
            upload_id=held.upload_id,
        )


def _in_flight() -> ApiError:
    return ApiError(
        409,
        "idempotency_in_flight",
        "An upload with this key is still being processed. Try again in a moment.",
        headers={"Retry-After": str(_RETRY_AFTER_S)},
    )
