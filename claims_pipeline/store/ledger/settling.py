"""The transaction that settles queries: rows learn what is covered, and get their results."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    select,
    update,
)

from claims_pipeline.errors import InvariantError
from claims_pipeline.model import (
    Claim,
    DateWindow,
    DensityObservation,
    QueryKind,
    Request,
    merge_windows,
)
from claims_pipeline.store import codec, tables
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.database import chunks_of
from claims_pipeline.store.ledger import densities
from claims_pipeline.store.ledger.entries import (
    AnsweredQuery,
    Conclude,
    Conclusion,
    RowProgress,
)
from claims_pipeline.store.rows import results

_Value = TypeVar("_Value")

_BATCH = 500  # row numbers in one IN (…), below SQLite's limit of bound values


# One statement for a checkpoint's queries: to build one for each took a third of its time.
_CLOSE_QUERY = update(tables.queries).where(tables.queries.c.id == bindparam("closed_id"))


def batches(values: Sequence[_Value]) -> Iterable[Sequence[_Value]]:
    """Cut a long list of row numbers or ids into what one statement may carry."""
    return chunks_of(values, _BATCH)


def open_rows(hold: Hold) -> ColumnElement[bool]:
    """Rows of the upload that need an answer of their own."""
    columns = tables.requests.c
    return and_(
        columns.upload_id == hold.upload_id,
        columns.is_open.is_(True),
        columns.duplicate_of.is_(None),
    )


# Why an incomplete sweep cannot be trusted for its rows: they are asked singly from then on.
_UNRELIABLE = frozenset({"partial", "unreadable_claims"})
# Why a sweep ends early without any fault: its days hold more claims than it may bring.
_CUT_SHORT = frozenset({"result_cap", "page_limit"})


class _KeptProgress(NamedTuple):
    """What a row's columns say of its progress; windows merged."""

    covered: tuple[DateWindow, ...]
    swept: tuple[DateWindow, ...]
    single_only: bool


