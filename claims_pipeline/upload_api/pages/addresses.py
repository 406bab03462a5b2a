"""Which addresses are the page's, and where people may be sent back to."""

import re
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

from claims_pipeline.upload_api.paths import API_PREFIX

HOME = "/"
SIGN_IN = "/sign-in"
CALLBACK = "/sign-in/callback"
SIGN_OUT = "/sign-out"
SIGNED_IN = "/signed-in"
SIGNED_OUT = "/signed-out"
ORGANIZATION = "/organization"
_NOT_PAGES = frozenset({"/healthz", "/readyz", "/metrics"})
_NOT_PLACES = frozenset({SIGN_IN, CALLBACK, SIGN_OUT, SIGNED_OUT})
# No dots, no escapes, no query: nothing of a patient, and nothing that browsers read differently.
_PLAIN = re.compile(r"/|(/[a-z0-9-]{1,64}){1,4}/?")


def is_page_path(path: str) -> bool:
    """Whether an address is the page's; the API's, and those of the service's health, are not."""
    return not path.startswith(API_PREFIX) and path not in _NOT_PAGES


def place_to_return_to(app: FastAPI, wanted: str | None) -> str:
    """The path of one of our own pages to go to after signing in: the wanted one, if it is one."""
    if wanted is None or not _PLAIN.fullmatch(wanted):
        return HOME
    if not is_page_path(wanted) or wanted in _NOT_PLACES:
        return HOME
    scope = {"type": "http", "method": "GET", "path": wanted, "root_path": "", "headers": []}
    is_there = any(route.matches(scope)[0] == Match.FULL for route in app.router.routes)
    return wanted if is_there else HOME


def own_origin(request: Request) -> str:
    """Scheme, host and port of this service, as the browser names them."""
    return f"{request.url.scheme}://{request.url.netloc}"


def is_from_here(scope: Scope) -> bool:
    """Whether a browser says that one of our own pages sends this.

    Browsers name the origin of every request that may change something; one that does not say it
    is refused with those from elsewhere.
    """
    headers = Headers(scope=scope)
    origin, referer = headers.get("origin"), headers.get("referer")
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    if origin is None and referer is not None:
        parts = urlsplit(referer)
        origin = f"{parts.scheme}://{parts.netloc}"
    return origin == own_origin(Request(scope))
