"""The tracked claims that some answers are about, changed in memory as each answer is told."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Self
from uuid import uuid4

from sqlalchemy import Connection, or_, select

from claims_pipeline.follow_up.cadence import (
    UNANSWERED,
    CadenceRule,
    Situation,
    age_on,
    next_check,
)
from claims_pipeline.follow_up.deadlines import DeadlineRule, deadline_of
from claims_pipeline.follow_up.joining import Joined, Known, Shown, join, number_key, row_key
from claims_pipeline.follow_up.standings import (
    change_between,
    dollars_at_stake,
    needs_person,
    standing_without_claim,
)
from claims_pipeline.model import ChangeKind, Deadline, Outcome, Request, Result, Standing
from claims_pipeline.store import tables
from claims_pipeline.store.database import chunks_of
from claims_pipeline.store.tracked.records import (
    MERGED,
    codes_text,
    search_text_of,
    standing_of_row,
)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One row's answer in one attempt, with its claims best first."""

    request: Request
    result: Result
    shown: tuple[Shown, ...]
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one answer told of one tracked claim; `changed` is None for a check that failed."""

    row_number: int
    attempt: int
    tracked_id: str
    claim_key: str | None
    changed: ChangeKind | None
    previous_status: str | None
    status_since: datetime
    checks: int
    act_by: date | None
    deadline_rule: str | None


@dataclass(slots=True, kw_only=True)
class Book:
    """Rows of `tracked_claims` by id. `changed`, `added`, `changes` and `merged` are to be written.

    The caller's transaction has locked the organization.
    """

    upload_id: str
    organization_id: str
    cadence: Sequence[CadenceRule]
    deadlines: Sequence[DeadlineRule]
    asked: Mapping[int, str]
    today: date
    now: datetime
    rows: dict[str, Row] = field(default_factory=dict)
    decisions: dict[str, Row] = field(default_factory=dict)
    changes: list[Row] = field(default_factory=list)
    merged: list[tuple[str, str]] = field(default_factory=list)
    _new: dict[str, None] = field(default_factory=dict)
    _dirty: dict[str, None] = field(default_factory=dict)
    _told: dict[tuple[str, int], Told] = field(default_factory=dict)
    _by_key: defaultdict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))

    @classmethod
    def open(cls, connection: Connection, answers: Sequence[Answer], **terms: Any) -> Self:
        """With every tracked claim that one of the answers may be about."""
        book = cls(**terms)
        keys = {row_key(answer.request) for answer in answers}
        claim_keys = {shown.key for answer in answers for shown in answer.shown}
        columns = tables.tracked_claims.c
        for names, values in (
            ((columns.row_key, columns.number_key), keys),
            ((columns.claim_key,), claim_keys),
            ((columns.id,), set(book.asked.values())),
        ):
            for some in chunks_of(sorted(values)):
                query = select(tables.tracked_claims).where(
                    columns.organization_id == book.organization_id,
                    or_(*(name.in_(some) for name in names)),
                    columns.identity.not_like(f"{MERGED}%"),
                )
                for row in connection.execute(query).mappings():
                    book._keep(dict(row))
        book._read_decisions(connection)
        book._read_told(connection)
        return book

    @property
    def changed(self) -> list[Row]:
        """Rows that were there and are other now; those that give up a key first."""
        rows = [self.rows[each] for each in self._dirty if each not in self._new]
        return sorted(rows, key=lambda row: not row["identity"].startswith(MERGED))

    @property
    def added(self) -> list[Row]:
        """Rows that are new."""
        return [self.rows[each] for each in self._new]

    def tell(self, answer: Answer) -> list[Told]:
        """Tell every tracked claim that the answer is about; those that are new are added."""
        asked = self.asked.get(answer.request.row_number)
        outcome = answer.result.outcome
        joined = join(
            outcome,
            answer.shown,
            self._known(answer, asked),
            without_claim=standing_without_claim(
                Outcome.NOT_FOUND if outcome is Outcome.FOUND else outcome,
                answer.result.next_action if outcome is not Outcome.FOUND else None,
            ),
            asked_for=asked,
        )
        return [self._tell_one(answer, each, asked) for each in joined]

    def check_values(self, told: Told) -> Row:
        """The row of `claim_checks`."""
        return {
            "upload_id": self.upload_id,
            "organization_id": self.organization_id,
            **{name: getattr(told, name) for name in Told.__dataclass_fields__},
        }

    def _known(self, answer: Answer, asked: str | None) -> list[Known]:
        keys = [shown.key for shown in answer.shown]
        if asked is None:
            keys.append(row_key(answer.request))
        ids = dict.fromkeys(each for key in keys for each in self._by_key.get(key, ()))
        if asked is not None and asked in self.rows:
            ids.setdefault(asked)
        return [self._as_known(each) for each in ids]

    def _as_known(self, tracked_id: str) -> Known:
        decision = self.decisions.get(tracked_id)
        return Known(
            id=tracked_id,
            claim_key=self.rows[tracked_id]["claim_key"],
            chosen=decision["claim_key"] if decision else None,
            turned_down=frozenset(decision["turned_down"]) if decision else frozenset(),
        )

    def _tell_one(self, answer: Answer, joined: Joined, asked: str | None) -> Told:
        before = self._told.get((joined.tracked_id or "", answer.attempt))
        row = self.rows.get(joined.tracked_id or "") or self._begun(answer, joined)
        if before is not None and joined.merged_into is None:
            # Another row of this upload has told it already.
            return self._note(answer, row, joined, before.changed, before.previous_status)
        if joined.merged_into is not None:
            return self._merge(answer, row, joined)
        if row["check_upload_id"] == self.upload_id and row["id"] == asked:
            row["check_upload_id"] = None
        self._dirty.setdefault(row["id"])
        row |= {"last_upload_id": self.upload_id, "last_row_number": answer.request.row_number}
        if joined.standing.status in UNANSWERED:
            self._postpone(row, joined.standing)
            return self._note(answer, row, joined, None, None)
        checked_at = answer.result.checked_at or self.now
        if row["last_checked"] is not None and checked_at < row["last_checked"]:
            # An answer that was overtaken by a later one tells nothing any more.
            return self._note(answer, row, joined, ChangeKind.SAME, row["status"])
        return self._answered(answer, row, joined, checked_at)

    def _answered(self, answer: Answer, row: Row, joined: Joined, checked_at: datetime) -> Told:
        before = standing_of_row(row) if row["checks"] else None
        kind = change_between(before, joined.standing)
        previous = before.status if before else None
        self._stand(row, answer.request, joined)
        row["checks"] += 1
        row["last_checked"] = checked_at
        if previous != joined.standing.status:
            row |= {"status_since": checked_at, "previous_status": previous}
        if kind is not ChangeKind.SAME:
            row["changed_at"] = checked_at
            self.changes.append(self._change(row, kind, previous, checked_at))
        if kind is ChangeKind.STATUS:
            row |= {"done_at": None, "done_by": None}
        self._plan(row, joined.standing)
        return self._note(answer, row, joined, kind, previous)

    def _stand(self, row: Row, request: Request, joined: Joined) -> None:
        standing = joined.standing
        is_claim = standing.claim_number is not None
        row |= {
            "status": standing.status,
            "next_action": standing.next_action,
            "charged": standing.charged,
            "open_amount": standing.open_amount,
            "paid": standing.paid,
            "patient_owes": standing.patient_owes,
            "denial_category": standing.denial_category,
            "denial_codes": codes_text(standing.denial_codes),
            "remark_codes": codes_text(standing.remark_codes),
            "received": standing.received,
            "processed": standing.processed,
            "needs_person": needs_person(standing),
            "dollars": dollars_at_stake(standing, charged=row["row_charged"]),
        }
        if is_claim and joined.claim_key is not None:
            row |= {
                "claim_key": joined.claim_key,
                "identity": joined.claim_key,
                "claim_number": standing.claim_number,
                "number_key": number_key(request, standing.claim_number or ""),
                "service_from": standing.service_from or row["service_from"],
                "service_to": standing.service_to or row["service_to"],
            }
            row["search_text"] = search_text_of(row)
            self._find_by(row)

    def _plan(self, row: Row, standing: Standing) -> None:
        planned = next_check(
            self.cadence,
            Situation(
                status=standing.status,
                next_action=standing.next_action,
                is_worked=row["done_at"] is not None,
                age_days=age_on(
                    self.today, service_to=row["service_to"], first_seen=row["first_seen"].date()
                ),
            ),
            checked_on=self.today,
        )
        row["next_check_on"] = planned.on
        row["final_at"] = (row["final_at"] or self.now) if planned.is_final else None
        deadline = deadline_of(
            self.deadlines, standing, payer=row["payer"], service_to=row["service_to"]
        )
        self._set_deadline(row, deadline)

    def _set_deadline(self, row: Row, deadline: Deadline | None) -> None:
        row["act_by"] = deadline.act_by if deadline else None
        row["deadline_rule"] = deadline.rule if deadline else None

    def _postpone(self, row: Row, standing: Standing) -> None:
        """A check that failed says nothing about the claim; one that is final stays so."""
        if row["final_at"] is not None:
            return
        planned = next_check(self.cadence, Situation(status=standing.status), checked_on=self.today)
        row["next_check_on"] = planned.on

    def _merge(self, answer: Answer, row: Row, joined: Joined) -> Told:
        """It has been another one all along: its notes and its owner go there."""
        (taken_id,) = list(self._by_key[str(joined.merged_into)])[:1]
        taken = self.rows[taken_id]
        if taken["owner"] is None and row["owner"] is not None:
            taken["owner"] = row["owner"]
            self._dirty.setdefault(taken_id)
        self._dirty.setdefault(row["id"])
        row |= {
            "identity": f"{MERGED}{row['id'][:32]}",
            "next_check_on": None,
            "final_at": self.now,
            "check_upload_id": None,
            "needs_person": False,
        }
        self._by_key[row["row_key"]].pop(row["id"], None)
        self.merged.append((row["id"], taken_id))
        return self._note(answer, row, joined, ChangeKind.SAME, row["status"])

    def _begun(self, answer: Answer, joined: Joined) -> Row:
        request = answer.request
        patient = request.patient
        service = request.service
        row = dict.fromkeys(column.name for column in tables.tracked_claims.columns)
        begun: Row = row | {
            "id": str(uuid4()),
            "organization_id": self.organization_id,
            "identity": joined.claim_key or row_key(request),
            "claim_key": joined.claim_key,
            "row_key": row_key(request),
            "payer": request.payer,
            "payer_id": request.payer_id,
            "practice_id": request.practice_id,
            "tin": request.tin,
            "first_name": patient.first_name,
            "last_name": patient.last_name,
            "date_of_birth": patient.date_of_birth,
            "gender": patient.gender,
            "subscriber_id": request.subscriber_id,
            "subscriber_first_name": request.subscriber_first_name,
            "subscriber_last_name": request.subscriber_last_name,
            "npi": request.npi,
            "claim_number": request.claim_number,
            "patient_account_number": request.patient_account_number,
            "service_from": service.first if service else None,
            "service_to": service.last if service else None,
            "row_charged": request.total_charged,
            "status": joined.standing.status,
            "next_action": joined.standing.next_action,
            "first_seen": self.now,
            "status_since": self.now,
            "checks": 0,
            "needs_person": False,
            "dollars": dollars_at_stake(joined.standing, charged=request.total_charged),
        }
        begun["search_text"] = search_text_of(begun)
        self._new.setdefault(begun["id"])
        self._keep(begun)
        return begun

    def _note(
        self,
        answer: Answer,
        row: Row,
        joined: Joined,
        changed: ChangeKind | None,
        previous_status: str | None,
    ) -> Told:
        told = Told(
            row_number=answer.request.row_number,
            attempt=answer.attempt,
            tracked_id=row["id"],
            claim_key=joined.claim_key,
            changed=changed,
            previous_status=previous_status,
            status_since=row["status_since"],
            checks=row["checks"],
            act_by=row["act_by"],
            deadline_rule=row["deadline_rule"],
        )
        self._told.setdefault((row["id"], answer.attempt), told)
        return told

    def _change(
        self, row: Row, kind: ChangeKind, previous: str | None, checked_at: datetime
    ) -> Row:
        return {
            "organization_id": self.organization_id,
            "tracked_id": row["id"],
            "upload_id": self.upload_id,
            "at": checked_at,
            "day": self.today,
            "kind": kind,
            "previous_status": previous,
            **{
                name: row[name]
                for name in ("status", "next_action", "open_amount", "paid", "patient_owes")
            },
        }

    def _keep(self, row: Row) -> None:
        self.rows[row["id"]] = row
        self._find_by(row)

    def _find_by(self, row: Row) -> None:
        for name in ("claim_key", "row_key", "number_key"):
            if row[name] is not None:
                self._by_key[row[name]].setdefault(row["id"])

    def _read_decisions(self, connection: Connection) -> None:
        """The decision that stands about each of the claims."""
        columns = tables.claim_decisions.c
        for some in chunks_of(sorted(self.rows)):
            query = select(columns.tracked_id, columns.claim_key, columns.turned_down).where(
                columns.tracked_id.in_(some), columns.undone_at.is_(None)
            )
            for row in connection.execute(query.order_by(columns.id)).mappings():
                self.decisions[row["tracked_id"]] = dict(row)

    def _read_told(self, connection: Connection) -> None:
        """What earlier portions of this upload have told of the claims."""
        columns = tables.claim_checks.c
        names = [columns[name] for name in Told.__dataclass_fields__]
        for some in chunks_of(sorted(self.rows)):
            query = select(*names).where(
                columns.upload_id == self.upload_id,
                columns.attempt > 0,
                columns.tracked_id.in_(some),
            )
            for row in connection.execute(query).mappings():
                changed = ChangeKind(row["changed"]) if row["changed"] else None
                told = Told(**{**row, "changed": changed})
                self._told.setdefault((told.tracked_id, told.attempt), told)


def asked_for(connection: Connection, upload_id: str, row_numbers: Iterable[int]) -> dict[int, str]:
    """For which tracked claim each row of a follow-up upload is asked."""
    columns = tables.claim_checks.c
    asked: dict[int, str] = {}
    for some in chunks_of(sorted(row_numbers)):
        query = select(columns.row_number, columns.tracked_id).where(
            columns.upload_id == upload_id, columns.attempt == 0, columns.row_number.in_(some)
        )
        asked.update(connection.execute(query).tuples().all())
    return asked
