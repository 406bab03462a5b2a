"""Availity's claim statuses (1.0.0): submitted, and looked for until they are there."""

from collections.abc import Callable
from datetime import datetime, timedelta

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import Claim, DetailLevel, Patient, Query
from claims_pipeline.payers.availity.answers import (
    read_look,
    read_submission,
    statuses_above_claims,
    statuses_of,
)
from claims_pipeline.payers.availity.claims import claim_of
from claims_pipeline.payers.availity.inquiry import can_ask, form_of
from claims_pipeline.payers.base import Answer, CallKind, Capabilities, Submitted
from claims_pipeline.payers.environment import PayerEnvironment
from claims_pipeline.payers.json_fields import Fields, entries
from claims_pipeline.payers.sending import HttpRequest
from claims_pipeline.payers.statuses_277 import is_absent, refusal_of, with_parts_apart
from claims_pipeline.payers.transport import Authorization, Transport

# How long a range of dates may be, how far back, and how many may be under way is nowhere said.
CAPABILITIES = Capabilities(
    single_by_claim_number=False,
    single_by_patient=True,
    sweep=False,
    max_window_days=90,
    look_back_months=24,
    page_size=500,
    max_results=500,
    details=False,
    needs=frozenset({"subscriber_id", "npi"}),
    by_npi=True,
    asynchronous=True,
    max_in_flight=200,
)
_PATH = "/claim-statuses"
# As its clients do; where the payer takes longer, looks grow rarer (see the lane).
_LOOK_EVERY = timedelta(seconds=2)


class AvailityPayer:
    """Asks payers through Availity; see `AsynchronousPayer` for the contract."""

    def __init__(
        self,
        *,
        api_url: str,
        transport: Transport,
        authorization: Authorization,
        environment: PayerEnvironment,
        submitter_id: str | None,
        now: Callable[[], datetime],
    ) -> None:
        self._url = api_url.rstrip("/") + _PATH
        self._transport = transport
        self._authorization = authorization
        self._environment = environment
        self._submitter_id = submitter_id
        self._now = now

    @property
    def name(self) -> str:
        """The channel's short name."""
        return "availity"

    @property
    def environment(self) -> str:
        """`production` or `sandbox`; certain once anything has been answered."""
        return self._environment.name

    @property
    def capabilities(self) -> Capabilities:
        """What its search can do."""
        return CAPABILITIES

    def can_ask(self, patient: Patient) -> bool:
        """Whether a single can ask for the patient."""
        return can_ask(patient)

    def search(self, query: Query) -> Answer | Submitted:
        """Submit one query; see `Payer.search`. No address holds anything of a patient."""
        request = HttpRequest(
            kind=CallKind.SEARCH,
            method="POST",
            url=self._url,
            headers={"X-HTTP-Method-Override": "GET", "Accept": "application/json"},
            form=form_of(query, submitter_id=self._submitter_id),
        )
        reference = self._transport.call(
            request, read_submission, authorization=self._authorization
        )
        if reference is None:
            raise PayerError(
                ErrorClass.ESCALATE,
                "inquiry_not_answered",
                "The payer took the inquiry and gave nothing by which to look for its answer.",
                is_answer=True,
            )
        return Submitted(reference=reference, next_look_at=self._now() + _LOOK_EVERY)

    def look(self, reference: str, query: Query) -> Answer | Submitted:
        """Look for an answer; see `AsynchronousPayer.look`."""
        request = HttpRequest(
            kind=CallKind.LOOK,
            method="GET",
            url=f"{self._url}/{reference}",
            headers={"Accept": "application/json"},
        )
        looked = self._transport.call(request, read_look, authorization=self._authorization)
        if looked.problem is not None:
            raise looked.problem
        if looked.status is None:
            return Submitted(reference=reference, next_look_at=self._now() + _LOOK_EVERY)
        return _answer_of(looked.status, query)

    def is_alive(self, like: Query) -> bool:
        """Submit the query once more; any answer is one. See `Payer.is_alive`.

        A 503 says that the payer behind it is down, and of another one nothing.
        """
        try:
            self.search(like)
        except PayerError as error:
            if error.error_class is ErrorClass.AUTH:
                raise
            return error.is_answer or error.error_class is not ErrorClass.TRANSIENT
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
        """Close all connections; asking again opens new ones."""
        self._transport.close()


def _answer_of(status: Fields, query: Query) -> Answer:
    """The claims of a complete claim status; an entry may be the word that there is none.

    Raises:
        PayerError: where what stands in their place says that nobody could look.

    """
    claims: list[Claim] = []
    listed = list(entries(status.get("claimStatuses")))
    if not listed:
        raise _not_looked_up(status)
    unreadable = 0
    for entry in listed:
        codes = statuses_of(entry.get("statusDetails"))
        if is_absent(codes):
            continue
        if refusal := refusal_of(codes):
            raise refusal
        claim = claim_of(entry, status, query, codes)
        if claim is None:
            unreadable += 1
        else:
            claims.append(claim)
    return Answer(
        claims=with_parts_apart(claims),
        claims_seen=len(listed),
        pages=1,
        complete=not unreadable,
        incomplete_reason="unreadable_claims" if unreadable else None,
    )


def _not_looked_up(status: Fields) -> PayerError:
    """Why there is no word of any claim: statuses of the submitter or a provider, or no reason."""
    above = statuses_above_claims(status)
    if refusal := refusal_of(above):
        return refusal
    if above:
        return PayerError(
            ErrorClass.CONFIG,
            "provider_not_accepted",
            "The payer does not take inquiries of this practice. Check its enrollment.",
            is_answer=True,
        )
    return PayerError(
        ErrorClass.ESCALATE,
        "inquiry_not_answered",
        "The payer answered with no word about any claim; nothing is known of it.",
        is_answer=True,
    )
