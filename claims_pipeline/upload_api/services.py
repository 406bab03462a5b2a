"""What the routes work with, opened once when the app starts."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine

from claims_pipeline.settings import Settings
from claims_pipeline.store.files import FileStore
from claims_pipeline.upload_api.auth.tokens import TokenVerifier
from claims_pipeline.upload_api.dagster_client import DagsterClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The store, the verifier of tokens and the way to Dagster; shared by all requests."""

    settings: Settings
    engine: Engine
    files: FileStore
    tokens: TokenVerifier
    dagster: DagsterClient


def services_of(request: Request) -> Services:
    """The services of the app that answers this request."""
    services: Services = request.app.state.services
    return services


AppServices = Annotated[Services, Depends(services_of)]
