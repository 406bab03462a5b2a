"""The app: services, middleware, routes and error handlers joined. Run it with uvicorn's factory.

uvicorn --factory claims_pipeline.upload_api.app:create_app
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI

from claims_pipeline.settings import Settings, load_settings
from claims_pipeline.upload_api.access.limiting import within_request_limit
from claims_pipeline.upload_api.health import ReadinessProbe
from claims_pipeline.upload_api.http.middleware import add_middleware
from claims_pipeline.upload_api.http.paths import SlashesAtTheEnd, operation_id
from claims_pipeline.upload_api.http.problems import add_problem_handlers
from claims_pipeline.upload_api.openapi.document import DocumentedApi
from claims_pipeline.upload_api.pages.router import add_pages
from claims_pipeline.upload_api.pages.session.sessions import open_sessions
from claims_pipeline.upload_api.routes import health, sign_in
from claims_pipeline.upload_api.routes.operations import operations
from claims_pipeline.upload_api.services import open_services


def create_app(settings: Settings | None = None) -> FastAPI:
    """A fresh app; settings come from the environment unless given. Opens nothing until it starts.

    Raises:
        SettingsError: a setting is missing or wrong.

    """
    used = settings or load_settings()
    app = DocumentedApi(
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
    if used.keycloak_client_id is not None:
        add_pages(app)
    add_middleware(app, used)
    app.add_middleware(SlashesAtTheEnd)
    app.include_router(operations(), dependencies=[Depends(within_request_limit)])
    app.include_router(health.router)
    app.include_router(sign_in.router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services = open_services(app.state.settings)
    app.state.services = services
    app.state.readiness = ReadinessProbe(services)
    if services.settings.keycloak_client_id is not None:
        app.state.page_sessions = open_sessions(services)
    try:
        yield
    finally:
        services.engine.dispose()
