"""The app of the internal port: health, and metrics for Prometheus. It asks for no token."""

from datetime import UTC, datetime

from fastapi import FastAPI, Request, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from claims_pipeline.store.database import every_organization_scope
from claims_pipeline.upload_api.health import ReadinessProbe
from claims_pipeline.upload_api.http.metrics import StoreCollector, exposition
from claims_pipeline.upload_api.http.middleware import ErrorWall
from claims_pipeline.upload_api.http.problems import add_problem_handlers
from claims_pipeline.upload_api.routes import health
from claims_pipeline.upload_api.services import Services


def create_internal_app(services: Services) -> FastAPI:
    """A fresh app on services that are open; the caller closes them."""
    app = FastAPI(title="Claims pipeline, inside", openapi_url=None, redirect_slashes=False)
    app.state.readiness = ReadinessProbe(services)
    app.state.store_collector = StoreCollector(
        every_organization_scope(services.engine), lambda: datetime.now(UTC)
    )
    add_problem_handlers(app)
    app.add_middleware(ErrorWall)
    app.include_router(health.router)
    app.add_api_route("/metrics", metrics)
    return app


def metrics(request: Request) -> Response:
    """Figures in Prometheus's text format."""
    return Response(
        exposition(request.app.state.store_collector), media_type=CONTENT_TYPE_PLAIN_0_0_4
    )
