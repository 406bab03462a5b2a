"""The ledger: which queries an attempt has planned, who asks them, which are settled.

A query is `planned`, `leased` to a lane for a while, then `settled` (the payer answered) or
`failed`. One whose answer comes later is `submitted` meanwhile: it is leased again to look for the
answer, and never to be sent again. A query is settled in the same transaction that writes the
answers of its rows, so a killed run goes on where it was, and a settled query is never asked again.
Every writing transaction begins with the attempt's row, which proves that this run still holds the
attempt and puts the lanes of one attempt in line.
"""

import sys
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)

from claims_pipeline.model import (
    BillingProvider,
    Claim,
    Practice,
    Query,
    Request,
    billing_provider,
)
from claims_pipeline.payers.base import CallKind, CallRecord
from claims_pipeline.store import attempts, tables
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.ledger import densities
from claims_pipeline.store.ledger.entries import (
    AnsweredQuery,
    Conclude,
    Conclusion,
    Group,
    GroupView,
    LeasedQuery,
    SubmittedQuery,
    leased_query_of,
    open_row_of,
)
from claims_pipeline.store.ledger.settling import Settlement, count, interim_claims, open_rows
from claims_pipeline.store.rows import stored
from claims_pipeline.store.tenants.practices import list_practices
from claims_pipeline.store.types import UtcInstant

_FREE_STATE = case((tables.queries.c.reference.is_(None), "planned"), else_="submitted")
_UNDER_WAY = ("planned", "leased", "submitted")
# As text: SQLAlchemy's way from JSON would take longer than ours to windows.
_COVERED = cast(tables.requests.c.covered, Text).label("covered")
_SWEPT = cast(tables.requests.c.swept, Text).label("swept")


