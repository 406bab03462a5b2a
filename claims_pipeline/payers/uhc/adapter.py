"""UnitedHealthcare's claims API (API Marketplace REST)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeVar

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import Claim, DateWindow, DetailLevel, Patient, Query, QueryKind
from claims_pipeline.names import wire_name
from claims_pipeline.payers.base import Answer, CallKind, Capabilities
from claims_pipeline.payers.details import wants_lines
from claims_pipeline.payers.environment import PayerEnvironment
from claims_pipeline.payers.json_fields import Fields
from claims_pipeline.payers.sending import HttpRequest
from claims_pipeline.payers.transport import Authorization, Transport
from claims_pipeline.payers.uhc.answers import is_sendable, payer_error, read_answer
from claims_pipeline.payers.uhc.detail import enriched, read_lines, read_payments, wants_payments
from claims_pipeline.payers.uhc.pages import Page, read_page

T = TypeVar("T")

CAPABILITIES = Capabilities(
    single_by_claim_number=False,
    single_by_patient=True,
    sweep=True,
    max_window_days=90,
    look_back_months=24,
    page_size=50,
    max_results=500,
)

_SEARCH_PATH = "/api/claim/summary/byprovider/v2.0"
_DETAIL_PATH = "/api/claim/detail/v2.0"
_PAYMENT_PATH = "/api/claim/payment/v2.0"
# The fullest search, and one page more that shows that it has ended.
_MAX_PAGES = CAPABILITIES.max_results // CAPABILITIES.page_size + 1
# A partial page is asked for once more, after a moment.
_PARTIAL_WAIT_S = 2.0


def can_ask(patient: Patient) -> bool:
    """Whether both names hold anything that its headers can carry."""
    return bool(wire_name(patient.first_name)) and bool(wire_name(patient.last_name))


class UhcPayer:
    """Asks UHC; see `Payer` for the contract."""

    def __init__(
        self,
        *,
        api_url: str,
        transport: Transport,
        authorization: Authorization,
        environment: PayerEnvironment,
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._transport = transport
        self._authorization = authorization
        self._environment = environment

    @property
    def name(self) -> str:
        """The channel's short name."""
        return "uhc"

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

        Too many claims (306, 112) end in an answer with `result_cap`; a page that stays partial
        (305), or paging that is lost twice (203), in one with `partial` and what came. A near
        match (307) is raised, unless a single brought the claims of that other date: the matching
        may know one by its number.
        """
        headers = _search_headers(query)
        found = _Found()
        has_restarted = has_asked_again = False
        while True:
            page = self._page(query, headers, found)
            problem = page.problem.error_class if page.problem else None
            if problem is ErrorClass.RESTART_PAGING and not has_restarted:
                has_restarted = True
                found = _Found()
                continue
            if problem is ErrorClass.PARTIAL and not has_asked_again:
                has_asked_again = True
                self._transport.wait_up_to(_PARTIAL_WAIT_S)
                continue
            is_last = found.add(page)
            if page.problem and problem is ErrorClass.NEAR_MATCH and not found.may_answer(query):
                raise page.problem
            if problem is ErrorClass.SPLIT_WINDOW:
                return found.answer("result_cap")
            if problem in {ErrorClass.PARTIAL, ErrorClass.RESTART_PAGING}:
                return found.answer("partial")
            if is_last or problem is ErrorClass.NOT_FOUND:
                return found.answer()
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
        """Whether `enrich` would make a call for this claim."""
        return wants_lines(claim, level) or wants_payments(claim, level)

    def enrich(self, claim: Claim, *, transaction: str | None, level: DetailLevel) -> Claim:
        """Fetch lines and payments as `level` asks for; see `Payer.enrich`.

        Raises:
            PayerError: `auth` only.
            CancelRequestedError: told to stop.

        """
        lines = payments = detail_error = None
        if wants_lines(claim, level):
            try:
                lines = self._about_claim(
                    CallKind.DETAIL, _DETAIL_PATH, claim, transaction, read_lines
                )
            except PayerError as error:
                detail_error = _detail_error(error)
        if wants_payments(claim, level):
            try:
                payments = self._about_claim(
                    CallKind.PAYMENT, _PAYMENT_PATH, claim, transaction, read_payments
                )
            except PayerError as error:
                detail_error = _detail_error(error)
        return enriched(claim, lines=lines, payments=payments, detail_error=detail_error)

    def close(self) -> None:
        """Close all connections; asking again opens new ones."""
        self._transport.close()

    def _page(self, query: Query, headers: dict[str, str], found: "_Found") -> Page:
        if found.next_page:
            headers = {**headers, "transactionId": found.next_page}
        request = HttpRequest(
            kind=CallKind.SEARCH, method="GET", url=self._api_url + _SEARCH_PATH, headers=headers
        )
        try:
            return self._transport.call(
                request,
                lambda reply: read_page(reply, query),
                authorization=self._authorization,
            )
        except PayerError as error:
            error.pages = found.pages
            raise

    def _about_claim(
        self,
        kind: CallKind,
        path: str,
        claim: Claim,
        transaction: str | None,
        read: Callable[[Fields, Claim], T],
    ) -> T:
        if not is_sendable(claim.claim_number):
            raise payer_error(ErrorClass.FIX_INPUT, "claim_number_not_sendable")
        headers = {"Accept": "application/json", "getStandardError": "true"}
        headers["claimNumber"] = claim.claim_number
        # A payer that gives a token with further pages only asks for none here.
        if transaction:
            headers["transactionId"] = transaction
        request = HttpRequest(kind=kind, method="GET", url=self._api_url + path, headers=headers)
        return self._transport.call(
            request,
            lambda reply: read(read_answer(reply).fields, claim),
            authorization=self._authorization,
        )


@dataclass(slots=True, kw_only=True)
class _Found:
    """What the pages of one search have brought so far."""

    claims: dict[Claim, None] = field(default_factory=dict)
    seen: int = 0
    pages: int = 0
    unreadable: int = 0
    unrelated: int = 0
    next_page: str | None = None
    transaction: str | None = None

    def add(self, page: Page) -> bool:
        """Take a page in; whether it was the last one.

        A page may bring a token although nothing follows. The end shows in a page that is not
        full, has no token, or only repeats claims we have.
        """
        self.pages += 1
        self.next_page = page.transaction
        self.transaction = page.transaction or self.transaction
        known = len(self.claims)
        self.claims.update(dict.fromkeys(page.claims))
        is_new = len(self.claims) - known
        if page.claims and not is_new:
            return True
        self.seen += page.seen - (len(page.claims) - is_new)
        self.unreadable += page.unreadable
        self.unrelated += page.unrelated
        return page.seen < CAPABILITIES.page_size or not page.transaction

    def may_answer(self, query: Query) -> bool:
        """Whether a near match brought claims that the patient's rows may know."""
        return query.patient is not None and bool(self.claims)

    def answer(self, incomplete_reason: str | None = None) -> Answer:
        if incomplete_reason is None and self.unreadable:
            incomplete_reason = "unreadable_claims"
        seen = self.seen
        if incomplete_reason == "result_cap":
            seen = max(seen, CAPABILITIES.max_results + 1)
        return Answer(
            claims=tuple(self.claims),
            claims_seen=seen,
            pages=self.pages,
            complete=incomplete_reason is None,
            incomplete_reason=incomplete_reason,
            transaction=self.transaction,
            unrelated_claims=self.unrelated,
        )