@dataclass(slots=True, kw_only=True)
class _TouchedRow:
    """An open row of the queries at hand: what was known of it, and what they bring."""

    request: Request
    covered: tuple[DateWindow, ...]
    swept: tuple[DateWindow, ...]
    single_only: bool
    kept: tuple[Claim, ...]
    brought: tuple[Claim, ...] = ()
    has_news: bool = False
    decided_by: AnsweredQuery | None = None
    failed_by: AnsweredQuery | None = None

    def add(self, item: AnsweredQuery) -> None:
        answer = item.answer
        if answer is not None and answer.complete:
            query = item.leased.query
            self.covered = (*self.covered, query.window)
            if query.kind is QueryKind.SWEEP:
                self.swept = (*self.swept, query.window)
            self.brought = (*self.brought, *item.candidates.get(self.request.row_number, ()))
            self.decided_by = item
            self.has_news = True
            return
        if self.decided_by is None:
            self.decided_by = item
        if answer is None:
            self.failed_by = item
        if answer is None or answer.incomplete_reason in _UNRELIABLE:
            self.single_only = True
            self.has_news = True

    def progress(self) -> RowProgress:
        if self.decided_by is None:
            raise InvariantError("row_not_touched", "A row is settled that no query was about.")
        return RowProgress(
            request=self.request,
            covered=merge_windows(self.covered),
            swept=merge_windows(self.swept),
            single_only=self.single_only,
            claims=(*self.kept, *self.brought),
            decided_by=self.decided_by,
            failed_by=self.failed_by,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """One checkpoint of a lane, inside its writing transaction."""

    connection: Connection
    hold: Hold
    lease_token: str
    now: datetime

    def settle(self, answered: Sequence[AnsweredQuery], conclude: Conclude) -> int:
        """Close the queries and conclude their rows; gives the number of rows concluded."""
        closed = self._close(answered)
        touched = self._touched_rows(closed)
        concluded: list[Conclusion] = []
        unfinished: list[_TouchedRow] = []
        for row in touched:
            conclusion = conclude(row.progress())
            if conclusion is None:
                unfinished.append(row)
            else:
                concluded.append(conclusion)
        self.write_conclusions(concluded)
        self._save_progress(unfinished)
        densities.record_observations(
            self.connection,
            self.hold.organization_id,
            [seen for item in closed if (seen := _observation(item, self.now))],
            now=self.now,
        )
        unrelated = sum(item.answer.unrelated_claims for item in closed if item.answer)
        count(self.connection, self.hold, unrelated_claims=unrelated)
        return len(concluded)

    def write_conclusions(self, conclusions: Sequence[Conclusion]) -> None:
        """Write results, for the duplicates of their rows too."""
        if not conclusions:
            return
        results.write_results(self.connection, self.hold, [item.result for item in conclusions])
        copies = self._duplicates([item.result.row_number for item in conclusions])
        count(
            self.connection,
            self.hold,
            one_per_row_calls=sum(
                item.one_per_row_calls * (1 + copies.get(item.result.row_number, 0))
                for item in conclusions
            ),
        )

    def _close(self, answered: Sequence[AnsweredQuery]) -> list[AnsweredQuery]:
        """Mark the queries; one whose lease went to another lane is that lane's to settle."""
        columns = tables.queries.c
        ours: set[str] = set()
        for batch in batches([item.leased.query_id for item in answered]):
            ours.update(
                self.connection.execute(
                    # Locked, so that on PostgreSQL no lane takes a lease that has run out before
                    # the update; SQLite's transactions have the database to themselves.
                    select(columns.id)
                    .where(
                        columns.id.in_(batch),
                        columns.state == "leased",
                        columns.lease_token == self.lease_token,
                    )
                    .with_for_update()
                ).scalars()
            )
        closed = [item for item in answered if item.leased.query_id in ours]
        if closed:
            self.connection.execute(_CLOSE_QUERY, [self._closed_values(item) for item in closed])
        return closed

    def _closed_values(self, item: AnsweredQuery) -> dict[str, Any]:
        answer, error = item.answer, item.error
        return {
            "closed_id": item.leased.query_id,
            "state": "settled" if error is None else "failed",
            "claims_seen": answer.claims_seen if answer else None,
            "pages": answer.pages if answer else None,
            "complete": answer.complete if answer else None,
            "incomplete_reason": answer.incomplete_reason if answer else None,
            "error_class": error.error_class.value if error else None,
            "error_code": error.code if error else None,
            "settled_at": self.now,
        }

    def _touched_rows(self, closed: Sequence[AnsweredQuery]) -> list["_TouchedRow"]:
        """Open rows of the queries, each once, with what all of the queries brought for it."""
        telling = [item for item in closed if _tells_of_rows(item)]
        requests = {
            request.row_number: request for item in telling for request in item.leased.requests
        }
        before = self._progress(sorted(requests))
        waiting = [number for number, kept in before.items() if kept.covered]
        interim = interim_claims(self.connection, self.hold, waiting)
        touched = {
            number: _TouchedRow(
                request=requests[number],
                covered=kept.covered,
                swept=kept.swept,
                single_only=kept.single_only,
                kept=interim.get(number, ()),
            )
            for number, kept in before.items()
        }
        for item in telling:
            for request in item.leased.requests:
                if request.row_number in touched:
                    touched[request.row_number].add(item)
        return list(touched.values())

    def _progress(self, numbers: Sequence[int]) -> dict[int, "_KeptProgress"]:
        """Open rows of `numbers` with what is covered for them."""
        columns = tables.requests.c
        found: dict[int, _KeptProgress] = {}
        for batch in batches(numbers):
            read = self.connection.execute(
                select(
                    columns.row_number,
                    cast(columns.covered, Text),
                    cast(columns.swept, Text),
                    columns.single_only,
                )
                .where(open_rows(self.hold), columns.row_number.in_(batch))
                .order_by(columns.row_number)
            )
            found.update(
                (
                    number,
                    _KeptProgress(
                        codec.windows_from_text(covered),
                        codec.windows_from_text(swept),
                        single_only,
                    ),
                )
                for number, covered, swept, single_only in read
            )
        return found

    def _save_progress(self, unfinished: Sequence["_TouchedRow"]) -> None:
        """Keep what rows have so far. An incomplete answer leaves no trace but `single_only`."""
        by_values: dict[_KeptProgress, list[int]] = defaultdict(list)
        for row in unfinished:
            if row.has_news:
                key = _KeptProgress(
                    merge_windows(row.covered), merge_windows(row.swept), row.single_only
                )
                by_values[key].append(row.request.row_number)
        columns = tables.requests.c
        for kept, numbers in by_values.items():
            values: dict[str, object] = {
                "covered": codec.windows_to_json(kept.covered),
                "swept": codec.windows_to_json(kept.swept),
            }
            if kept.single_only:
                values["single_only"] = True
            for batch in batches(numbers):
                self.connection.execute(
                    update(tables.requests)
                    .where(columns.upload_id == self.hold.upload_id, columns.row_number.in_(batch))
                    .values(values)
                )
        self._keep_interim_claims(unfinished)

    def _keep_interim_claims(self, unfinished: Sequence["_TouchedRow"]) -> None:
        kept = {
            (row.request.row_number, key): self._interim_row(row.request.row_number, key, claim)
            for row in unfinished
            if row.brought
            for claim in (*row.kept, *row.brought)
            if (key := codec.claim_digest(claim))
        }
        if not kept:
            return
        columns = tables.claims.c
        for batch in batches(sorted({number for number, _ in kept})):
            self.connection.execute(
                delete(tables.claims).where(
                    columns.upload_id == self.hold.upload_id,
                    columns.attempt == self.hold.attempt_number,
                    columns.match_number == 0,
                    columns.row_number.in_(batch),
                )
            )
        self.connection.execute(insert(tables.claims), list(kept.values()))

    def _interim_row(self, row_number: int, key: str, claim: Claim) -> dict[str, Any]:
        return {
            "upload_id": self.hold.upload_id,
            "row_number": row_number,
            "attempt": self.hold.attempt_number,
            "identity": key,
            "organization_id": self.hold.organization_id,
            "match_number": 0,
            "is_primary": False,
            "body": codec.claim_to_json(claim),
        }

    def _duplicates(self, numbers: Sequence[int]) -> dict[int, int]:
        columns = tables.requests.c
        copies: dict[int, int] = {}
        for batch in batches(numbers):
            counted = self.connection.execute(
                select(columns.duplicate_of, func.count())
                .where(columns.upload_id == self.hold.upload_id, columns.duplicate_of.in_(batch))
                .group_by(columns.duplicate_of)
            )
            copies |= {first: amount for first, amount in counted if first is not None}
        return copies


def interim_claims(
    connection: Connection, hold: Hold, numbers: Sequence[int]
) -> dict[int, tuple[Claim, ...]]:
    """Claims kept, by row number, for rows that wait for further queries."""
    columns = tables.claims.c
    kept: dict[int, list[Claim]] = defaultdict(list)
    for batch in batches(numbers):
        for number, body in connection.execute(
            select(columns.row_number, columns.body).where(
                columns.upload_id == hold.upload_id,
                columns.attempt == hold.attempt_number,
                columns.match_number == 0,
                columns.row_number.in_(batch),
            )
        ):
            kept[number].append(codec.claim_from_json(body))
    return {number: tuple(claims) for number, claims in kept.items()}


def count(connection: Connection, hold: Hold, **amounts: int) -> None:
    """Add to the attempt's counters of the same names."""
    counters = tables.attempts.c
    changes = {name: counters[name] + amount for name, amount in amounts.items() if amount}
    if changes:
        connection.execute(
            update(tables.attempts).where(counters.id == hold.attempt_id).values(changes)
        )


def _tells_of_rows(item: AnsweredQuery) -> bool:
    """Whether an answer may change a row. A sweep that was cut short only tells of the practice."""
    answer = item.answer
    is_cut_short = answer is not None and answer.incomplete_reason in _CUT_SHORT
    return not (is_cut_short and item.leased.query.kind is QueryKind.SWEEP)


def _observation(item: AnsweredQuery, now: datetime) -> DensityObservation | None:
    """What a sweep taught about the practice. Singles tell nothing about unrelated claims."""
    query, answer = item.leased.query, item.answer
    if answer is None or query.kind is not QueryKind.SWEEP:
        return None
    if not answer.complete and answer.incomplete_reason not in _CUT_SHORT:
        return None
    return DensityObservation(
        tin=query.tin,
        payer_id=query.payer_id,
        window=query.window,
        claims=answer.claims_seen,
        at_least=not answer.complete,
        observed_at=now,
    )
