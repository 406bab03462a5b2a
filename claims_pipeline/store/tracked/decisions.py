"""Which of the claims of an ambiguous row a person chose, or that it is none of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, insert, select, update

from claims_pipeline.errors import InputError
from claims_pipeline.follow_up.cadence import Situation, age_on, next_check
from claims_pipeline.follow_up.deadlines import deadline_of
from claims_pipeline.follow_up.joining import Shown, claim_key, number_key
from claims_pipeline.follow_up.standings import (
    dollars_at_stake,
    needs_person,
    standing_without_claim,
)
from claims_pipeline.model import ChangeKind, MatchedClaim, Outcome, Request, Standing
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.rows.answered import read_numbered_rows
from claims_pipeline.store.rows.stored import load_requests
from claims_pipeline.store.tracked.feeding import shown_claims
from claims_pipeline.store.tracked.records import MERGED, codes_text, search_text_of
from claims_pipeline.store.tracked.rules import cadence_rules, deadline_rules, lock_organization

_AMBIGUOUS = Outcome.AMBIGUOUS.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A claim of an ambiguous row; `key` is opaque, and names it in a decision."""

    key: str
    match: MatchedClaim = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """For one tracked claim: the key of the candidate that it is, or None for none of them."""

    tracked_id: str
    key: str | None


def candidates_of(engine: Engine, organization_id: str, tracked_id: str) -> list[Candidate]:
    """The claims that the latest answer showed for a row, best first; none when it is gone."""
    with reading(engine) as connection:
        row = _tracked(connection, organization_id, tracked_id)
        if row is None:
            return []
        request, matches, _ = _answer(connection, row)
        return _candidates(request, matches)


def decide(
    connection: Connection,
    organization_id: str,
    decision: Decision,
    *,
    author: str,
    today: date,
    now: datetime,
) -> str:
    """Keep the decision; it holds at every further check. Returns the id of the claim it is now.

    An earlier decision gives way. A chosen claim that is tracked already takes this one's notes.

    Raises:
        InputError: `claim_unknown`, `nothing_to_decide`, or `candidate_unknown`.

    """
    lock_organization(connection, organization_id, now=now)
    row = _tracked(connection, organization_id, decision.tracked_id)
    if row is None:
        raise InputError("claim_unknown", "There is no followed claim of this id.")
    if row["status"] != _AMBIGUOUS and not _is_decided(connection, decision.tracked_id):
        raise InputError("nothing_to_decide", "There is no doubt about this claim.")
    request, matches, shown = _answer(connection, row)
    keys = [candidate.key for candidate in _candidates(request, matches)]
    if not keys or (decision.key is not None and decision.key not in keys):
        raise InputError(
            "candidate_unknown", "The latest answer shows no such claim. Look at it again."
        )
    _undo_all(connection, decision.tracked_id, now=now)
    connection.execute(
        insert(tables.claim_decisions).values(
            organization_id=organization_id,
            tracked_id=decision.tracked_id,
            at=now,
            author=author,
            claim_key=decision.key,
            turned_down=[key for key in keys if key != decision.key],
        )
    )
    chosen = next((each for each in shown if each.key == decision.key), None)
    if chosen is None:
        standing = Standing(status=Outcome.NOT_FOUND.value, next_action="check_row")
        _stand(connection, row, standing, None, request, today=today, now=now)
        return decision.tracked_id
    taken = _holder(connection, organization_id, chosen.key, but=decision.tracked_id)
    if taken is not None:
        _merge(connection, row, taken, now=now)
        return taken
    _stand(connection, row, chosen.standing, chosen, request, today=today, now=now)
    return decision.tracked_id


def undo(
    connection: Connection,
    organization_id: str,
    tracked_id: str,
    *,
    today: date,
    now: datetime,
) -> None:
    """Take the decision about a claim back: it is in doubt as before.

    Raises:
        InputError: `claim_unknown` or `nothing_to_undo`.

    """
    lock_organization(connection, organization_id, now=now)
    row = _tracked(connection, organization_id, tracked_id, with_merged=True)
    if row is None:
        raise InputError("claim_unknown", "There is no followed claim of this id.")
    if not _undo_all(connection, tracked_id, now=now):
        raise InputError("nothing_to_undo", "Nothing was decided about this claim.")
    columns = tables.tracked_claims.c
    other = connection.execute(
        select(columns.id).where(
            columns.organization_id == organization_id,
            columns.identity == row["row_key"],
            columns.id != tracked_id,
        )
    ).first()
    standing = standing_without_claim(Outcome.AMBIGUOUS)
    row["identity"] = row["row_key"] if other is None else f"undone:{uuid4().hex}"[:40]
    row |= {"claim_key": None, "number_key": None, "final_at": None}
    _stand(connection, row, standing, None, None, today=today, now=now)


