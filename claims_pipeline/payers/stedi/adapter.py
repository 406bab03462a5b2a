"""Stedi's real-time claim status (JSON)."""

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import Claim, DetailLevel, Patient, Query
from claims_pipeline.payers.base import Answer, CallKind, Capabilities
from claims_pipeline.payers.environment import PayerEnvironment
from claims_pipeline.payers.json_fields import Fields, entries
from claims_pipeline.payers.sending import HttpRequest
from claims_pipeline.payers.statuses_277 import is_absent, refusal_of, with_parts_apart
from claims_pipeline.payers.stedi.answers import read_answer, refusal_in, text_of_x12
from claims_pipeline.payers.stedi.claims import claim_of, statuses_of
from claims_pipeline.payers.stedi.inquiry import body_of, can_ask
from claims_pipeline.payers.transport import Authorization, Transport
from claims_pipeline.payers.x12_text import claim_loops

# How long a range of dates may be and how far back is the payer's affair and nowhere said.
CAPABILITIES = Capabilities(
    single_by_claim_number=False,
    single_by_patient=True,
    sweep=False,
    max_window_days=90,
    look_back_months=24,
    page_size=500,
    max_results=500,
    details=False,
    needs=frozenset({"subscriber_id"}),
    by_npi=True,
    max_in_flight=50,
    billed_per_answer=True,
)
_PATH = "/change/medicalnetwork/claimstatus/v2"


class StediPayer:
    """Asks payers through Stedi; see `Payer` for the contract."""

    def __init__(
        self,
        *,
        api_url: str,
        transport: Transport,
        authorization: Authorization,
        environment: PayerEnvironment,
    ) -> None:
        self._url = api_url.rstrip("/") + _PATH
        self._transport = transport
        self._authorization = authorization
        self._environment = environment

    @property
    def name(self) -> str:
        """The channel's short name."""
        return "stedi"

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

    def search(self, query: Query) -> Answer:
        """Ask one query; see `Payer.search`.

        What the payer says of itself in a claim's place (E categories, a 999, an `errorResponse`)
        is raised after the call: to try again at once would be billed again.
        """
        answer = self._transport.call(
            self._request(body_of(query)), read_answer, authorization=self._authorization
        )
        if refusal := refusal_in(answer):
            raise refusal
        return _answer_of(answer, query)

    def is_alive(self, like: Query) -> bool:
        """Send a question that says nothing and is refused: that is answered, and not billed."""
        del like
        try:
            self.try_credentials()
        except PayerError as error:
            if error.error_class is ErrorClass.AUTH:
                raise
            return error.error_class is not ErrorClass.TRANSIENT
        return True

    def try_credentials(self) -> None:
        """Find out whether the key is taken.

        Raises:
            PayerError: `auth` when it is not; else why nobody could tell.

        """
        try:
            self._transport.call(
                self._request(b"{}"), read_answer, authorization=self._authorization
            )
        except PayerError as error:
            if error.error_class is not ErrorClass.FIX_INPUT:
                raise

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

    def _request(self, body: bytes) -> HttpRequest:
        return HttpRequest(
            kind=CallKind.SEARCH,
            method="POST",
            url=self._url,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            content=body,
        )


def _answer_of(answer: Fields, query: Query) -> Answer:
    """The claims of an answer; an entry may be the word that there is none.

    Raises:
        PayerError: where an entry says that the payer could not look.

    """
    loops = claim_loops(text_of_x12(answer))
    claims: list[Claim] = []
    unreadable = 0
    for entry in entries(answer.get("claims")):
        statuses = statuses_of(entry, loops)
        if is_absent(statuses):
            continue
        if refusal := refusal_of(statuses):
            raise refusal
        claim = claim_of(entry, answer, query, statuses)
        if claim is None:
            unreadable += 1
        else:
            claims.append(claim)
    if not isinstance(answer.get("claims"), list) or not answer["claims"]:
        # Neither a claim nor the word that there is none: nobody can say what was looked up.
        unreadable += 1
    return Answer(
        claims=with_parts_apart(claims),
        claims_seen=len(claims) + unreadable,
        pages=1,
        complete=not unreadable,
        incomplete_reason="unreadable_claims" if unreadable else None,
    )
