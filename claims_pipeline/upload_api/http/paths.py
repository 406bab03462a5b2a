"""Where operations are found: two families of addresses, with or without a slash at the end."""

from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

API_PREFIX = "/api/"
JOBS = "/api/v1/claims/csv-jobs"
# Older clients know the same operations by this name.
JOBS_ALIAS = "/api/v1/claims/bulk/jobs"
BULK = "/api/v1/claims/bulk"
CLAIMS = "/api/v1/claims"
# Where older clients look for practices.
PROVIDERS = "/api/v1/providers"
# Before the name of an operation that an alias repeats.
BULK_PREFIX, PROVIDERS_PREFIX = "bulk_", "providers_"


class SlashesAtTheEnd:
    """Answers `/api/…/` as `/api/…`, without the redirect that would lose a POST's body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its address without the slash."""
        if scope["type"] == "http" and scope["path"].startswith(API_PREFIX):
            scope = {**scope, "path": scope["path"].removesuffix("/")}
        await self._app(scope, receive, send)


def operation_id(route: APIRoute) -> str:
    """The function's name; under an alias, which has the same functions, its word before it."""
    if route.path.startswith(JOBS_ALIAS):
        return f"{BULK_PREFIX}{route.name}"
    return f"{PROVIDERS_PREFIX}{route.name}" if route.path.startswith(PROVIDERS) else route.name
