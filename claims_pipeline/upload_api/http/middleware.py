"""What happens to every HTTP request and its answer, whatever route it takes or does not take.

Plain ASGI, so that bodies stay streams. `add_middleware` puts the layers together.
"""

import logging
import re
import time
from uuid import uuid4

from fastapi import FastAPI, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from claims_pipeline.errors import described_without_values
from claims_pipeline.settings import Settings
from claims_pipeline.upload_api.http.logs import REQUEST_ID
from claims_pipeline.upload_api.http.metrics import count_request

# UUIDs and trace ids. Digits and letters up to f spell no name, and the id goes into logs, run tags
# and the payer's correlation header.
_WELL_FORMED_ID = re.compile(r"[0-9a-fA-F-]{16,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CLIENT_GONE = 499
_LOGGER = logging.getLogger(__name__)

# A route may set its own instead; the pages do.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_HTTPS_ONLY_FOR_A_YEAR = "max-age=31536000"


def add_middleware(app: FastAPI, settings: Settings) -> None:
    """Put the layers around the app: first added, innermost."""
    app.add_middleware(ErrorWall)
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Idempotency-Key", "X-Organization", "X-Request-ID"],
            expose_headers=["Content-Disposition", "Retry-After", "X-Request-ID"],
        )
    app.add_middleware(AnswerHeaders)
    app.add_middleware(AccessLog)
    app.add_middleware(RequestIds)
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.trusted_proxies)


class RequestIds:
    """Gives every HTTP request an id: the caller's if it is well-formed, else a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep the id in `request.state.request_id` and answer it as `X-Request-ID`."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _WELL_FORMED_ID.fullmatch(given) else str(uuid4())
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        token = REQUEST_ID.set(request_id)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            REQUEST_ID.reset(token)


class AccessLog:
    """Logs and counts every answer by its route's template, never by its path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and tell how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = _CLIENT_GONE
        began = time.perf_counter()

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            duration_s = time.perf_counter() - began
            method = scope["method"] if scope["method"] in _METHODS else "OTHER"
            route = route_template(scope)
            count_request(method=method, route=route, status=status, duration_s=duration_s)
            principal = scope["state"].get("principal")
            facts = {
                "method": method,
                "route": route,
                "status": status,
                "duration_ms": round(duration_s * 1000, 1),
                "user_id": principal.user_id if principal else None,
                "organization": principal.organization_id if principal else None,
            }
            level = logging.ERROR if status >= 500 else logging.INFO
            _LOGGER.log(level, "answered", extra={"facts": facts})


class AnswerHeaders:
    """Adds the security headers that an answer does not have yet, errors' answers included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; the headers are added as its answer begins."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", _HTTPS_ONLY_FOR_A_YEAR)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class ErrorWall:
    """Lets no exception out: the server would log its text, which may repeat a patient's data.

    An error before the answer becomes a 500; one in the middle of it breaks the connection off, so
    that nobody takes half an answer for a whole one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and keep what it raises here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def send_and_note(message: Message) -> None:
            nonlocal has_begun
            has_begun = has_begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except ClientDisconnect:
            return
        except Exception as error:
            if has_begun:
                _LOGGER.error("answer broken off: %s", described_without_values(error))  # noqa: TRY400
                return
            tell = scope["app"].exception_handlers[Exception]
            answer = await tell(Request(scope), error)
            await answer(scope, receive, send)


def route_template(scope: Scope) -> str:
    """The path with names for its variable parts, as in `/jobs/{upload_id}`.

    What no route takes is `unmatched`: such a path may hold anything.
    """
    if "endpoint" not in scope:
        return "unmatched"
    names = {str(value): name for name, value in scope.get("path_params", {}).items()}
    parts = scope["path"].split("/")
    return "/".join(f"{{{names[part]}}}" if part in names else part for part in parts)
