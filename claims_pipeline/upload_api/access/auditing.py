"""Entries of the audit log for what callers do: who, organization, what, outcome. Never names."""

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import Connection

from claims_pipeline.store import audit
from claims_pipeline.store.database import writing
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.services import Services


class Action(StrEnum):
    """What was done. `ACCESS` is an attempt to reach what the caller may not."""

    LOGIN = "login"
    LOGOUT = "logout"
    UPLOAD = "upload"
    VERIFY = "verify"
    VIEW = "view"
    DOWNLOAD = "download"
    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"
    WORK = "work"
    DECIDE = "decide"
    ACCESS = "access"


def record(
    services: Services,
    caller: Principal,
    action: Action,
    upload_id: str | None = None,
    *,
    refusal: str | None = None,
) -> None:
    """Add an entry in a transaction of its own; `refusal` is the code with which it was refused."""
    with writing(services.engine) as connection:
        append(connection, caller, action, upload_id, refusal=refusal)


def append(
    connection: Connection,
    caller: Principal,
    action: Action,
    upload_id: str | None = None,
    *,
    refusal: str | None = None,
) -> None:
    """As `record`, as the last statement of a transaction that does what the entry tells."""
    audit.append(
        connection,
        organization_id=caller.organization_id,
        actor=caller.user_id,
        action=action,
        upload_id=upload_id,
        outcome="refused" if refusal else "ok",
        now=datetime.now(UTC),
        code=refusal,
    )


def record_sign_out(services: Services, *, organization_id: str, user_id: str) -> None:
    """Add that somebody signed out, whose token may have run out long before."""
    with writing(services.engine) as connection:
        audit.append(
            connection,
            organization_id=organization_id,
            actor=user_id,
            action=Action.LOGOUT,
            upload_id=None,
            outcome="ok",
            now=datetime.now(UTC),
        )
