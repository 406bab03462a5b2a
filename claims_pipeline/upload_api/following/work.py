"""Followed claims as a caller may see and change them. They belong to the organization.

Whoever may work with uploads works with them all: claims of several people's files are one claim
here, and a team shares them out among itself.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from claims_pipeline.errors import InputError
from claims_pipeline.exports.lines import cell_text
from claims_pipeline.folders.tracked_lines import tracked_line
from claims_pipeline.results_file.columns import TRACKED_COLUMNS
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.tracked.decisions import (
    Candidate,
    Decision,
    candidates_of,
    decide,
    standing_decisions,
    undo,
)
from claims_pipeline.store.tracked.records import TrackedClaim
from claims_pipeline.store.tracked.work import (
    UNASSIGNED,
    Note,
    Order,
    WorkChange,
    WorkFilter,
    WorkPage,
    change_work,
    iterate_work,
    notes_of,
    page_of_work,
)
from claims_pipeline.upload_api.access.auditing import Action, append, record
from claims_pipeline.upload_api.access.refusals import refused_look
from claims_pipeline.upload_api.access.uploads import require_upload_role
from claims_pipeline.upload_api.http.parameters import (
    Optional,
    PageNumber,
    PageSize,
    SearchText,
    printable,
)
from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.services import Services

ME, NOBODY = "me", "nobody"
_LINES_AT_ONCE = 500

_Short = Annotated[str, Field(max_length=128), AfterValidator(printable)]
_Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class WorkQuery(BaseModel):
    """Which claims, and in which order.

    `owner` is a person, `me` or `nobody`; `overdue` are claims whose follow-up day has passed,
    `act_within` those whose deadline comes within so many days. `code` is a CARC or RARC,
    `remark` a RARC. Claims that nobody has to work, and those that are done, are left out unless
    asked for.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    owner: Optional[_Short] = None
    overdue: bool = False
    act_within: Optional[Annotated[int, Field(ge=-3650, le=3650)]] = None
    claim_status: Optional[_Code] = None
    next_action: Optional[_Code] = None
    payer: Optional[_Code] = None
    practice_id: Optional[_Short] = None
    code: Optional[Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,16}$")]] = None
    remark: Optional[Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,16}$")]] = None
    with_done: bool = False
    with_waiting: bool = False
    order: Order = "dollars"


class WorkPageQuery(WorkQuery):
    """As the filters, and which page."""

    page: PageNumber = 1
    page_size: PageSize = 50


class WorkSearch(WorkPageQuery):
    """As the filters, and words of names or numbers, each of which the claim must have."""

    search: SearchText = Field(min_length=1, repr=False)


class WorkChangeJson(BaseModel):
    """What to change about claims; what is not named stays as it is.

    `owner` is a person, `me`, or null for nobody. `done` until the status changes. `note` is
    added to the notes.
    """

    model_config = ConfigDict(hide_input_in_errors=True, extra="forbid")

    ids: list[Annotated[str, Field(max_length=36)]] = Field(min_length=1, max_length=200)
    owner: Optional[_Short] = None
    follow_up_on: Optional[date] = None
    done: bool | None = None
    note: Optional[Annotated[str, Field(max_length=2000)]] = Field(default=None, repr=False)


def person_of(caller: Principal) -> str:
    """How the caller stands as an owner and author: by mail address, as colleagues know them."""
    return caller.email or caller.user_id


def filter_of(query: WorkQuery, caller: Principal, *, search: str | None = None) -> WorkFilter:
    """The filter that a caller's query means."""
    owner = query.owner
    if owner == ME:
        owner = person_of(caller)
    elif owner == NOBODY:
        owner = UNASSIGNED
    return WorkFilter(
        owner=owner,
        is_overdue=query.overdue,
        act_within=query.act_within,
        status=query.claim_status,
        next_action=query.next_action,
        payer=query.payer,
        practice_id=query.practice_id,
        code=query.code,
        remark=query.remark,
        search=search,
        with_done=query.with_done,
        with_waiting=query.with_waiting,
    )


def work_page(
    services: Services, caller: Principal, query: WorkPageQuery, *, search: str | None = None
) -> WorkPage:
    """The page that the caller asked for; a look at it is recorded.

    Raises:
        ApiError: 403 `role_required`.

    """
    require_upload_role(services, caller)
    page = page_of_work(
        services.engine,
        caller.organization_id,
        filter_of(query, caller, search=search),
        order=query.order,
        page=query.page,
        page_size=query.page_size,
        today=services.settings.payer_today(),
    )
    record(services, caller, Action.VIEW)
    return page


