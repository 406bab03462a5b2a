"""What came back: acknowledgments and answers, kept with the inquiries that they are about.

Everything may come twice, late, out of order, or be somebody else's. What is stored is keyed by
where it stood, so that the same file changes nothing the second time; what no inquiry of ours asked
for is counted and never written.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, and_, select, update

from claims_pipeline.errors import ErrorClass
from claims_pipeline.model import Patient
from claims_pipeline.payers.x12.claims import claim_of
from claims_pipeline.payers.x12.fates import INQUIRY_REFUSED as REFUSED
from claims_pipeline.payers.x12.fates import (
    Fate,
    FateKind,
    fate_of_claim,
    fate_of_interchange,
    fate_of_provider,
    fate_of_receiver,
    fate_of_set,
)
from claims_pipeline.payers.x12.inquiries import Inquiry
from claims_pipeline.payers.x12.partner import Partner
from claims_pipeline.payers.x12.replies import (
    ClaimReply,
    InterchangeAck,
    ProviderReply,
    ReceiverReply,
    Reply,
    SetAck,
)
from claims_pipeline.store import codec, tables
from claims_pipeline.store.database import chunks_of, insert_or_ignore
from claims_pipeline.store.x12.outgoing import reference_of, send_again, try_of

_INQUIRY = TypeAdapter(Inquiry)
_BATCH = 500
_INQUIRIES = tables.x12_inquiries.c
_FILES = tables.x12_files.c


@dataclass(slots=True, kw_only=True)
class Applied:
    """What a file's replies came to, as counts, and whose queries may be looked at now.

    `foreign` answers are about nobody's inquiry here; `late` ones about an attempt that has ended;
    `repeated` were there before. `unplaced` replies name no file, set or provider of ours.
    """

    counts: Counter[str] = field(default_factory=Counter)
    references: set[str] = field(default_factory=set, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """An inquiry that a reply is about."""

    reference: str
    upload_id: str
    state: str
    tries: int
    is_late: bool
    body: Any = field(repr=False)


def apply(
    connection: Connection,
    organization_id: str,
    partner: Partner,
    replies: Sequence[Reply],
    *,
    applied: Applied,
    now: datetime,
) -> None:
    """Keep what some replies of a file say, in one transaction with what else is kept of them."""
    reader = _Applying(
        connection=connection,
        organization_id=organization_id,
        partner=partner,
        applied=applied,
        now=now,
    )
    reader.claims([one for one in replies if isinstance(one, ClaimReply)])
    for reply in replies:
        reader.about_many(reply)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Applying:
    connection: Connection
    organization_id: str
    partner: Partner
    applied: Applied
    now: datetime

    def claims(self, replies: Sequence[ClaimReply]) -> None:
        """Keep answers about single inquiries."""
        known = self._known({reference_of(reply.trace) for reply in replies})
        rows: list[dict[str, Any]] = []
        down: set[str] = set()
        for reply in replies:
            inquiry = known.get(reference_of(reply.trace))
            if inquiry is None or not 1 <= try_of(reply.trace) <= inquiry.tries:
                self.applied.counts["foreign"] += 1
                continue
            if inquiry.is_late:
                self.applied.counts["late"] += 1
                continue
            fate = fate_of_claim(reply)
            passes = fate.error_class is ErrorClass.TRANSIENT
            if passes and try_of(reply.trace) < inquiry.tries:
                # It has been sent again since.
                self.applied.counts["repeated"] += 1
                continue
            if passes:
                down.add(inquiry.reference)
            rows.append(self._answer(inquiry, reply, fate))
        self._insert(rows)
        self._answered({row["reference"] for row in rows})
        self._again_later(down)

    def about_many(self, reply: Reply) -> None:
        """Keep what is said of a file, a set or a provider at once."""
        match reply:
            case InterchangeAck():
                self._interchange(reply)
            case SetAck():
                self._set(reply)
            case ReceiverReply():
                self._above(reply.reference, fate_of_receiver(reply), provider=None)
            case ProviderReply():
                self._above(reply.reference, fate_of_provider(reply), provider=reply.provider_id)

    def _known(self, references: set[str]) -> dict[str, _Known]:
        attempts = tables.attempts.c
        found: dict[str, _Known] = {}
        for some in chunks_of(sorted(references), _BATCH):
            rows = self.connection.execute(
                select(
                    _INQUIRIES.reference,
                    _INQUIRIES.upload_id,
                    _INQUIRIES.state,
                    _INQUIRIES.tries,
                    _INQUIRIES.body,
                    attempts.state.label("attempt_state"),
                )
                .join(tables.attempts, attempts.id == _INQUIRIES.attempt_id)
                .where(self._ours(), _INQUIRIES.reference.in_(some))
            )
            found |= {
                row.reference: _Known(
                    reference=row.reference,
                    upload_id=row.upload_id,
                    state=row.state,
                    tries=row.tries,
                    is_late=row.attempt_state == "finished",
                    body=row.body,
                )
                for row in rows
            }
        return found

    def _answer(self, inquiry: _Known, reply: ClaimReply, fate: Fate) -> dict[str, Any]:
        claim = None
        if fate.kind is FateKind.CLAIM:
            asked = _INQUIRY.validate_python({**inquiry.body, "trace": reply.trace})
            member = asked.dependent or asked.subscriber
            if member.date_of_birth is None:
                raise ValueError("an inquiry was stored without a date of birth")
            patient = Patient(
                first_name=member.first_name,
                last_name=member.last_name,
                date_of_birth=member.date_of_birth,
            )
            claim = codec.claim_to_json(
                claim_of(reply, payer_id=asked.payer.id, tin=asked.provider.tin, patient=patient)
            )
        return {
            "reference": inquiry.reference,
            "interchange": reply.key.interchange[:32],
            "group_control": reply.key.group[:32],
            "set_control": reply.key.set[:32],
            "claim_key": _claim_key(reply),
            "organization_id": self.organization_id,
            "upload_id": inquiry.upload_id,
            "fate": fate.kind.value,
            "error_class": fate.error_class.value if fate.error_class else None,
            "error_code": fate.code,
            "claim": claim,
            "received_at": self.now,
        }

    def _insert(self, rows: Sequence[dict[str, Any]]) -> None:
        if not rows:
            return
        result = self.connection.execute(
            insert_or_ignore(self.connection, tables.x12_answers).returning(
                tables.x12_answers.c.reference
            ),
            rows,
        )
        new = len(result.all())
        self.applied.counts["answers"] += new
        self.applied.counts["repeated"] += len(rows) - new

    def _answered(self, references: Iterable[str]) -> None:
        """These have an answer: they are not sent (again), and may be looked at."""
        for some in chunks_of(sorted(references), _BATCH):
            self._close(_INQUIRIES.reference.in_(some), fate=None, states=("queued", "sent"))

    def _again_later(self, references: Iterable[str]) -> None:
        """The payer's system was down for these. Whoever has no try left shows that."""
        not_before = self.now + timedelta(minutes=self.partner.resend_minutes)
        for some in chunks_of(sorted(references), _BATCH):
            again = send_again(
                self.connection,
                and_(self._ours(), _INQUIRIES.reference.in_(some), self._says_only("transient")),
                not_before=not_before,
            )
            self.applied.counts["sent_again"] += again

    def _says_only(self, error_class: str) -> ColumnElement[bool]:
        """Inquiries whose answers are all of one class: no claim is among them."""
        answers = tables.x12_answers.c
        others = select(answers.reference).where(
            answers.reference == _INQUIRIES.reference,
            answers.error_class.is_distinct_from(error_class),
        )
        return ~others.exists()

    def _interchange(self, ack: InterchangeAck) -> None:
        file_id = self._file(_FILES.interchange == ack.interchange.strip().zfill(9))
        self._about_file(file_id, fate_of_interchange(ack))

    def _set(self, ack: SetAck) -> None:
        file_id = self._file(_FILES.group_control == (ack.group.lstrip("0") or "0"))
        if file_id is None or ack.set is None:
            self._about_file(file_id, fate_of_set(ack).fate)
            return
        of_set = and_(
            _INQUIRIES.file_id == file_id, _INQUIRIES.set_control == ack.set.strip().zfill(4)
        )
        found = fate_of_set(ack)
        if found.refused:
            for some in chunks_of(sorted(map(reference_of, found.refused)), _BATCH):
                self._close(and_(of_set, _INQUIRIES.reference.in_(some)), fate=REFUSED)
        if found.ask_rest_again:
            waiting = and_(self._ours(), of_set, _INQUIRIES.state == "sent")
            again = send_again(self.connection, waiting, not_before=self.now)
            self.applied.counts["sent_again"] += again
            self._close(of_set, fate=REFUSED)
        elif found.fate.kind is FateKind.FAILED:
            self._close(of_set, fate=found.fate)
        self._mark_file(file_id, is_refused=False)

    def _about_file(self, file_id: str | None, fate: Fate) -> None:
        if file_id is None:
            self.applied.counts["unplaced"] += 1
            return
        is_refused = fate.kind is FateKind.FAILED
        if is_refused:
            self._close(_INQUIRIES.file_id == file_id, fate=fate)
        self._mark_file(file_id, is_refused=is_refused)

    def _above(self, reference: str, fate: Fate, *, provider: str | None) -> None:
        """What a level above the claims says of a set's inquiries, or of one provider's."""
        if fate.kind is not FateKind.FAILED:
            return
        where = _INQUIRIES.set_reference == reference
        if provider is not None:
            where = and_(where, _INQUIRIES.provider_id == provider)
            if not self._is_there(where):
                where = self._only_set_of(provider) or where
        if not self._is_there(where):
            self.applied.counts["unplaced"] += 1
            return
        if fate.error_class is ErrorClass.TRANSIENT:
            not_before = self.now + timedelta(minutes=self.partner.resend_minutes)
            waiting = and_(self._ours(), where, _INQUIRIES.state == "sent")
            self.applied.counts["sent_again"] += send_again(
                self.connection, waiting, not_before=not_before
            )
        self._close(where, fate=fate)

    def _only_set_of(self, provider: str) -> ColumnElement[bool] | None:
        """Of a reply that names none of our sets: the one in which the provider waits, if any."""
        waiting = and_(self._ours(), _INQUIRIES.provider_id == provider, _INQUIRIES.state == "sent")
        sets = self.connection.execute(
            select(_INQUIRIES.set_reference).where(waiting).distinct().limit(2)
        ).scalars()
        found = sets.all()
        return and_(waiting, _INQUIRIES.set_reference == found[0]) if len(found) == 1 else None

    def _is_there(self, where: ColumnElement[bool]) -> bool:
        query = select(_INQUIRIES.reference).where(self._ours(), where).limit(1)
        return self.connection.execute(query).first() is not None

    def _close(
        self,
        where: ColumnElement[bool],
        *,
        fate: Fate | None,
        states: Sequence[str] = ("sent",),
    ) -> None:
        """Those that still wait have got their answer, or the error that stands for it."""
        values: dict[str, Any] = {"state": "answered", "answered_at": self.now}
        if fate is not None and fate.error_class is not None:
            values |= {"error_class": fate.error_class.value, "error_code": fate.code}
        closed = self.connection.execute(
            update(tables.x12_inquiries)
            .where(self._ours(), where, _INQUIRIES.state.in_(states))
            .values(**values)
            .returning(_INQUIRIES.reference)
        ).scalars()
        references = closed.all()
        if fate is not None:
            self.applied.counts["refused"] += len(references)
        self.applied.references.update(references)

    def _file(self, where: ColumnElement[bool]) -> str | None:
        found: str | None = self.connection.execute(
            select(_FILES.id).where(
                _FILES.organization_id == self.organization_id,
                _FILES.partner == self.partner.name,
                where,
            )
        ).scalar_one_or_none()
        return found

    def _mark_file(self, file_id: str, *, is_refused: bool) -> None:
        self.applied.counts["acknowledged"] += 1
        state = "refused" if is_refused else "taken"
        self.connection.execute(
            update(tables.x12_files)
            .where(_FILES.id == file_id, _FILES.state.in_(["writing", "sent", "taken"]))
            .values(state=state)
        )

    def _ours(self) -> ColumnElement[bool]:
        return and_(
            _INQUIRIES.organization_id == self.organization_id,
            _INQUIRIES.partner == self.partner.name,
        )


def _claim_key(reply: ClaimReply) -> str:
    """Equal for one claim said twice in one set."""
    told = (
        reply.payer_claim_number,
        reply.account_number,
        reply.service_from,
        reply.service_to,
        tuple((one.statuses, one.charged, one.paid) for one in reply.statuses),
    )
    return hashlib.blake2b(repr(told).encode(), digest_size=16).hexdigest()