def _search_headers(query: Query) -> dict[str, str]:
    if query.window.days > CAPABILITIES.max_window_days:
        raise payer_error(ErrorClass.SPLIT_WINDOW, "window_too_long")
    if not is_sendable(query.tin) or not is_sendable(query.payer_id):
        raise payer_error(ErrorClass.CONFIG, "practice_not_askable")
    headers = {
        "Accept": "application/json",
        "getStandardError": "true",
        "tin": query.tin,
        "payerId": query.payer_id,
        "firstServiceDt": _us_date(query.window.first),
        "lastServiceDt": _us_date(query.window.last),
    }
    if query.patient is not None:
        first_name, last_name = (
            wire_name(query.patient.first_name),
            wire_name(query.patient.last_name),
        )
        if not first_name or not last_name:
            raise payer_error(ErrorClass.FIX_INPUT, "name_not_askable")
        headers |= {
            "ptntFn": first_name,
            "ptntLn": last_name,
            "ptntDob": _us_date(query.patient.date_of_birth),
        }
    return headers


def _us_date(day: date) -> str:
    return f"{day.month:02d}/{day.day:02d}/{day.year:04d}"


def _detail_error(error: PayerError) -> str:
    """The code that a claim's line shows; wrong credentials concern more than this claim."""
    if error.error_class is ErrorClass.AUTH:
        raise error
    return error.code
