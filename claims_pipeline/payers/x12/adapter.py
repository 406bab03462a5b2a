"""Asks payers by files: what is asked is put into a postbox, and looked after there."""

from datetime import UTC, datetime

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import Claim, DetailLevel, Patient, Query
from claims_pipeline.payers.base import (
    REFERENCE_UNKNOWN,
    Answer,
    CallKind,
    CallRecord,
    Capabilities,
    OnCall,
    Submitted,
)
from claims_pipeline.payers.environment import PRODUCTION
from claims_pipeline.payers.x12.postbox import Postbox, Standing
from claims_pipeline.payers.x12.questions import answer_of, can_ask, inquiry_of
from claims_pipeline.payers.x12.writing import check

# A round takes hours, so the whole look-back is asked in one: payers say themselves what they give.
CAPABILITIES = Capabilities(
    single_by_claim_number=False,
    single_by_patient=True,
    sweep=False,
    max_window_days=732,
    look_back_months=24,
    page_size=500,
    max_results=500,
    details=False,
    needs=frozenset({"subscriber_id"}),
    by_npi=True,
    asynchronous=True,
)


class X12Payer:
    """Asks through an organization's partners; see `AsynchronousPayer` for the contract."""

    def __init__(self, postbox: Postbox | None, *, on_call: OnCall) -> None:
        """Ask through the postbox; without one nothing can be asked, only said."""
        self._postbox = postbox
        self._on_call = on_call

    @property
    def name(self) -> str:
        """The channel's short name."""
        return "x12"

    @property
    def environment(self) -> str:
        """`sandbox` for partners that take test files."""
        return self._postbox.environment if self._postbox else PRODUCTION

    @property
    def capabilities(self) -> Capabilities:
        """What its search can do."""
        return CAPABILITIES

    def can_ask(self, patient: Patient) -> bool:
        """Whether a single can ask for the patient."""
        return can_ask(patient)

    def search(self, query: Query) -> Answer | Submitted:
        """Queue an inquiry for the next file; see `Payer.search`.

        One that is there already, from before a crash, is looked at: its answer may be, too.

        Raises:
            PayerError: `fix_input` for what no file can carry; `config` without a partner.

        """
        postbox = self._postbox
        partner = postbox.partner_for(query) if postbox else None
        if postbox is None or partner is None:
            raise PayerError(
                ErrorClass.CONFIG,
                "partner_missing",
                "No clearinghouse is set up for this payer. Ask an administrator to import one.",
            )
        reference = postbox.reference_for(query)
        known = postbox.standing(reference)
        if known is not None:
            return _told(postbox, reference, known)
        inquiry = inquiry_of(query, reference=reference, payer_name=postbox.payer_name(query))
        check(inquiry, partner)
        began = datetime.now(UTC)
        next_look_at = postbox.put(reference, partner, inquiry)
        self._on_call(
            CallRecord(
                kind=CallKind.SEARCH,
                started_at=began,
                duration_s=(datetime.now(UTC) - began).total_seconds(),
                http_status=None,
                error_code=None,
                try_number=1,
            )
        )
        return Submitted(reference=reference, next_look_at=next_look_at)

    def look(self, reference: str, query: Query) -> Answer | Submitted:
        """Look whether files have brought the answer; see `AsynchronousPayer.look`."""
        del query
        standing = self._postbox.standing(reference) if self._postbox else None
        if self._postbox is None or standing is None:
            raise PayerError(
                ErrorClass.TRANSIENT,
                REFERENCE_UNKNOWN,
                "Nothing is known of what was sent. Retry the row.",
                is_answer=True,
            )
        return _told(self._postbox, reference, standing)

    def is_alive(self, like: Query) -> bool:
        """It is a folder: nobody has to be there for it to take files."""
        del like
        return True

    def wants_detail(self, claim: Claim, level: DetailLevel) -> bool:
        """Never: lines come with the claim."""
        del claim, level
        return False

    def enrich(self, claim: Claim, *, transaction: str | None, level: DetailLevel) -> Claim:
        """There is nothing more to fetch."""
        del transaction, level
        return claim

    def close(self) -> None:
        """There is nothing to close."""


def _told(postbox: Postbox, reference: str, standing: Standing) -> Answer | Submitted:
    answer = answer_of(standing)
    if answer is not None:
        return answer
    return Submitted(reference=reference, next_look_at=postbox.next_look_at(standing))
