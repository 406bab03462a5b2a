"""Launches runs for uploads that were handed in or are tried again, at once where that is possible.

Whatever goes wrong here is set right in Dagster: an attempt without a ticket is launched by the
pending sensor, one whose ticket no run brings is given back to it by the reconciliation.
"""

import logging
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError

from claims_pipeline.store import attempts
from claims_pipeline.upload_api.dagster_client import Launch
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.services import Services

_LOGGER = logging.getLogger(__name__)


def launch(
    services: Services,
    caller: Principal,
    upload_id: str,
    *,
    attempt_id: str,
    attempt_number: int,
) -> None:
    """Give the pending attempt a run, unless somebody else was faster.

    Raises nothing for Dagster or the database: the attempt is kept already, and will be launched.
    """
    if not services.dagster.is_configured:
        return
    ticket = str(uuid4())
    try:
        if not attempts.issue_ticket(
            services.engine, attempt_id, ticket=ticket, now=datetime.now(UTC)
        ):
            return
        launched = services.dagster.launch(
            upload_id,
            ticket=ticket,
            organization_id=caller.organization_id,
            attempt_number=attempt_number,
        )
        if launched is Launch.NOT_LAUNCHED:
            attempts.void_ticket(services.engine, attempt_id, ticket=ticket)
    except SQLAlchemyError as error:
        _LOGGER.warning("an upload is left to Dagster's sensors: %s", type(error).__name__)
