"""A quarter of following 2,000 claims, and following at size: `python -m benchmarks.follow_up`.

The quarter asks the sandbox over HTTP, day by day, on a calendar of its own. Beside it stands a
scheduler that asks claim by claim on the same cadence: one search call for each check, and the same
calls for details and payments. At size: 10,000 due claims gathered and planned, and the list of
work among 200,000 claims.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, insert

from claims_pipeline.store import tables
from claims_pipeline.store.database import chunks_of, writing
from claims_pipeline.store.tracked.gathering import Slot
from claims_pipeline.store.tracked.work import Order, WorkFilter, page_of_work
from claims_pipeline_tests.follow_up.quarter import (
    ORGANIZATION,
    Quarter,
    quarter,
    told_too_late,
    told_twice,
    worklist,
)

_CLAIMS, _DAYS, _CLAIMS_PER_DAY = 2000, 90, 100
_DUE, _MOST_GATHERING_S = 10_000, 10.0
_WORK, _LOOKS, _MOST_LOOK_MS = 200_000, 40, 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What a quarter came to; calls are those after the file was handed in."""

    claims: int
    days: int
    settled: int
    uploads: int
    checks: int
    searches: int
    details: int
    too_late: int
    twice: int
    asked_when_final: int

    @property
    def one_by_one(self) -> int:
        """Calls of a scheduler that asks claim by claim on the same cadence."""
        return self.checks + self.details


def live(living: Quarter, *, claims: int, days: int) -> Followed:
    """Hand in so many young claims once, then live so many days."""
    visits = living.young_visits(claims)
    began = living.calendar.day
    living.hand_in(worklist(visits))
    before = living.sandbox.calls()
    living.live_through(days)
    calls = {kind: count - before[kind] for kind, count in living.sandbox.calls().items()}
    return Followed(
        claims=claims,
        days=days,
        settled=len(living.final_ids()),
        uploads=living.follow_up_uploads(),
        checks=sum(living.checks_one_by_one),
        searches=calls["summary"],
        details=calls["detail"] + calls["payment"],
        too_late=len(told_too_late(living, visits, since=began)),
        twice=len(told_twice(living)),
        asked_when_final=len(living.asked_when_final),
    )


def fill(engine: Engine, count: int, *, today: date) -> None:
    """So many claims of one organization, due today; two of five need a person."""
    rows = [_row(number, today) for number in range(count)]
    for some in chunks_of(rows, 5000):
        with writing(engine) as connection:
            connection.execute(insert(tables.tracked_claims), list(some))


def _row(number: int, today: date) -> dict[str, Any]:
    visit = today - timedelta(days=10 + number % 60)
    now = datetime.now(UTC)
    row: dict[str, Any] = dict.fromkeys(column.name for column in tables.tracked_claims.columns)
    return row | {
        "id": str(UUID(int=number)),
        "organization_id": ORGANIZATION,
        "identity": f"{number:032x}",
        "claim_key": f"{number:032x}",
        "row_key": f"{number:032x}",
        "payer": "uhc",
        "payer_id": "87726",
        "practice_id": str(1 + number % 2),
        "tin": f"07000000{1 + number % 2}",
        "first_name": "ADA",
        "last_name": f"EXAMPLE{chr(65 + number % 26)}{chr(65 + number // 26 % 26)}",
        "date_of_birth": date(1950, 1, 1) + timedelta(days=number % 20_000),
        "claim_number": f"FH{number:08d}",
        "service_from": visit,
        "service_to": visit,
        "status": "DENIED" if number % 3 else "ACTION_REQUIRED",
        "next_action": "review_denial" if number % 3 else "send_information",
        "denial_codes": f" {('197', '16', '29', '50')[number % 4]} ",
        "search_text": f"EXAMPLE{chr(65 + number % 26)}{chr(65 + number // 26 % 26)} ADA",
        "first_seen": now,
        "status_since": now,
        "checks": 1,
        "next_check_on": today,
        # Most of what is followed is waited for, or paid.
        "needs_person": number % 5 < 2,
        "dollars": Decimal(number * 7919 % 500_000) / 100,
        "owner": ("analyst@example.org", None)[number % 2],
        "act_by": today + timedelta(days=number % 90) if number % 5 else None,
    }