def standing_decisions(
    connection: Connection, tracked_ids: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    """The decision that stands about each of the claims: `claim_key` and `turned_down`."""
    columns = tables.claim_decisions.c
    query = select(columns.tracked_id, columns.claim_key, columns.turned_down).where(
        columns.tracked_id.in_(tracked_ids), columns.undone_at.is_(None)
    )
    return {row["tracked_id"]: dict(row) for row in connection.execute(query).mappings()}


def _answer(
    connection: Connection, row: Mapping[str, Any]
) -> tuple[Request | None, tuple[MatchedClaim, ...], tuple[Shown, ...]]:
    if row["last_upload_id"] is None:
        return None, (), ()
    numbers = [row["last_row_number"]]
    requests = load_requests(connection, row["last_upload_id"], numbers)
    answered = read_numbered_rows(connection, row["last_upload_id"], numbers)
    if not requests or not answered:
        return None, (), ()
    return requests[0], answered[0].result.claims, shown_claims(requests[0], answered[0])


def _candidates(request: Request | None, matches: Sequence[MatchedClaim]) -> list[Candidate]:
    if request is None:
        return []
    found: dict[str, Candidate] = {}
    for match in matches:
        key = claim_key(request.payer, match.claim)
        found.setdefault(key, Candidate(key=key, match=match))
    return list(found.values())


def _stand(
    connection: Connection,
    row: dict[str, Any],
    standing: Standing,
    chosen: Shown | None,
    request: Request | None,
    *,
    today: date,
    now: datetime,
) -> None:
    """Let the claim stand so from now on, and tell of it."""
    organization_id = row["organization_id"]
    values: dict[str, Any] = {
        "identity": row["identity"],
        "claim_key": row["claim_key"],
        "number_key": row["number_key"],
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
        "previous_status": row["status"],
        "status_since": now,
        "changed_at": now,
        "done_at": None,
        "done_by": None,
    }
    if chosen is not None and request is not None:
        values |= {
            "identity": chosen.key,
            "claim_key": chosen.key,
            "claim_number": standing.claim_number,
            "number_key": number_key(request, standing.claim_number or ""),
            "service_from": standing.service_from,
            "service_to": standing.service_to,
        }
    values["search_text"] = search_text_of({**row, **values})
    service_to = values.get("service_to", row["service_to"])
    planned = next_check(
        cadence_rules(connection, organization_id),
        Situation(
            status=standing.status,
            next_action=standing.next_action,
            age_days=age_on(today, service_to=service_to, first_seen=row["first_seen"].date()),
        ),
        checked_on=today,
    )
    deadline = deadline_of(
        deadline_rules(connection, organization_id),
        standing,
        payer=row["payer"],
        service_to=service_to,
    )
    values |= {
        "next_check_on": planned.on,
        "final_at": now if planned.is_final else None,
        "act_by": deadline.act_by if deadline else None,
        "deadline_rule": deadline.rule if deadline else None,
    }
    columns = tables.tracked_claims.c
    connection.execute(
        update(tables.tracked_claims).where(columns.id == row["id"]).values(**values)
    )
    connection.execute(
        insert(tables.claim_changes).values(
            organization_id=organization_id,
            tracked_id=row["id"],
            upload_id=row["last_upload_id"],
            at=now,
            day=today,
            kind=ChangeKind.STATUS,
            previous_status=row["status"],
            **{
                name: values[name]
                for name in ("status", "next_action", "open_amount", "paid", "patient_owes")
            },
        )
    )


def _merge(connection: Connection, row: Mapping[str, Any], taken: str, *, now: datetime) -> None:
    columns = tables.tracked_claims.c
    connection.execute(
        update(tables.claim_notes)
        .where(tables.claim_notes.c.tracked_id == row["id"])
        .values(tracked_id=taken)
    )
    connection.execute(
        update(tables.tracked_claims)
        .where(columns.id == row["id"])
        .values(
            identity=f"{MERGED}{row['id'][:32]}",
            next_check_on=None,
            final_at=now,
            check_upload_id=None,
            needs_person=False,
        )
    )


def _tracked(
    connection: Connection, organization_id: str, tracked_id: str, *, with_merged: bool = False
) -> dict[str, Any] | None:
    columns = tables.tracked_claims.c
    query = select(tables.tracked_claims).where(
        columns.organization_id == organization_id, columns.id == tracked_id
    )
    if not with_merged:
        query = query.where(columns.identity.not_like(f"{MERGED}%"))
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def _holder(connection: Connection, organization_id: str, key: str, *, but: str) -> str | None:
    columns = tables.tracked_claims.c
    query = select(columns.id).where(
        columns.organization_id == organization_id, columns.identity == key, columns.id != but
    )
    found: str | None = connection.execute(query).scalar_one_or_none()
    return found


def _is_decided(connection: Connection, tracked_id: str) -> bool:
    return bool(standing_decisions(connection, [tracked_id]))


def _undo_all(connection: Connection, tracked_id: str, *, now: datetime) -> bool:
    columns = tables.claim_decisions.c
    undone = connection.execute(
        update(tables.claim_decisions)
        .where(columns.tracked_id == tracked_id, columns.undone_at.is_(None))
        .values(undone_at=now)
    )
    return bool(undone.rowcount)
