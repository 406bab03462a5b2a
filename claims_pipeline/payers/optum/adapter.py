"""Optum Real's Claim Inquiry (GraphQL)."""

import json
from dataclasses import dataclass, field, replace
from datetime import date

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import Claim, DateWindow, DetailLevel, Patient, Query, QueryKind
from claims_pipeline.names import wire_name
from claims_pipeline.payers.base import Answer, CallKind, Capabilities
from claims_pipeline.payers.details import is_partly_denied, wants_lines
from claims_pipeline.payers.environment import PayerEnvironment
from claims_pipeline.payers.json_fields import Fields, entries
from claims_pipeline.payers.optum import documents
from claims_pipeline.payers.optum.answers import OptumAnswer, payer_error, read_answer
from claims_pipeline.payers.optum.claims import claim_of, is_of_practice
from claims_pipeline.payers.relevance import is_identified, may_be
from claims_pipeline.payers.sending import HttpRequest
from claims_pipeline.payers.statuses_277 import is_absent, refusal_of
from claims_pipeline.payers.transport import Authorization, Transport

# How far back, how long a page and how many claims in all is nowhere said. Its search by claim
# number is not used for rows: a number of the practice's own system finds nothing there.
CAPABILITIES = Capabilities(
    single_by_claim_number=False,
    single_by_patient=True,
    sweep=True,
    max_window_days=90,
    look_back_months=24,
    page_size=50,
    max_results=5_000,
)
_PATH = "/oihub/claim/inquiry/v1"
# A payer that gives token after token is given up, and what came is not believed to be all.
_MAX_PAGES = CAPABILITIES.max_results // CAPABILITIES.page_size


def can_ask(patient: Patient) -> bool:
    """Whether both names hold anything that can be asked for."""
    return bool(wire_name(patient.first_name)) and bool(wire_name(patient.last_name))


class OptumPayer:
    """Asks through Optum Real; see `Payer` for the contract."""

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
        return "optum"

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
        """Ask one query, following its pages; see `Payer.search`.

        A page with errors beside its claims ends the search: the claims are kept, and that there
        are no others is not believed.
        """
        asked = _search_input(query)
        found = _Found(payer_id=query.payer_id, tin=query.tin, patient=query.patient)
        while True:
            page = self._page(asked, documents.SEARCH, CallKind.SEARCH, found)
            found.add(page)
            if page.problem:
                return found.answer("partial")
            if not page.has_more:
                return found.answer()
            if page.next_page is None:
                # There is more, and no way to it.
                return found.answer("partial")
            if found.pages == query.page_limit:
                return found.answer("page_limit")
            if found.pages == _MAX_PAGES:
                return found.answer("result_cap")

    def is_alive(self, like: Query) -> bool:
        """Ask for one day's claims of the practice, one page; see `Payer.is_alive`."""
        last_day = DateWindow(like.window.last, like.window.last)
        sweep = replace(like, kind=QueryKind.SWEEP, window=last_day, patient=None, page_limit=1)
        try:
            self.search(sweep)
        except PayerError as error:
            if error.error_class is ErrorClass.AUTH:
                raise
            return error.error_class is not ErrorClass.TRANSIENT
        return True

    def wants_detail(self, claim: Claim, level: DetailLevel) -> bool:
        """Whether `enrich` would make a call: payments come with the search, lines do not."""
        return wants_lines(claim, level)

    def enrich(self, claim: Claim, *, transaction: str | None, level: DetailLevel) -> Claim:
        """Ask for the claim by its number, which brings its lines; see `Payer.enrich`.

        Raises:
            PayerError: `auth` only.
            CancelRequestedError: told to stop.

        """
        del transaction
        if not wants_lines(claim, level):
            return claim
        found = _Found(payer_id=claim.payer_id, tin=claim.tin)
        asked: Fields = {"payerId": claim.payer_id, "claimNumber": claim.claim_number}
        try:
            page = self._page(asked, documents.WITH_LINES, CallKind.DETAIL, found)
            if page.problem:
                raise page.problem
        except PayerError as error:
            if error.error_class is ErrorClass.AUTH:
                raise
            return replace(claim, detail_error=error.code)
        found.add(page)
        own = next((each for each in found.claims if _same_version(each, claim)), None)
        if own is None:
            return replace(claim, detail_error="claim_without_details")
        line_codes = tuple(code for line in own.lines for code in line.codes)
        return replace(
            claim,
            lines=own.lines,
            codes=tuple(dict.fromkeys(claim.codes + line_codes)),
            partial_denial=is_partly_denied(own.lines) if own.lines else claim.partial_denial,
        )

    def close(self) -> None:
        """Close all connections; asking again opens new ones."""
        self._transport.close()

    def _page(self, asked: Fields, document: str, kind: CallKind, found: "_Found") -> OptumAnswer:
        content = {
            "operationName": "SearchClaim",
            "query": document,
            "variables": {"searchClaimInput": asked},
        }
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "providerTaxId": found.tin,
        }
        if found.next_page:
            headers["nextPageToken"] = found.next_page
        request = HttpRequest(
            kind=kind,
            method="POST",
            url=self._url,
            headers=headers,
            content=json.dumps(content).encode(),
        )
        try:
            return self._transport.call(request, read_answer, authorization=self._authorization)
        except PayerError as error:
            error.pages = found.pages
            raise


