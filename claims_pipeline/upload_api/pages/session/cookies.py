"""The cookie that a signed-in browser holds: a random value, readable by no script."""

import re
import secrets
from hashlib import sha256

from fastapi import Request, Response

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_NAME = "claims-session"
_VALUE_BYTES = 32
_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")


def new_cookie_value() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(_VALUE_BYTES)


def session_id_of(cookie_value: str) -> str:
    """The id of the cookie's session in the store, from which nobody gets the cookie back."""
    return sha256(cookie_value.encode()).hexdigest()


def is_secure(request: Request) -> bool:
    """Whether cookies of this answer travel over TLS only: always, but for this very machine."""
    return request.url.scheme == "https" or not is_local(request)


def is_local(request: Request) -> bool:
    """Whether the browser runs on the machine that serves, by the name that it asks for."""
    return request.url.hostname in _LOCAL_NAMES


def cookie_name(request: Request, name: str = _NAME) -> str:
    """The name under which browsers hold the cookie to this host, its root path and TLS."""
    return f"__Host-{name}" if is_secure(request) else name


def shown_cookie(request: Request) -> str | None:
    """The session cookie that came with the request, if it can be one of ours."""
    value = request.cookies.get(cookie_name(request), "")
    return value if _VALUE.fullmatch(value) else None


def named_cookie(request: Request, name: str) -> str:
    """Another cookie of ours that came with the request; empty when it did not."""
    return request.cookies.get(cookie_name(request, name), "")


def give_cookie(
    request: Request,
    response: Response,
    value: str,
    *,
    name: str = _NAME,
    max_age_s: int | None = None,
) -> None:
    """Have the browser keep the cookie, until it is closed unless a time is given.

    Lax, since the browser comes back from Keycloak, another site. Requests that change something
    are held to our own pages by `cross_site`.
    """
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=max_age_s,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )


def take_cookie(request: Request, response: Response, name: str = _NAME) -> None:
    """Have the browser forget the cookie."""
    response.delete_cookie(
        cookie_name(request, name),
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )
