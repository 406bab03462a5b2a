"""Keeps other sites' pages from acting in the name of who is signed in, and frames ours in headers.

Plain ASGI around the whole app, so that no route of a page can be forgotten, and a refusal comes
before a byte of a body is read. The API is left alone: no cookie means anything to it.
"""

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from claims_pipeline.upload_api.pages.addresses import is_from_here, is_page_path
from claims_pipeline.upload_api.pages.refusals import refusal_response
from claims_pipeline.upload_api.pages.rendering import PAGE_HEADERS

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS = {
    **PAGE_HEADERS,
    # With none at all browsers would not name the origin of our own forms either.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


class OwnPagesOnly:
    """Refuses what would change something and does not come from one of our own pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass, and add the headers of a page to what answers a page."""
        if scope["type"] != "http" or not is_page_path(scope["path"]):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["method"] in _SAFE_METHODS or is_from_here(scope):
            await self._app(scope, receive, send_with_headers)
            return
        answer = refusal_response(
            Request(scope),
            status=403,
            code="cross_site",
            detail="This was sent from another site, and nothing was done. Open the page itself "
            "and try again.",
        )
        await answer(scope, receive, send_with_headers)
