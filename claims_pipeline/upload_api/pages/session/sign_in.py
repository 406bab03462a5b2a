"""Signing in and out: authorization code with PKCE, done by the server for the browser.

What ties the browser's return to its leaving (state, nonce, the code's verifier, where to go) lies
sealed in a cookie for each try, so that several tabs may sign in at once.
"""

import secrets
from dataclasses import dataclass, field, replace
from hashlib import sha256

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jwcrypto.common import base64url_encode

from claims_pipeline.store.database import organization_scope
from claims_pipeline.upload_api.access.auditing import Action, record, record_sign_out
from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.pages.addresses import (
    CALLBACK,
    HOME,
    SIGN_IN,
    SIGN_OUT,
    SIGNED_IN,
    SIGNED_OUT,
    own_origin,
    place_to_return_to,
)
from claims_pipeline.upload_api.pages.messages import message_page
from claims_pipeline.upload_api.pages.session.cookies import (
    give_cookie,
    is_secure,
    named_cookie,
    shown_cookie,
    take_cookie,
)
from claims_pipeline.upload_api.pages.session.page_session import PageSession
from claims_pipeline.upload_api.pages.session.realm import RealmRefusedError
from claims_pipeline.upload_api.pages.session.sessions import PageSessions, sessions_of
from claims_pipeline.upload_api.pages.session.signed_in import SignedIn
from claims_pipeline.upload_api.services import AppServices, Services

# As long as Keycloak's own form waits.
_TRY_LASTS_S = 1800
_LONGEST_ANSWER = 4096

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    """One way to Keycloak and back."""

    state: str
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    place: str

    @property
    def cookie(self) -> str:
        """The name of its cookie."""
        return f"claims-sign-in-{sha256(self.state.encode()).hexdigest()[:12]}"


@router.get(SIGN_IN)
def sign_in(request: Request, next: str | None = None) -> Response:  # noqa: A002 - the address's word
    """Go to Keycloak, and come back to `next`, a path of one of our pages."""
    _require_tls(request)
    sessions = sessions_of(request)
    place = place_to_return_to(request.app, next)
    if _is_signed_in(sessions, request):
        return RedirectResponse(place, status_code=303)
    attempt = _Try(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        code_verifier=secrets.token_urlsafe(48),
        place=place,
    )
    address = sessions.realm.sign_in_address(
        redirect_uri=_redirect_uri(request),
        state=attempt.state,
        nonce=attempt.nonce,
        code_challenge=base64url_encode(sha256(attempt.code_verifier.encode()).digest()),
    )
    answer = RedirectResponse(address, status_code=303)
    sealed = sessions.seal.close(
        {"nonce": attempt.nonce, "code_verifier": attempt.code_verifier, "place": place},
        bound_to=attempt.state,
    )
    give_cookie(request, answer, sealed, name=attempt.cookie, max_age_s=_TRY_LASTS_S)
    return answer


@router.get(CALLBACK)
def callback(request: Request, services: AppServices) -> Response:
    """Take what Keycloak sent the browser back with; begin a new session, whatever was before."""
    sessions = sessions_of(request)
    attempt = _try_of(request, sessions)
    code = request.query_params.get("code", "")
    if attempt is None or not code or len(code) > _LONGEST_ANSWER:
        if _is_signed_in(sessions, request):
            # The way back in the browser's history, or the same answer twice.
            return RedirectResponse(HOME, status_code=303)
        raise _sign_in_failed()
    cookie_value = _began(request, services, attempt, code)
    answer = RedirectResponse(attempt.place, status_code=303)
    give_cookie(request, answer, cookie_value)
    take_cookie(request, answer, attempt.cookie)
    return answer


