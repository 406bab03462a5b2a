"""Lists of uploads: the filters that callers may give, and the page that they get."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from claims_pipeline.model import UploadStatus
from claims_pipeline.store.uploads import Ordering, Upload, UploadPage, list_uploads
from claims_pipeline.upload_api.access.uploads import require_upload_role, visible_user_id
from claims_pipeline.upload_api.http.parameters import (
    Instant,
    Optional,
    PageNumber,
    PageSize,
    SearchText,
    printable,
)
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.schemas.uploads import UploadJson
from claims_pipeline.upload_api.services import Services

_OrderingName = Literal["created_at", "-created_at", "filename", "-filename", "status", "-status"]
_ORDERINGS: dict[_OrderingName, Ordering] = {
    "created_at": "created_at",
    "-created_at": "-created_at",
    "filename": "file_name",
    "-filename": "-file_name",
    "status": "status",
    "-status": "-status",
}


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class UploadFilters(BaseModel):
    """Which uploads, in which order, and which page of them.

    `id` is how an upload's id begins, at least eight digits; `user` the id of who uploaded it;
    `search` is a part of a file name.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    page: PageNumber = 1
    page_size: PageSize = 50
    status: Optional[Annotated[UploadStatus, BeforeValidator(_upper)]] = None
    provider: Optional[Annotated[str, Field(max_length=32), AfterValidator(printable)]] = None
    id: Optional[Annotated[str, Field(pattern=r"^[0-9A-Fa-f-]{8,36}$")]] = None
    user: Optional[Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]] = None
    search: Optional[SearchText] = Field(default=None, repr=False)
    created_after: Optional[Instant] = None
    created_before: Optional[Instant] = None
    ordering: _OrderingName = "-created_at"


class UploadListJson(BaseModel):
    """One page of uploads; `count` is how many there are on all pages."""

    count: int
    next: str | None
    previous: str | None
    results: list[UploadJson]


def page_of_uploads(services: Services, caller: Principal, filters: UploadFilters) -> UploadPage:
    """The page of uploads that the caller may see and asked for.

    Raises:
        ApiError: 403 `role_required`.

    """
    require_upload_role(services, caller)
    return list_uploads(
        services.engine,
        organization_id=caller.organization_id,
        page=filters.page,
        page_size=filters.page_size,
        statuses=() if filters.status is None else (filters.status,),
        payer=None if filters.provider is None else filters.provider.lower(),
        user_id=visible_user_id(caller),
        uploaded_by=filters.user,
        id_prefix=filters.id,
        search=filters.search,
        created_after=filters.created_after,
        created_before=filters.created_before,
        ordering=_ORDERINGS[filters.ordering],
    )


def upload_json(services: Services, caller: Principal, upload: Upload) -> UploadJson:
    """The JSON of an upload of the caller's organization, as it stands now."""
    return UploadJson.of(
        upload,
        organization_name=caller.organization_name,
        ui_url=services.settings.dagster_ui_url,
        now=datetime.now(UTC),
    )
