"""Which uploads a caller reaches: an analyst their own, an operator any of the organization.

An upload out of reach is answered exactly as one that is not there.
"""

from uuid import UUID

from claims_pipeline.store.uploads import Upload, get_upload
from claims_pipeline.upload_api.access.refusals import refused_look
from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.services import Services


def upload_for(services: Services, caller: Principal, upload_id: str) -> Upload:
    """The upload of this id, if the caller may work with it; a refusal is recorded.

    Raises:
        ApiError: 403 `role_required`, or 404 `upload_unknown` for one that is not there, another
            organization's, or somebody else's when the caller is no operator.

    """
    asked = upload_id if _is_upload_id(upload_id) else None
    _require_upload_role(services, caller, asked)
    upload = asked and get_upload(services.engine, asked, organization_id=caller.organization_id)
    if not upload or not _may_access(caller, upload):
        unknown = ApiError(404, "upload_unknown", "There is no upload of this id.")
        raise refused_look(services, caller, unknown, asked)
    return upload


def require_upload_role(services: Services, caller: Principal) -> None:
    """Let analysts and operators pass; a refusal is recorded.

    Raises:
        ApiError: 403 `role_required`.

    """
    _require_upload_role(services, caller, None)


def visible_user_id(caller: Principal) -> str | None:
    """Whose uploads the caller's lists show: the caller's own, or None for everybody's."""
    return None if caller.sees_all_uploads else caller.user_id


def _require_upload_role(services: Services, caller: Principal, upload_id: str | None) -> None:
    if not caller.may_upload:
        refusal = ApiError(
            403, "role_required", "Working with uploads needs the role of an analyst or operator."
        )
        raise refused_look(services, caller, refusal, upload_id)


def _may_access(caller: Principal, upload: Upload) -> bool:
    return caller.sees_all_uploads or upload.user_id == caller.user_id


def _is_upload_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
