"""Who looks at a page that is there for nobody in particular, such as one of an unknown address."""

from contextlib import suppress

from fastapi import Request

from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.pages.session.cookies import shown_cookie
from claims_pipeline.upload_api.pages.session.sessions import sessions_of


def recognize(request: Request) -> None:
    """Let the page show its navigation to somebody who is signed in; others see it without.

    The session is not extended: an address that leads nowhere is no work.
    """
    if getattr(request.state, "principal", None) is not None or shown_cookie(request) is None:
        return
    sessions = sessions_of(request)
    with suppress(ApiError):
        request.state.principal = sessions.principal(sessions.of_cookie(shown_cookie(request)))