@dataclass(slots=True, kw_only=True)
class _Found:
    """What the pages of one search have brought so far. Without a patient it is for everybody."""

    payer_id: str
    tin: str
    patient: Patient | None = None
    claims: dict[Claim, None] = field(default_factory=dict)
    seen: int = 0
    pages: int = 0
    unreadable: int = 0
    unrelated: int = 0
    next_page: str | None = None

    def add(self, page: OptumAnswer) -> None:
        """Take a page in.

        Raises:
            PayerError: where an entry about the patient says that the payer could not look.

        """
        self.pages += 1
        self.next_page = page.next_page
        self.seen += len(page.claims)
        objects = list(entries(page.claims))
        self.unreadable += len(page.claims) - len(objects)
        for entry in objects:
            self._add_entry(entry)

    def _add_entry(self, entry: Fields) -> None:
        claim = claim_of(entry, payer_id=self.payer_id, tin=self.tin)
        if claim is None:
            self.unreadable += 1
        elif not is_of_practice(entry, self.tin) or (
            self.patient is not None and not may_be(claim, self.patient)
        ):
            self.unrelated += 1
        elif refusal := refusal_of(claim.status_codes):
            if self.patient is not None:
                raise refusal
            self.unreadable += 1
        elif not is_absent(claim.status_codes):
            self.unreadable += not is_identified(claim)
            self.claims[claim] = None

    def answer(self, incomplete_reason: str | None = None) -> Answer:
        if incomplete_reason is None and self.unreadable:
            incomplete_reason = "unreadable_claims"
        return Answer(
            claims=tuple(self.claims),
            claims_seen=self.seen,
            pages=self.pages,
            complete=incomplete_reason is None,
            incomplete_reason=incomplete_reason,
            unrelated_claims=self.unrelated,
        )


def _search_input(query: Query) -> Fields:
    if query.window.days > CAPABILITIES.max_window_days:
        raise payer_error(ErrorClass.SPLIT_WINDOW, "window_too_long")
    asked: Fields = {
        "payerId": query.payer_id,
        "serviceStartDate": _us_date(query.window.first),
        "serviceEndDate": _us_date(query.window.last),
    }
    if query.patient is None:
        return asked
    if not can_ask(query.patient):
        raise payer_error(ErrorClass.FIX_INPUT, "name_not_askable")
    # Without the member's id: a card of last year would find nothing.
    return asked | {
        "memberFirstName": wire_name(query.patient.first_name),
        "memberLastName": wire_name(query.patient.last_name),
        "memberDateOfBirth": _us_date(query.patient.date_of_birth),
    }


def _same_version(other: Claim, claim: Claim) -> bool:
    """Whether it is the same part and version: a number is that of all of them."""
    return other.identity == claim.identity and (other.processed, other.processed_time) == (
        claim.processed,
        claim.processed_time,
    )


def _us_date(day: date) -> str:
    return f"{day.month:02d}/{day.day:02d}/{day.year:04d}"
