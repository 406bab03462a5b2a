"""Which addresses are the page's, and where people may be sent back to."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import FastAPI, Request
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

from claims_pipeline.upload_api.http.paths import API_PREFIX

HOME = "/"
SIGN_IN = "/sign-in"
CALLBACK = "/sign-in/callback"
SIGN_OUT = "/sign-out"
SIGNED_IN = "/signed-in"
SIGNED_OUT = "/signed-out"
ORGANIZATION = "/organization"
# Of the list's address, once, after an upload was deleted.
DELETED = "deleted"
_NOT_PAGES = frozenset({"/healthz", "/readyz", "/metrics"})
_NOT_PLACES = frozenset({SIGN_IN, CALLBACK, SIGN_OUT, SIGNED_OUT})
# No escapes: nothing of a patient, and nothing that browsers read differently.
_PLAIN = re.compile(r"/|(/[a-z0-9-]{1,64}){1,4}/?")
_FILE = re.compile(r"/[a-z]{1,32}\.[a-z]{1,8}")
# What lists are narrowed by; what is searched for is in no address.
_FILTERS = frozenset(
    {
        *("status", "provider", "user", "ordering", "page"),
        *("outcome", "claim_status", "next_action", "order"),
        *("owner", "overdue", "payer", "practice_id", "code", "remark"),
        *("with_done", "with_waiting"),
    }
)
_FILTER_VALUE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def is_page_path(path: str) -> bool:
    """Whether an address is the page's; the API's, and those of the service's health, are not."""
    return not path.startswith(API_PREFIX) and path not in _NOT_PAGES


def place_to_return_to(app: FastAPI, wanted: str | None) -> str:
    """Where one of our own pages is to go to after signing in: the wanted one, if it is one.

    Its filters are kept, nothing else of its query. In a file's place stands the page it is of.
    """
    path, _, query = (wanted or "").partition("?")
    path = _FILE.sub("", path) or HOME
    if not _PLAIN.fullmatch(path) or not is_page_path(path) or path in _NOT_PLACES:
        return HOME
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
    if not any(route.matches(scope)[0] == Match.FULL for route in app.router.routes):
        return HOME
    filters = [
        (name, value)
        for name, value in parse_qsl(query)
        if name in _FILTERS and _FILTER_VALUE.fullmatch(value)
    ]
    return f"{path}?{urlencode(filters)}" if filters else path


def own_origin(request: Request) -> str:
    """Scheme, host and port of this service, as browsers name them."""
    return _origin(request.url.scheme, request.url.netloc)


def _origin(scheme: str, host: str) -> str:
    """Browsers leave a scheme's own port out; some proxies do not."""
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORTS.get(scheme, '/'))}"


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
        origin = _origin(parts.scheme, parts.netloc)
    return origin == own_origin(Request(scope))
