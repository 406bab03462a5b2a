"""Claims, queries and payers for tests: synthetic names, TINs that nobody has."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from claims_pipeline.model import DateWindow, Patient, Query, QueryKind
from claims_pipeline.payers.base import CallKind, CallRecord, Payer
from claims_pipeline.payers.limiter import LocalLimiter
from claims_pipeline.payers.policy import CallPolicy, Clockwork
from claims_pipeline.payers.registry import connect
from claims_pipeline.settings import load_settings

TIN = "070000001"
OTHER_TIN = "070000099"
PAYER_ID = "87726"
WINDOW = DateWindow(date(2026, 8, 1), date(2026, 8, 31))
PATIENT = Patient(first_name="Ada", last_name="Example", date_of_birth=date(1975, 5, 10))
NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
# Long enough for a busy machine, short enough for a test; only the tests of time-outs wait for it.
QUICK = CallPolicy(connect_s=20.0, read_s=20.0, exchange_s=20.0)


def sweep(window: DateWindow = WINDOW, *, tin: str = TIN, page_limit: int | None = None) -> Query:
    return Query(
        kind=QueryKind.SWEEP,
        tin=tin,
        payer_id=PAYER_ID,
        window=window,
        row_numbers=(1,),
        page_limit=page_limit,
    )


def single(patient: Patient = PATIENT, *, window: DateWindow = WINDOW, tin: str = TIN) -> Query:
    return Query(
        kind=QueryKind.SINGLE,
        tin=tin,
        payer_id=PAYER_ID,
        window=window,
        row_numbers=(1,),
        patient=patient,
    )


def claim_json(number: int = 1, *, tin: str = TIN, **summary: object) -> dict[str, object]:
    """A paid claim of Ada Example, as the payer's JSON; `summary` replaces claimSummary fields."""
    return {
        "claimNumber": f"FT{number:08d}",
        "claimStatus": "Finalized",
        "detailsAvailable": "Y",
        "memberInfo": {
            "subscriberId": "900000000",
            "ptntFn": "ADA",
            "ptntLn": "EXAMPLE",
            "ptntDob": "05/10/1975",
        },
        "provInfo": {"submitted": {"tin": tin}, "adjudicated": {"tin": tin}},
        "claimSummary": {
            "receivedDt": "08/05/2026",
            "processedDt": "08/20/2026",
            "processedTm": "10.11.12",
            "firstSrvcDt": "08/03/2026",
            "lastSrvcDt": "08/03/2026",
            "totalChargedAmt": "150.00",
            "totalAllowdAmt": "100.00",
            "totalPaidAmt": "80.00",
            "totalPtntRespAmt": "20.00",
            "clmXWalkData": [{"clm507Cd": "F1", "clm508Cd": "65", "clmIcnSufxCd": "01"}],
            **summary,
        },
    }


def page_json(first: int, count: int, *, transaction: str | None = "next") -> dict[str, object]:
    """A page of different claims, numbered from `first`."""
    page: dict[str, object] = {"claims": [claim_json(first + index) for index in range(count)]}
    return page if transaction is None else {**page, "transactionId": transaction}


@dataclass(slots=True, kw_only=True)
class Waits:
    """A clockwork's sleeping, written down instead of slept."""

    seconds: list[float] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    on_wait: Callable[[], None] = lambda: None

    def __call__(self, seconds: float) -> bool:
        self.seconds.append(seconds)
        self.on_wait()
        return self.stop.is_set()


@dataclass(slots=True, kw_only=True)
class NotingLimiter:
    """Lets everybody in, and notes what it is told."""

    pauses: list[float] = field(default_factory=list)
    successes: int = 0
    failures: int = 0
    inner: LocalLimiter = field(default_factory=lambda: LocalLimiter(max_concurrency=32))

    def slot(self, stop: threading.Event) -> AbstractContextManager[None]:
        return self.inner.slot(stop)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def succeeded(self) -> None:
        self.successes += 1

    def failed(self) -> None:
        self.failures += 1


@dataclass(slots=True, kw_only=True)
class Asked:
    """A connected payer with all that it reports."""

    payer: Payer
    waits: Waits
    limiter: NotingLimiter
    records: list[CallRecord]
    stop: threading.Event

    def records_of(self, kind: CallKind = CallKind.SEARCH) -> list[CallRecord]:
        return [record for record in self.records if record.kind is kind]


def connected(
    url: str, *, policy: CallPolicy = QUICK, correlation_id: str | None = None, **environ: str
) -> Asked:
    """A UHC adapter that asks `url`; its waits take no time and its jitter is the longest."""
    stop = threading.Event()
    waits = Waits(stop=stop)
    limiter = NotingLimiter()
    records: list[CallRecord] = []
    settings = load_settings(
        {
            "CLAIMS_UHC_API_URL": f"{url}/Claims",
            "CLAIMS_UHC_TOKEN_URL": f"{url}/v1/oauthtoken",
            "CLAIMS_UHC_CLIENT_ID": "sandbox",
            "CLAIMS_UHC_CLIENT_SECRET": "sandbox",
            **environ,
        }
    )
    payer = connect(
        "uhc",
        settings=settings,
        limiter=limiter,
        on_call=records.append,
        stop=stop,
        policy=policy,
        clockwork=Clockwork(wait=waits, now=lambda: NOW, fraction=lambda: 1.0),
        correlation_id=correlation_id,
    )
    return Asked(payer=payer, waits=waits, limiter=limiter, records=records, stop=stop)