def gathering_s(living: Quarter) -> float:
    """Seconds in which all that is due becomes an upload."""
    slot = Slot(organization_id=ORGANIZATION, payer="uhc", day=living.calendar.day)
    began = time.perf_counter()
    made = living.following().gather(slot, now=living.calendar.morning())
    elapsed = time.perf_counter() - began
    if made is None or made.claims != _DUE:
        raise RuntimeError("not all that is due was gathered")
    return elapsed


def looks_ms(engine: Engine, today: date) -> dict[str, float]:
    """The p95 of a first look at the list, by how it is narrowed and sorted."""
    orders: dict[str, tuple[WorkFilter, Order]] = {
        "most dollars": (WorkFilter(), "dollars"),
        "fewest days left": (WorkFilter(), "days_left"),
        "mine": (WorkFilter(owner="analyst@example.org"), "dollars"),
        "one next action": (WorkFilter(next_action="send_information"), "dollars"),
        "one denial code": (WorkFilter(code="29"), "dollars"),
        "oldest": (WorkFilter(), "oldest"),
        "a name": (WorkFilter(search="exampleca"), "dollars"),
    }
    return {
        name: _p95_ms(
            lambda wanted=wanted, order=order: page_of_work(
                engine, ORGANIZATION, wanted, order=order, page=1, page_size=50, today=today
            )
        )
        for name, (wanted, order) in orders.items()
    }


def _p95_ms(look: Callable[[], object]) -> float:
    took = []
    for _ in range(_LOOKS):
        began = time.perf_counter()
        look()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.quantiles(took, n=20)[-1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=_CLAIMS)
    parser.add_argument("--days", type=int, default=_DAYS)
    chosen = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="claims-bench-") as folder,
        quarter(Path(folder), claims_per_day=_CLAIMS_PER_DAY) as living,
    ):
        followed = live(living, claims=chosen.claims, days=chosen.days)
    with (
        tempfile.TemporaryDirectory(prefix="claims-bench-") as folder,
        quarter(Path(folder), environment={"CLAIMS_FOLLOW_UP_CALLS_PER_DAY": "100000"}) as living,
    ):
        fill(living.engine, _DUE, today=living.calendar.day)
        gathered_s = gathering_s(living)
    with (
        tempfile.TemporaryDirectory(prefix="claims-bench-") as folder,
        quarter(Path(folder)) as living,
    ):
        fill(living.engine, _WORK, today=living.calendar.day)
        looks = looks_ms(living.engine, living.calendar.day)
    _show(followed, gathered_s, looks)
    broken = followed.too_late or followed.twice or followed.asked_when_final
    is_slow = gathered_s > _MOST_GATHERING_S or max(looks.values()) > _MOST_LOOK_MS
    return 1 if broken or is_slow else 0


def _show(followed: Followed, gathered_s: float, looks: dict[str, float]) -> None:
    settled = max(1, followed.settled)
    table = Table(
        "following", "measured", title=f"{followed.claims:,} claims, {followed.days} days"
    )
    for name, value in (
        ("settled", f"{followed.settled:,}"),
        ("follow-up uploads", f"{followed.uploads:,}"),
        ("checks", f"{followed.checks:,}"),
        ("search calls", f"{followed.searches:,} (claim by claim: {followed.checks:,})"),
        ("calls for details and payments", f"{followed.details:,} (the same)"),
        (
            "search calls for each settled claim",
            f"{followed.searches / settled:.2f} (claim by claim: {followed.checks / settled:.2f})",
        ),
        (
            "all calls for each settled claim",
            (
                f"{(followed.searches + followed.details) / settled:.2f} "
                f"(claim by claim: {followed.one_by_one / settled:.2f})"
            ),
        ),
        ("told too late, told twice", f"{followed.too_late}, {followed.twice}"),
        ("asked when final", f"{followed.asked_when_final}"),
        (f"{_DUE:,} due claims gathered and planned", f"{gathered_s:.1f} s"),
        *(
            (f"first page of {_WORK:,} claims, {name}: p95", f"{took:.0f} ms")
            for name, took in looks.items()
        ),
    ):
        table.add_row(name, value)
    Console(highlight=False, width=120).print(table)


if __name__ == "__main__":
    sys.exit(main())
