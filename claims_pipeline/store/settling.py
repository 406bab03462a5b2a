"""The transaction that settles queries: rows learn what is covered, and get their results."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from claims_pipeline.model import (
    Claim,
    DateWindow,
    DensityObservation,
    QueryKind,
    merge_windows,
)
from claims_pipeline.store import codec, densities, results, tables
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.ledger_entries import (
    AnsweredQuery,
    Conclude,
    Conclusion,
    RowProgress,
)

_BATCH = 500  # row numbers in one IN (…), below SQLite's limit of bound values


def batches(numbers: Sequence[int]) -> Iterable[Sequence[int]]:
    """Cut a long list of row numbers into what one statement may carry."""
    for start in range(0, len(numbers), _BATCH):
        yield numbers[start : start + _BATCH]


def open_rows(hold: Hold) -> ColumnElement[bool]:
    """Rows of the upload that need an answer of their own."""
    columns = tables.requests.c
    return and_(
        columns.upload_id == hold.upload_id,
        columns.is_open.is_(True),
        columns.duplicate_of.is_(None),
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
        concluded: dict[int, Conclusion] = {}
        for item in answered:
            # A query whose lease went to another lane is that lane's to settle.
            if self._close(item):
                self._settle_rows(item, conclude, concluded)
        self.write_conclusions(list(concluded.values()))
        densities.record_observations(
            self.connection,
            self.hold.organization_id,
            [seen for item in answered if (seen := _observation(item, self.now))],
        )
        foreign = sum(item.answer.foreign_claims for item in answered if item.answer)
        count(self.connection, self.hold, foreign_claims=foreign)
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

    def _close(self, item: AnsweredQuery) -> bool:
        """Mark the query; False when its lease has gone to another lane."""
        answer, error = item.answer, item.error
        closed = self.connection.execute(
            update(tables.queries)
            .where(
                tables.queries.c.id == item.leased.query_id,
                tables.queries.c.state == "leased",
                tables.queries.c.lease_token == self.lease_token,
            )
            .values(
                state="settled" if error is None else "failed",
                claims_seen=answer.claims_seen if answer else None,
                pages=answer.pages if answer else None,
                complete=answer.complete if answer else None,
                incomplete_reason=answer.incomplete_reason if answer else None,
                error_class=error.error_class.value if error else None,
                error_code=error.code if error else None,
                settled_at=self.now,
            )
        )
        return closed.rowcount == 1

    def _settle_rows(
        self, item: AnsweredQuery, conclude: Conclude, concluded: dict[int, Conclusion]
    ) -> None:
        requests = {request.row_number: request for request in item.leased.requests}
        progress = self._progress(sorted(requests.keys() - concluded.keys()))
        waiting = [number for number, covered in progress.items() if covered]
        interim = interim_claims(self.connection, self.hold, waiting)
        complete = item.answer is not None and item.answer.complete
        unfinished: list[RowProgress] = []
        for number, before in progress.items():
            covered = merge_windows([*before, item.leased.query.window]) if complete else before
            row = RowProgress(
                request=requests[number],
                covered=covered,
                claims=(*interim.get(number, ()), *item.candidates.get(number, ())),
                settled_by=item,
            )
            conclusion = conclude(row)
            if conclusion is None:
                unfinished.append(row)
            else:
                concluded[number] = conclusion
        self._save_progress(unfinished, complete=complete)

    def _progress(self, numbers: Sequence[int]) -> dict[int, tuple[DateWindow, ...]]:
        """Open rows of `numbers` with the windows that are covered for them."""
        columns = tables.requests.c
        found: dict[int, tuple[DateWindow, ...]] = {}
        for batch in batches(numbers):
            read = self.connection.execute(
                select(columns.row_number, columns.covered)
                .where(open_rows(self.hold), columns.row_number.in_(batch))
                .order_by(columns.row_number)
            )
            found |= {
                number: tuple(codec.windows_from_json(covered or [])) for number, covered in read
            }
        return found

    def _save_progress(self, unfinished: Sequence[RowProgress], *, complete: bool) -> None:
        """Keep what a row has so far. An incomplete answer leaves no trace but `single_only`."""
        if not unfinished:
            return
        columns = tables.requests.c
        if not complete:
            answer = unfinished[0].settled_by.answer
            error = unfinished[0].settled_by.error
            unreliable = error is not None or (
                answer is not None and answer.incomplete_reason in {"partial", "unreadable_claims"}
            )
            if unreliable:
                for batch in batches([row.request.row_number for row in unfinished]):
                    self.connection.execute(
                        update(tables.requests)
                        .where(open_rows(self.hold), columns.row_number.in_(batch))
                        .values(single_only=True)
                    )
            return
        for row in unfinished:
            self.connection.execute(
                update(tables.requests)
                .where(
                    columns.upload_id == self.hold.upload_id,
                    columns.row_number == row.request.row_number,
                )
                .values(covered=codec.windows_to_json(row.covered))
            )
        self._keep_interim_claims(unfinished)

    def _keep_interim_claims(self, unfinished: Sequence[RowProgress]) -> None:
        kept = {
            (row.request.row_number, key): self._interim_row(row.request.row_number, key, claim)
            for row in unfinished
            for claim in row.claims
            if (key := codec.claim_key(claim))
        }
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
        if kept:
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


def _observation(item: AnsweredQuery, now: datetime) -> DensityObservation | None:
    """What a sweep taught about the practice. Singles tell nothing about their strangers."""
    query, answer = item.leased.query, item.answer
    if answer is None or query.kind is not QueryKind.SWEEP:
        return None
    if not answer.complete and answer.incomplete_reason not in {"result_cap", "page_limit"}:
        return None
    return DensityObservation(
        tin=query.tin,
        payer_id=query.payer_id,
        window=query.window,
        claims=answer.claims_seen,
        at_least=not answer.complete,
        observed_at=now,
    )
