"""Looks at what the caller may not see: recorded, counted, and not without end."""

from claims_pipeline.upload_api.access.auditing import Action, record
from claims_pipeline.upload_api.http.problems import ApiError, too_much
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.services import Services


def refused_look(
    services: Services, caller: Principal, refusal: ApiError, upload_id: str | None = None
) -> ApiError:
    """What to raise in its place: the refusal itself, which is recorded.

    The look counts for the caller's limit of requests, polling too, and the same one again is
    recorded once a minute. Beyond the limit it is 429 `too_many_requests`.
    """
    if wait_s := services.limits.seconds_until_allowed(caller.user_id):
        return too_much("too_many_requests", "Too many requests in one minute.", wait_s)
    look = (caller.organization_id, caller.user_id, refusal.code, upload_id or "")
    if services.limits.is_first_in_a_minute(*look):
        record(services, caller, Action.ACCESS, upload_id, refusal=refusal.code)
    return refusal