def work_csv(services: Services, caller: Principal, query: WorkQuery) -> Iterator[bytes]:
    """All claims of the filter as a CSV, piece by piece; the download is recorded.

    Raises:
        ApiError: 403 `role_required`.

    """
    require_upload_role(services, caller)
    record(services, caller, Action.DOWNLOAD)
    today = services.settings.payer_today()
    claims = iterate_work(
        services.engine,
        caller.organization_id,
        filter_of(query, caller),
        order=query.order,
        today=today,
    )
    return _csv(services, caller, claims, today)


def one_claim(
    services: Services, caller: Principal, tracked_id: str
) -> tuple[TrackedClaim, list[Note], list[Candidate], bool]:
    """A claim with notes, candidates, and whether something was decided; recorded.

    Raises:
        ApiError: 403 `role_required`, 404 `claim_unknown`.

    """
    require_upload_role(services, caller)
    organization_id = caller.organization_id
    wanted = WorkFilter(ids=[tracked_id], with_done=True, with_waiting=True)
    page = page_of_work(
        services.engine,
        organization_id,
        wanted,
        order="dollars",
        page=1,
        page_size=1,
        today=services.settings.payer_today(),
    )
    if not page.claims:
        unknown = ApiError(404, "claim_unknown", "There is no followed claim of this id.")
        raise refused_look(services, caller, unknown)
    record(services, caller, Action.VIEW, tracked_id)
    [claim] = page.claims
    with reading(services.engine) as connection:
        is_decided = bool(standing_decisions(connection, [tracked_id]))
    in_doubt = claim.status == "ambiguous" or is_decided
    return (
        claim,
        notes_of(services.engine, organization_id, [tracked_id])[tracked_id],
        candidates_of(services.engine, organization_id, tracked_id) if in_doubt else [],
        is_decided,
    )


def change_claims(services: Services, caller: Principal, wanted: WorkChangeJson) -> int:
    """Change claims of the organization, each with an entry in the audit log; how many.

    Raises:
        ApiError: 403 `role_required`.
        InputError: `nothing_to_change`.

    """
    require_upload_role(services, caller)
    given = wanted.model_fields_set & {"owner", "follow_up_on", "done"}
    if wanted.done is None:
        given -= {"done"}
    if not given and not wanted.note:
        raise InputError("nothing_to_change", "Name an owner, a day, done or a note.")
    change = WorkChange(
        given=frozenset(given),
        owner=person_of(caller) if wanted.owner == ME else wanted.owner,
        follow_up_on=wanted.follow_up_on,
        is_done=bool(wanted.done),
        note=wanted.note,
    )
    with writing(services.engine) as connection:
        changed = change_work(
            connection,
            caller.organization_id,
            list(dict.fromkeys(wanted.ids)),
            change,
            author=person_of(caller),
            today=services.settings.payer_today(),
            now=datetime.now(UTC),
        )
        for tracked_id in changed:
            append(connection, caller, Action.WORK, tracked_id)
    return len(changed)


def decide_claims(
    services: Services,
    caller: Principal,
    decisions: Sequence[Decision],
    undone: Sequence[str] = (),
) -> int:
    """Keep decisions, and take others back, all or none; each with an entry in the audit log.

    Raises:
        ApiError: 403 `role_required`.
        InputError: as `decide` and `undo`.

    """
    require_upload_role(services, caller)
    now, today = datetime.now(UTC), services.settings.payer_today()
    with writing(services.engine) as connection:
        for decision in decisions:
            decide(
                connection,
                caller.organization_id,
                decision,
                author=person_of(caller),
                today=today,
                now=now,
            )
        for tracked_id in undone:
            undo(connection, caller.organization_id, tracked_id, today=today, now=now)
        for each in (*(decision.tracked_id for decision in decisions), *undone):
            append(connection, caller, Action.DECIDE, each)
    return len(decisions) + len(undone)


def _csv(
    services: Services, caller: Principal, claims: Iterator[TrackedClaim], today: date
) -> Iterator[bytes]:
    yield _lines([tuple(TRACKED_COLUMNS)], bom=services.settings.results_csv_bom)
    while portion := _portion(claims):
        notes = notes_of(services.engine, caller.organization_id, [each.id for each in portion])
        yield _lines(
            [
                tracked_line(claim, today=today, notes=[note.text for note in notes[claim.id]])
                for claim in portion
            ]
        )


def _portion(claims: Iterator[TrackedClaim]) -> list[TrackedClaim]:
    return [claim for claim, _ in zip(claims, range(_LINES_AT_ONCE), strict=False)]


def _lines(lines: Sequence[Sequence[object]], *, bom: bool = False) -> bytes:
    text = io.StringIO(newline="")
    text.write("\ufeff" if bom else "")
    csv.writer(text).writerows([cell_text(cell) for cell in line] for line in lines)  # type: ignore[arg-type]
    return text.getvalue().encode()