class Ledger:
    """One lane's access to the queries of an attempt that its run holds.

    Not shared between threads: a lane's main thread plans, leases and settles. Methods raise
    `HoldLostError` when another run has acquired the attempt, `CancelRequestedError` when someone
    asked to cancel; nothing is written then.
    """

    def __init__(
        self,
        engine: Engine,
        hold: Hold,
        *,
        lease_s: float,
        now: Callable[[], datetime],
        payer_ids: Collection[str] | None = None,
        awaits_answers: bool = False,
        max_in_flight: int | None = None,
    ) -> None:
        """Work on the attempt of `hold`; of its rows only on those of `payer_ids`, if given.

        `awaits_answers`: what is asked may be answered later, with `max_in_flight` queries at most
        between sent and answered.
        """
        self._engine = engine
        self._hold = hold
        self._lease = timedelta(seconds=lease_s)
        self._now = now
        self._token = str(uuid.uuid4())
        self._renewed_at = now()
        self._payer_ids = payer_ids
        self._awaits_answers = awaits_answers
        self._max_in_flight = max_in_flight
        self._practices: dict[str, Practice] | None = None

    @property
    def hold(self) -> Hold:
        """The attempt that this ledger works on."""
        return self._hold

    def provider_of(self, request: Request) -> BillingProvider:
        """Who billed a row: its practice, by the row's own NPI where it has one."""
        if self._practices is None:
            self._practices = {
                practice.practice_id: practice
                for practice in list_practices(self._engine, self._hold.organization_id)
            }
        return billing_provider(request, self._practices.get(request.practice_id))

    # Planning

    def groups_to_plan(self) -> list[Group]:
        """Groups with open rows and no query under way, in a stable order."""
        under_way = exists().where(
            tables.queries.c.attempt_id == self._hold.attempt_id,
            tables.queries.c.tin == tables.requests.c.tin,
            tables.queries.c.payer_id == tables.requests.c.payer_id,
            tables.queries.c.state.in_(_UNDER_WAY),
        )
        statement = (
            select(tables.requests.c.tin, tables.requests.c.payer_id)
            .where(self._open_rows(), not_(under_way))
            .distinct()
            .order_by(tables.requests.c.tin, tables.requests.c.payer_id)
        )
        with reading(self._engine) as connection:
            return [Group(tin=tin, payer_id=payer) for tin, payer in connection.execute(statement)]

    def view(self, group: Group) -> GroupView:
        """What planning must know of a group, read at one moment."""
        columns = tables.requests.c
        statement = (
            select(
                *stored.REQUEST_COLUMNS, columns.patient_key, _COVERED, _SWEPT, columns.single_only
            )
            .where(
                open_rows(self._hold), columns.tin == group.tin, columns.payer_id == group.payer_id
            )
            .order_by(columns.row_number)
        )
        with reading(self._engine) as connection:
            return GroupView(
                rows=tuple(open_row_of(row) for row in connection.execute(statement)),
                observations=tuple(
                    densities.observations(
                        connection, self._hold.organization_id, group.tin, group.payer_id
                    )
                ),
            )

    def pages_asked(self, *, reason: str) -> int:
        """Pages of the attempt's queries of one reason; one for each that is still to be asked."""
        columns = tables.queries.c
        statement = select(func.coalesce(func.sum(func.coalesce(columns.pages, 1)), 0)).where(
            columns.attempt_id == self._hold.attempt_id, columns.reason == reason
        )
        with reading(self._engine) as connection:
            return int(connection.execute(statement).scalar_one())

    def write_plan(
        self, group: Group, queries: Sequence[Query], conclusions: Sequence[Conclusion] = ()
    ) -> None:
        """Write a group's queries, and results of its rows for which there is nothing to ask.

        Nothing is written when another lane has planned the group meanwhile.
        """
        columns = tables.queries.c
        mine = columns.attempt_id == self._hold.attempt_id
        with writing(self._engine) as connection:
            attempts.verify_hold(connection, self._hold)
            planned_meanwhile = connection.execute(
                select(func.count()).where(
                    mine,
                    columns.tin == group.tin,
                    columns.payer_id == group.payer_id,
                    columns.state.in_(_UNDER_WAY),
                )
            ).scalar_one()
            if planned_meanwhile:
                return
            self._settlement(connection).write_conclusions(conclusions)
            if not queries:
                return
            last = connection.execute(
                select(func.coalesce(func.max(columns.position), 0)).where(mine)
            ).scalar_one()
            connection.execute(
                insert(tables.queries),
                [
                    self._query_row(query, position)
                    for position, query in enumerate(queries, start=last + 1)
                ],
            )

    # Asking

    def lease(self, limit: int, *, most_rows: int = sys.maxsize) -> list[LeasedQuery]:
        """Take up to `limit` queries to ask; an empty list when none is free now.

        They end with the first that brings their open rows to `most_rows`. Another lane's lease
        that has run out, or one whose run lost the attempt, is free again. Queries all of whose
        rows have been answered meanwhile are closed without a call.
        """
        with writing(self._engine) as connection:
            attempts.verify_hold(connection, self._hold)
            if self._is_renewal_due:
                self._renew(connection)
            leased: list[LeasedQuery] = []
            while len(leased) < limit and most_rows > 0:
                leasing = self._lease_some(connection, limit - len(leased), most_rows)
                if not leasing:
                    break
                with_rows = self._with_open_rows(connection, leasing)
                leased.extend(with_rows)
                most_rows -= sum(len(query.requests) for query in with_rows)
        return leased

    def renew_if_due(self) -> None:
        """Keep this lane's leases; call it often, it writes three times per lease."""
        if not self._is_renewal_due:
            return
        with writing(self._engine) as connection:
            attempts.verify_hold(connection, self._hold)
            self._renew(connection)

    def release(self) -> None:
        """Give this lane's queries back as planned: they have not been answered."""
        with writing(self._engine) as connection:
            attempts.verify_hold(connection, self._hold)
            connection.execute(
                update(tables.queries)
                .where(
                    tables.queries.c.attempt_id == self._hold.attempt_id,
                    tables.queries.c.state == "leased",
                    tables.queries.c.lease_token == self._token,
                )
                .values(
                    state=_FREE_STATE, lease_token=None, lease_run_id=None, lease_expires_at=None
                )
            )

    def others_are_asking(self) -> bool:
        """Whether a query is still under way, in another lane or on a lease yet to run out.

        Those whose answers are only awaited are not.
        """
        columns = tables.queries.c
        with reading(self._engine) as connection:
            under_way: ColumnElement[bool] = columns.state.in_(("planned", "leased"))
            if self._awaits_answers:
                is_free = [self._is_due()]
                if self._room_in_flight(connection) > 0:
                    is_free.append(columns.state == "planned")
                under_way = or_(columns.state == "leased", *is_free)
            statement = select(exists().where(self._own_queries(), under_way))
            return bool(connection.execute(statement).scalar_one())

    def next_look_at(self) -> datetime | None:
        """When the first of the answers that are awaited may be there; None for none."""
        columns = tables.queries.c
        statement = select(func.min(columns.next_look_at)).where(
            self._own_queries(), columns.state == "submitted"
        )
        with reading(self._engine) as connection:
            found: datetime | None = connection.execute(statement).scalar_one()
            return found

    def has_open_rows(self) -> bool:
        """Whether any row of the upload has no answer yet."""
        with reading(self._engine) as connection:
            return bool(connection.execute(select(exists().where(self._open_rows()))).scalar_one())

    def open_row_numbers(self, limit: int) -> list[int]:
        """Some of the rows that need an answer of their own, in the file's order."""
        numbers = select(tables.requests.c.row_number).where(self._open_rows())
        with reading(self._engine) as connection:
            return list(
                connection.execute(
                    numbers.order_by(tables.requests.c.row_number).limit(limit)
                ).scalars()
            )

    # Settling

    def settle(self, answered: Sequence[AnsweredQuery], conclude: Conclude) -> int:
        """Write what was answered, in one transaction; gives the number of rows concluded.

        `conclude` sees each open row with all that is covered and known of it, and gives its
        result, or None when the row needs a further query.
        """
        with writing(self._engine) as connection:
            attempt = attempts.verify_hold(connection, self._hold)
            concluded = self._settlement(connection).settle(answered, conclude)
            if attempt.payer_down_since and any(item.answer for item in answered):
                attempts.payer_is_back(connection, self._hold)
            self._renew(connection)
        return concluded

    def record_submitted(self, items: Sequence[SubmittedQuery]) -> None:
        """Write down by which references the answers to queries of this lane are looked for."""
        columns = tables.queries.c
        with writing(self._engine) as connection:
            attempt = attempts.verify_hold(connection, self._hold)
            for item in items:
                connection.execute(
                    update(tables.queries)
                    .where(
                        columns.id == item.leased.query_id,
                        columns.state == "leased",
                        columns.lease_token == self._token,
                    )
                    .values(
                        state="submitted",
                        reference=item.submitted.reference,
                        submitted_at=func.coalesce(
                            columns.submitted_at, bindparam(None, self._now(), UtcInstant)
                        ),
                        next_look_at=item.submitted.next_look_at,
                        lease_token=None,
                        lease_run_id=None,
                        lease_expires_at=None,
                    )
                )
            if attempt.payer_down_since:
                attempts.payer_is_back(connection, self._hold)
            self._renew(connection)

    def conclude_rows(self, conclusions: Sequence[Conclusion]) -> None:
        """Write results of rows for which there is nothing (more) to ask."""
        with writing(self._engine) as connection:
            attempts.verify_hold(connection, self._hold)
            self._settlement(connection).write_conclusions(conclusions)

    def interim_claims(self, row_numbers: Sequence[int]) -> dict[int, tuple[Claim, ...]]:
        """Claims kept for rows that wait for further queries."""
        with reading(self._engine) as connection:
            return interim_claims(connection, self._hold, row_numbers)

    def record_calls(self, payer: str, calls: Sequence[CallRecord]) -> None:
        """Count calls that were made. Needs no hold: a call made is a call made."""
        if not calls:
            return
        sent = Counter(call.kind for call in calls if call.was_sent)
        with writing(self._engine) as connection:
            connection.execute(
                insert(tables.payer_calls),
                [
                    {
                        "organization_id": self._hold.organization_id,
                        "payer": payer,
                        "upload_id": self._hold.upload_id,
                        "attempt_id": self._hold.attempt_id,
                        "kind": call.kind.value,
                        "started_at": call.started_at,
                        "duration_s": call.duration_s,
                        "http_status": call.http_status,
                        "error_code": call.error_code,
                        "try_number": call.try_number,
                    }
                    for call in calls
                ],
            )
            count(
                connection,
                self._hold,
                search_calls=sent[CallKind.SEARCH],
                detail_calls=sent[CallKind.DETAIL],
                payment_calls=sent[CallKind.PAYMENT],
                look_calls=sent[CallKind.LOOK],
            )

    # Parts

    @property
    def _is_renewal_due(self) -> bool:
        return self._now() - self._renewed_at >= self._lease / 3

    def _open_rows(self) -> ColumnElement[bool]:
        if self._payer_ids is None:
            return open_rows(self._hold)
        return and_(open_rows(self._hold), tables.requests.c.payer_id.in_(self._payer_ids))

    def _own_queries(self) -> ColumnElement[bool]:
        mine = tables.queries.c.attempt_id == self._hold.attempt_id
        if self._payer_ids is None:
            return mine
        return and_(mine, tables.queries.c.payer_id.in_(self._payer_ids))

    def _settlement(self, connection: Connection) -> Settlement:
        """A checkpoint in a transaction that has proven the hold."""
        return Settlement(
            connection=connection, hold=self._hold, lease_token=self._token, now=self._now()
        )

    def _query_row(self, query: Query, position: int) -> dict[str, Any]:
        return {
            "id": str(uuid.uuid4()),
            "organization_id": self._hold.organization_id,
            "upload_id": self._hold.upload_id,
            "attempt_id": self._hold.attempt_id,
            "position": position,
            "kind": query.kind.value,
            "tin": query.tin,
            "payer_id": query.payer_id,
            "window_first": query.window.first,
            "window_last": query.window.last,
            "row_numbers": list(query.row_numbers),
            "page_limit": query.page_limit,
            "reason": query.reason,
            "state": "planned",
        }

    def _is_due(self) -> ColumnElement[bool]:
        columns = tables.queries.c
        return and_(columns.state == "submitted", columns.next_look_at <= self._now())

    def _room_in_flight(self, connection: Connection) -> int:
        """How many queries more may be sent before answers have come."""
        if self._max_in_flight is None:
            return sys.maxsize
        sent = connection.execute(
            select(func.count()).where(
                self._own_queries(), tables.queries.c.state.in_(("leased", "submitted"))
            )
        ).scalar_one()
        return max(0, self._max_in_flight - int(sent))

    def _lease_some(self, connection: Connection, limit: int, most_rows: int) -> list[Any]:
        if not self._awaits_answers:
            return self._lease_free(connection, self._is_free(), limit, most_rows)
        looks = self._lease_free(connection, self._is_due(), limit, most_rows)
        room = min(limit - len(looks), self._room_in_flight(connection))
        if room <= 0:
            return looks
        return [*looks, *self._lease_free(connection, self._is_free(), room, most_rows)]

    def _is_free(self) -> ColumnElement[bool]:
        columns = tables.queries.c
        return or_(
            columns.state == "planned",
            and_(
                columns.state == "leased",
                # What this lane has it is asking, however long it forgot to say so.
                columns.lease_token != self._token,
                or_(
                    columns.lease_expires_at < self._now(),
                    columns.lease_run_id != self._hold.run_id,
                ),
            ),
        )

    def _lease_free(
        self, connection: Connection, free: ColumnElement[bool], limit: int, most_rows: int
    ) -> list[Any]:
        columns = tables.queries.c
        next_ones = (
            select(columns.id, columns.row_numbers)
            .where(self._own_queries(), free)
            .order_by(columns.position)
            .limit(limit)
        )
        chosen: list[str] = []
        with connection.execute(next_ones) as found:
            for query_id, row_numbers in found:
                chosen.append(query_id)
                most_rows -= len(row_numbers)
                if most_rows <= 0:
                    break
        if not chosen:
            return []
        leasing = connection.execute(
            update(tables.queries)
            .where(columns.id.in_(chosen))
            .values(
                state="leased",
                lease_token=self._token,
                lease_run_id=self._hold.run_id,
                lease_expires_at=self._now() + self._lease,
            )
            .returning(tables.queries)
        )
        return sorted(leasing, key=lambda row: row.position)

    def _with_open_rows(self, connection: Connection, leasing: Sequence[Any]) -> list[LeasedQuery]:
        wanted = sorted({number for row in leasing for number in row.row_numbers})
        requests = {
            request.row_number: request
            for request in stored.load_requests(
                connection, self._hold.upload_id, wanted, where=open_rows(self._hold)
            )
        }
        leased: list[LeasedQuery] = []
        needless: list[str] = []
        for row in leasing:
            open_requests = tuple(requests[n] for n in row.row_numbers if n in requests)
            if open_requests:
                provider = self.provider_of(open_requests[0])
                leased.append(leased_query_of(row, open_requests, provider))
            else:
                needless.append(row.id)
        if needless:
            connection.execute(
                update(tables.queries)
                .where(tables.queries.c.id.in_(needless))
                .values(state="settled", incomplete_reason="not_needed", settled_at=self._now())
            )
        return leased

    def _renew(self, connection: Connection) -> None:
        now = self._now()
        connection.execute(
            update(tables.queries)
            .where(
                tables.queries.c.attempt_id == self._hold.attempt_id,
                tables.queries.c.state == "leased",
                tables.queries.c.lease_token == self._token,
            )
            .values(lease_expires_at=now + self._lease)
        )
        self._renewed_at = now
