"""Errors of the page: a page for people, the API's problem documents for its script."""

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from claims_pipeline.upload_api.http.problems import MEDIA_TYPE, problem_response
from claims_pipeline.upload_api.pages.addresses import (
    HOME,
    ORGANIZATION,
    SIGN_IN,
    SIGN_OUT,
    is_page_path,
    place_to_return_to,
)
from claims_pipeline.upload_api.pages.messages import message_page
from claims_pipeline.upload_api.pages.page_script import is_by_script

_Handler = Callable[[Request, Exception], Awaitable[Response]]

_TITLES = {
    "session_ended": "You are signed out",
    "organization_missing": "You do not belong to an organization",
    "organization_unknown": "Your organization is not set up here",
    "role_required": "You do not have access",
    "cross_site": "The request came from another site",
    "identity_unavailable": "Signing in is not possible right now",
    "sign_in_failed": "The sign-in did not work",
    "https_required": "This page needs https",
    "not_found": "There is no such page",
    "upload_unknown": "There is no such upload",
}
_SENTENCES = {
    "organization_missing": "You are signed in, but your account does not belong to an "
    "organization. Ask the person who manages your company's accounts to add you to one, then "
    "sign out and in again.",
    "organization_unknown": "You are signed in, but your organization is not set up in this "
    "service. Ask the people who run it to add it, then sign out and in again.",
    "not_found": "Check the address. The page may also have been deleted.",
    "role_required": "You are signed in, but your account may not work with uploads. Ask the "
    "person who manages your company's accounts for the role of an analyst or operator, then sign "
    "out and in again.",
}
# Who sees these is signed in, and may want to be somebody else.
_OF_SIGNED_IN = frozenset({"organization_missing", "organization_unknown", "role_required"})
_OF_NOT_SIGNED_IN = frozenset({"session_ended", "sign_in_failed", "identity_unavailable"})


def add_page_refusals(app: FastAPI, recognize: Callable[[Request], None]) -> None:
    """Show people a page where the API would answer with a problem document. Add handlers first.

    `recognize` finds out who looks where no page's dependency has.
    """
    for error, handler in list(app.exception_handlers.items()):
        app.exception_handlers[error] = _for_people(handler, recognize)


def refusal_response(request: Request, *, status: int, code: str, detail: str) -> Response:
    """A refusal as its asker reads it: a page, or a problem document for the page's script."""
    return _seen_by_people(
        request, problem_response(request, status=status, code=code, detail=detail)
    )


def _for_people(handler: Any, recognize: Callable[[Request], None]) -> _Handler:
    async def handle(request: Request, error: Exception) -> Response:
        answer: Response = await handler(request, error)
        if answer.status_code == HTTPStatus.NOT_FOUND and is_page_path(request.url.path):
            await run_in_threadpool(recognize, request)
        return _seen_by_people(request, answer)

    return handle


def _seen_by_people(request: Request, problem: Response) -> Response:
    if (
        not is_page_path(request.url.path)
        or is_by_script(request)
        or problem.media_type != MEDIA_TYPE
    ):
        return problem
    content = json.loads(bytes(problem.body))
    code = content["code"]
    is_look = request.method in {"GET", "HEAD"}
    # What posts a form has a page at the same address.
    back = place_to_return_to(request.app, f"{request.url.path}?{request.url.query}")
    if is_look and code == "session_ended":
        return RedirectResponse(_sign_in_address(back), status_code=303)
    if is_look and code == "organization_required":
        return RedirectResponse(ORGANIZATION, status_code=303)
    page = message_page(
        request,
        title=_TITLES.get(code) or HTTPStatus(problem.status_code).phrase,
        sentence=_SENTENCES.get(code) or content["detail"],
        status=problem.status_code,
        request_id=content["request_id"],
        link=_link(code, back),
        button=(SIGN_OUT, "Sign out") if code in _OF_SIGNED_IN else None,
    )
    if "retry-after" in problem.headers:
        page.headers["retry-after"] = problem.headers["retry-after"]
    return page


def _link(code: str, back: str) -> tuple[str, str] | None:
    """Where to go from a refusal; nowhere for who cannot see anything here."""
    if code in _OF_SIGNED_IN or code == "https_required":
        return None
    if code in _OF_NOT_SIGNED_IN:
        return _sign_in_address(back), "Sign in"
    return HOME, "Go to your uploads"


def _sign_in_address(back: str) -> str:
    return SIGN_IN if back == HOME else f"{SIGN_IN}?next={quote(back, safe='')}"