@router.post(SIGN_OUT)
def sign_out(request: Request, services: AppServices) -> Response:
    """End the session here and at Keycloak."""
    sessions = sessions_of(request)
    session = sessions.left_over(shown_cookie(request))
    answer: Response = RedirectResponse(SIGNED_OUT, status_code=303)
    if session is not None:
        _record_sign_out(services, session)
        try:
            sessions.end_everywhere(session)
        except ApiError:
            answer = message_page(
                request,
                title="You are signed out here",
                sentence="The sign-in service does not answer and could not be told: it may let "
                "whoever uses this browser next in without a password. Close the browser.",
            )
    take_cookie(request, answer)
    return answer


@router.get(SIGNED_OUT)
def signed_out(request: Request) -> HTMLResponse:
    """What is seen after signing out."""
    return message_page(
        request,
        title="You are signed out",
        sentence="Nobody can see your uploads in this browser until you sign in again.",
        link=(SIGN_IN, "Sign in"),
    )


@router.get(SIGNED_IN)
def signed_in_again(request: Request, _caller: SignedIn) -> HTMLResponse:
    """The end of signing in again in a second tab, in the middle of work in the first."""
    return message_page(
        request,
        title="You are signed in again",
        sentence="Close this tab and go on in the other one: nothing there is lost.",
        link=(HOME, "Go to your uploads"),
    )


def _began(request: Request, services: Services, attempt: _Try, code: str) -> str:
    """The cookie of a new session, for the code of somebody who has signed in."""
    sessions = sessions_of(request)
    try:
        tokens = sessions.realm.tokens_for_code(
            code, redirect_uri=_redirect_uri(request), code_verifier=attempt.code_verifier
        )
        user_id = services.tokens.verify_identity(
            tokens.identity or "", client_id=sessions.realm.client_id, nonce=attempt.nonce
        )
        begun = sessions.begin(tokens, user_id=user_id)
    except (RealmRefusedError, ApiError) as error:
        if isinstance(error, ApiError) and error.status != 401:
            raise
        raise _sign_in_failed() from None
    before = sessions.stored(shown_cookie(request))
    if before is not None:
        sessions.end(before)
    if begun.principal is not None:
        request.state.principal = begun.principal
        record_sign_in(services, begun.principal)
    return begun.cookie_value


def record_sign_in(services: Services, principal: Principal) -> None:
    """Put it into the audit log of the organization that the person works for."""
    record(
        replace(services, engine=organization_scope(services.engine, principal.organization_id)),
        principal,
        Action.LOGIN,
        refusal=None if principal.may_upload else "role_required",
    )


def _record_sign_out(services: Services, session: PageSession) -> None:
    organization_id = session.row.organization_id
    if organization_id is not None:
        record_sign_out(
            replace(services, engine=organization_scope(services.engine, organization_id)),
            organization_id=organization_id,
            user_id=session.row.user_id,
        )


def _try_of(request: Request, sessions: PageSessions) -> _Try | None:
    """The try that this browser began and now comes back from."""
    state = request.query_params.get("state", "")
    attempt = _Try(state=state, nonce="", code_verifier="", place=HOME)
    content = sessions.seal.open(named_cookie(request, attempt.cookie), bound_to=state)
    if content is None:
        return None
    return replace(
        attempt,
        nonce=content["nonce"],
        code_verifier=content["code_verifier"],
        place=place_to_return_to(request.app, content["place"]),
    )


def _is_signed_in(sessions: PageSessions, request: Request) -> bool:
    try:
        sessions.of_cookie(shown_cookie(request))
    except ApiError:
        return False
    return True


def _require_tls(request: Request) -> None:
    if is_secure(request) and request.url.scheme != "https":
        raise ApiError(
            400,
            "https_required",
            "Signing in over an open connection would show your session to others. Open this page "
            "with https://. Those who run it: list the proxy that ends TLS in "
            "CLAIMS_API_TRUSTED_PROXIES.",
        )


def _redirect_uri(request: Request) -> str:
    return f"{own_origin(request)}{CALLBACK}"


def _sign_in_failed() -> ApiError:
    return ApiError(
        400,
        "sign_in_failed",
        "The sign-in was not finished, took too long, or is not meant for this service. Try again; "
        "if it fails again, tell your administrator.",
    )
