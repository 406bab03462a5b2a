"""What the routes work with, opened once when the app starts."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine

from claims_pipeline.preflight.payer_table import PayerTable
from claims_pipeline.settings import Settings
from claims_pipeline.store.files import FileStore, file_store_of
from claims_pipeline.store.opening import open_database
from claims_pipeline.store.tenants.payers import list_payers
from claims_pipeline.upload_api.dagster_client import DagsterClient
from claims_pipeline.upload_api.keycloak.tokens import TokenVerifier
from claims_pipeline.upload_api.limits import Limits, StreamSeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The store, the verifier of tokens, the way to Dagster, the limits; shared by all requests."""

    settings: Settings
    engine: Engine
    files: FileStore
    tokens: TokenVerifier
    dagster: DagsterClient
    limits: Limits
    streams: StreamSeats

    def payers_of(self, organization_id: str) -> PayerTable:
        """The payers that the organization's files may name, read anew."""
        return PayerTable.of(list_payers(self.engine, organization_id), self.settings)


def open_services(settings: Settings) -> Services:
    """Everything that `settings` name, not yet connected to. Dispose of the engine at the end.

    Raises:
        SettingsError: a setting is missing or wrong.

    """
    return Services(
        settings=settings,
        engine=open_database(settings),
        files=file_store_of(settings),
        tokens=TokenVerifier(settings),
        dagster=DagsterClient(settings),
        limits=Limits(settings),
        streams=StreamSeats(),
    )


async def services_of(request: Request) -> Services:
    """The services of the app that answers this request."""
    # Not that it waits for anything: it would be called in a thread otherwise, which takes longer.
    services: Services = request.app.state.services
    return services


AppServices = Annotated[Services, Depends(services_of)]
