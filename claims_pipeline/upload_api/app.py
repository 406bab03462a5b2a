"""The app: services, middleware, routes and error handlers joined. Run it with uvicorn's factory.

uvicorn --factory claims_pipeline.upload_api.app:create_app
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from claims_pipeline.settings import Settings, load_settings
from claims_pipeline.store.database import open_engine
from claims_pipeline.store.files import open_file_store
from claims_pipeline.upload_api.auth.tokens import TokenVerifier
from claims_pipeline.upload_api.dagster_client import DagsterClient
from claims_pipeline.upload_api.operations import operations
from claims_pipeline.upload_api.paths import SlashesAtTheEnd, operation_id
from claims_pipeline.upload_api.problems import add_problem_handlers
from claims_pipeline.upload_api.services import Services


def create_app(settings: Settings | None = None) -> FastAPI:
    """A fresh app; settings come from the environment unless given. Opens nothing until it starts.

    Raises:
        SettingsError: a setting is missing or wrong.

    """
    used = settings or load_settings()
    app = FastAPI(
        title="Claims pipeline",
        # Swagger's page loads from elsewhere; the document itself is served.
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
        lifespan=_lifespan,
    )
    app.state.settings = used
    add_problem_handlers(app)
    app.add_middleware(SlashesAtTheEnd)
    app.include_router(operations())
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    engine = open_engine(settings.resolved_database_url)
    app.state.services = Services(
        settings=settings,
        engine=engine,
        files=open_file_store(settings.resolved_files),
        tokens=TokenVerifier(settings),
        dagster=DagsterClient(settings),
    )
    try:
        yield
    finally:
        engine.dispose()
