"""Uploads: one row for each CSV handed in, what people see of it."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    RowMapping,
    Select,
    and_,
    func,
    select,
)

from claims_pipeline.errors import InputError
from claims_pipeline.model import (
    DetailLevel,
    OutcomeCounts,
    RetryScope,
    UploadOptions,
    UploadStatus,
)
from claims_pipeline.store import audit, tables
from claims_pipeline.store.database import insert_or_ignore, reading, writing

Ordering = Literal["created_at", "-created_at", "file_name", "-file_name", "status", "-status"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload with the facts of its latest attempt.

    `file_name`, `header` and `outbox_name` are patients' data and no part of the representation.
    `run_id` is the run that holds the latest attempt, or held it last. `waiting_reason` and
    `next_try_at` are set while the payer is down. `answered_before` is how many rows had their
    answer when the latest attempt began, `mark` and `earlier_mark` how many had it at two moments
    since, half a minute apart. `record_count` is what the reader counted in the file,
    None until it has been read; of the lines that it left out, `left_out` has the first with line
    number and reason. `follow_up` says whether its claims are followed; None is as the
    organization has it.
    """

    id: str
    organization_id: str
    payer: str
    source: str
    status: UploadStatus
    file_name: str = field(repr=False)
    file_key: str
    file_size: int
    file_sha256: str
    duplicate_of: str | None
    user_id: str | None
    user_email: str | None = field(repr=False)
    use_sweeps: bool
    start_date: date | None
    end_date: date | None
    detail_level: DetailLevel
    follow_up: bool | None
    header: tuple[str, ...] | None = field(repr=False)
    record_count: int | None
    left_out_count: int
    left_out: tuple[tuple[int, str], ...]
    attempt: int
    counts: OutcomeCounts
    error_code: str | None
    error_message: str | None
    outbox_name: str | None = field(repr=False)
    created_at: datetime
    updated_at: datetime
    processing_started_at: datetime | None
    processing_completed_at: datetime | None
    attempt_id: str
    run_id: str | None
    waiting_reason: str | None
    next_try_at: datetime | None
    answered_before: int
    mark: tuple[datetime, int] | None
    earlier_mark: tuple[datetime, int] | None

    @property
    def options(self) -> UploadOptions:
        """What the person who uploaded chose."""
        return UploadOptions(
            use_sweeps=self.use_sweeps,
            start_date=self.start_date,
            end_date=self.end_date,
            detail_level=self.detail_level,
            follow_up=self.follow_up,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPage:
    """One page of uploads, and how many there are on all pages."""

    uploads: tuple[Upload, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """A file that lies in the file store and is to become an upload.

    `total_rows` is what a first look at the file counted; intake replaces it. `correlation_id` is
    that of the HTTP request that brought it.
    """

    id: str
    organization_id: str
    payer: str
    source: str
    file_name: str = field(repr=False)
    file_key: str
    file_size: int
    file_sha256: str
    options: UploadOptions = field(default_factory=UploadOptions)
    user_id: str | None = None
    user_email: str | None = field(default=None, repr=False)
    outbox_name: str | None = field(default=None, repr=False)
    total_rows: int = 0
    correlation_id: str | None = None


def create_upload(
    engine: Engine, new: NewUpload, *, now: datetime, actor: str | None = None
) -> Upload:
    """Keep a new upload, PENDING, with its first attempt ready to be launched.

    Asked again with the same id, it gives back the upload that is there. With an `actor` the audit
    log tells of it.

    Raises:
        InputError: `upload_unknown` when the id is another organization's.

    """
    with writing(engine) as connection:
        is_new = find_upload(connection, new.id) is None
        upload = add_upload(connection, new, now=now)
        if actor is not None and is_new:
            audit.append(
                connection,
                organization_id=new.organization_id,
                actor=actor,
                action="upload",
                upload_id=new.id,
                outcome="ok",
                now=now,
            )
    return upload


def add_upload(connection: Connection, new: NewUpload, *, now: datetime) -> Upload:
    """As `create_upload`, within a transaction."""
    values = asdict(new)
    options, correlation_id = values.pop("options"), values.pop("correlation_id")
    inserted = connection.execute(
        insert_or_ignore(connection, tables.uploads).values(
            **values,
            **options,
            status=UploadStatus.PENDING,
            duplicate_of=_earlier_upload(connection, new.organization_id, new.file_sha256),
            attempt=1,
            created_at=now,
            updated_at=now,
        ),
        # An INSERT does not tell otherwise.
        execution_options={"preserve_rowcount": True},
    )
    if inserted.rowcount == 1:
        connection.execute(
            tables.attempts.insert().values(
                id=str(uuid4()),
                organization_id=new.organization_id,
                upload_id=new.id,
                number=1,
                scope=RetryScope.ALL,
                state="pending",
                correlation_id=correlation_id,
                created_at=now,
            )
        )
    upload = find_upload(connection, new.id, organization_id=new.organization_id)
    if upload is None:
        raise InputError("upload_unknown", "There is no upload of this id.")
    return upload


def get_upload(
    engine: Engine, upload_id: str, *, organization_id: str | None = None
) -> Upload | None:
    """The upload, if it is there and, when given, belongs to the organization."""
    with reading(engine) as connection:
        return find_upload(connection, upload_id, organization_id=organization_id)


def find_upload(
    connection: Connection, upload_id: str, *, organization_id: str | None = None
) -> Upload | None:
    """As `get_upload`, within a transaction."""
    query = _with_latest_attempt().where(tables.uploads.c.id == upload_id)
    if organization_id is not None:
        query = query.where(tables.uploads.c.organization_id == organization_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else _upload_of(row)


def get_uploads(
    engine: Engine,
    upload_ids: Collection[str],
    *,
    organization_id: str,
    user_id: str | None = None,
) -> dict[str, Upload]:
    """Those of the uploads that are there and the organization's, by id; with a user, theirs."""
    query = _with_latest_attempt().where(
        tables.uploads.c.id.in_(upload_ids), tables.uploads.c.organization_id == organization_id
    )
    if user_id is not None:
        query = query.where(tables.uploads.c.user_id == user_id)
    with reading(engine) as connection:
        return {row["id"]: _upload_of(row) for row in connection.execute(query).mappings()}


def ids_beginning_with(engine: Engine, prefix: str, *, at_most: int) -> tuple[str, ...]:
    """Ids of uploads of any organization that begin so, the newest first."""
    query = (
        select(tables.uploads.c.id)
        .where(tables.uploads.c.id.startswith(prefix.lower(), autoescape=True))
        .order_by(tables.uploads.c.created_at.desc(), tables.uploads.c.id)
        .limit(at_most)
    )
    with reading(engine) as connection:
        return tuple(connection.execute(query).scalars())


def list_uploads(
    engine: Engine,
    *,
    organization_id: str,
    page: int = 1,
    page_size: int = 50,
    statuses: Sequence[UploadStatus] = (),
    payer: str | None = None,
    user_id: str | None = None,
    uploaded_by: str | None = None,
    id_prefix: str | None = None,
    search: str | None = None,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    ordering: Ordering = "-created_at",
) -> UploadPage:
    """One page (from 1) of an organization's uploads; empty beyond the last.

    `user_id` is whose uploads may be seen, `uploaded_by` whose are looked for. `id_prefix` is how
    an upload's id begins. `search` looks for a part of the file's name, in any case.
    `created_after` is included, `created_before` is not.
    """
    conditions: list[ColumnElement[bool]] = [tables.uploads.c.organization_id == organization_id]
    if statuses:
        conditions.append(tables.uploads.c.status.in_(statuses))
    if payer is not None:
        conditions.append(tables.uploads.c.payer == payer)
    if user_id is not None:
        conditions.append(tables.uploads.c.user_id == user_id)
    if uploaded_by is not None:
        conditions.append(tables.uploads.c.user_id == uploaded_by)
    if id_prefix is not None:
        conditions.append(tables.uploads.c.id.startswith(id_prefix.lower(), autoescape=True))
    if search:
        conditions.append(tables.uploads.c.file_name.icontains(search, autoescape=True))
    if created_after is not None:
        conditions.append(tables.uploads.c.created_at >= created_after)
    if created_before is not None:
        conditions.append(tables.uploads.c.created_at < created_before)
    column = tables.uploads.c[ordering.removeprefix("-")]
    in_order = column.desc() if ordering.startswith("-") else column.asc()
    # The rows before the page are passed over by themselves, without their attempts.
    page_ids = (
        select(tables.uploads.c.id)
        .where(and_(*conditions))
        .order_by(in_order, tables.uploads.c.id)
        .limit(page_size)
        .offset((page - 1) * page_size)
    )
    page_query = (
        _with_latest_attempt()
        .where(tables.uploads.c.id.in_(page_ids))
        .order_by(in_order, tables.uploads.c.id)
    )
    count_query = select(func.count()).select_from(tables.uploads).where(and_(*conditions))
    with reading(engine) as connection:
        rows = connection.execute(page_query).mappings().all()
        total = connection.execute(count_query).scalar_one()
    return UploadPage(uploads=tuple(_upload_of(row) for row in rows), total=total)


def uploaders(engine: Engine, organization_id: str) -> tuple[tuple[str, str], ...]:
    """Ids and e-mail addresses of those who have uploaded here, by address."""
    columns = tables.uploads.c
    query = (
        select(columns.user_id, func.max(columns.user_email))
        .where(
            columns.organization_id == organization_id,
            columns.user_id.is_not(None),
            columns.user_email.is_not(None),
        )
        .group_by(columns.user_id)
    )
    with reading(engine) as connection:
        found = [(user_id, email) for user_id, email in connection.execute(query)]
    return tuple(sorted(found, key=lambda person: person[1]))


def latest_of_content(
    engine: Engine, sha256: str, *, organization_id: str, user_id: str | None = None
) -> Upload | None:
    """The organization's latest upload with this SHA-256; `user_id` asks for one's own."""
    conditions = [
        tables.uploads.c.organization_id == organization_id,
        tables.uploads.c.file_sha256 == sha256,
    ]
    if user_id is not None:
        conditions.append(tables.uploads.c.user_id == user_id)
    query = (
        _with_latest_attempt()
        .where(and_(*conditions))
        .order_by(tables.uploads.c.created_at.desc(), tables.uploads.c.id)
        .limit(1)
    )
    with reading(engine) as connection:
        row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _upload_of(row)


def _earlier_upload(connection: Connection, organization_id: str, sha256: str) -> str | None:
    query = (
        select(tables.uploads.c.id)
        .where(
            tables.uploads.c.organization_id == organization_id,
            tables.uploads.c.file_sha256 == sha256,
        )
        .order_by(tables.uploads.c.created_at, tables.uploads.c.id)
        .limit(1)
    )
    earlier: str | None = connection.execute(query).scalar_one_or_none()
    return earlier


def _with_latest_attempt() -> Select[Any]:
    latest = and_(
        tables.attempts.c.upload_id == tables.uploads.c.id,
        tables.attempts.c.number == tables.uploads.c.attempt,
    )
    return select(
        tables.uploads,
        tables.attempts.c.id.label("attempt_id"),
        tables.attempts.c.holder_run_id.label("run_id"),
        tables.attempts.c.waiting_reason,
        tables.attempts.c.next_try_at,
        tables.attempts.c.answered_before,
        tables.attempts.c.mark_at,
        tables.attempts.c.mark_rows,
        tables.attempts.c.earlier_mark_at,
        tables.attempts.c.earlier_mark_rows,
    ).join_from(tables.uploads, tables.attempts, latest)


def _upload_of(row: RowMapping) -> Upload:
    values = dict(row)
    counts = OutcomeCounts(
        total=values.pop("total_rows"),
        found=values.pop("found_count"),
        not_found=values.pop("not_found_count"),
        ambiguous=values.pop("ambiguous_count"),
        rejected=values.pop("rejected_count"),
        failed=values.pop("failed_count"),
        unprocessed=values.pop("unprocessed_count"),
    )
    for mark in ("mark", "earlier_mark"):
        at, rows = values.pop(f"{mark}_at"), values.pop(f"{mark}_rows")
        values[mark] = None if at is None else (at, rows)
    values["status"] = UploadStatus(values["status"])
    values["detail_level"] = DetailLevel(values["detail_level"])
    values["left_out"] = tuple((line, reason) for line, reason in values["left_out"] or ())
    values["header"] = None if values["header"] is None else tuple(values["header"])
    return Upload(**values, counts=counts)
