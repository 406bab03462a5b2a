"""A lane of its own process, to be killed: `python dying_lane.py UPLOAD_ID RUN_ID`.

It acquires the attempt as the run of that id, whoever held it before, and asks through Availity
until nothing is open or awaited.
"""

import sys
import threading
import time
from datetime import UTC, datetime

from claims_pipeline.model import UploadOptions
from claims_pipeline.payers import registry
from claims_pipeline.payers.limiter import LocalLimiter
from claims_pipeline.planning import Terms
from claims_pipeline.querying import CallLog, drain, plan_open_groups
from claims_pipeline.settings import load_settings
from claims_pipeline.store import attempts
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.database import open_engine
from claims_pipeline.store.ledger.ledger import Ledger

CHANNEL = "availity"


def now() -> datetime:
    return datetime.now(UTC)


def main(upload_id: str, run_id: str) -> None:
    settings = load_settings()
    engine = open_engine(settings.resolved_database_url)
    hold = attempts.acquire(
        engine,
        upload_id,
        run_id,
        ticket=None,
        has_parent=True,
        run_has_ended=lambda _run_id: True,
        dead_after_s=0.0,
        dead_between_steps_s=0.0,
        now=now(),
        is_automatic_retry=False,
    )
    assert isinstance(hold, Hold), hold
    capabilities = registry.capabilities_of(CHANNEL)
    ledger = Ledger(
        engine,
        hold,
        lease_s=settings.lease_s,
        now=now,
        awaits_answers=True,
        max_in_flight=capabilities.max_in_flight,
    )
    calls, stop = CallLog(), threading.Event()
    payer = registry.connect(
        CHANNEL,
        settings=settings,
        limiter=LocalLimiter(max_concurrency=settings.query_threads),
        on_call=calls.add,
        stop=stop,
    )
    terms = Terms.of(
        settings,
        channel=registry.settings_of(CHANNEL, settings),
        capabilities=capabilities,
        options=UploadOptions(),
    )
    plan_open_groups(ledger, payer, terms)
    while True:
        next_look_at = drain(
            ledger, payer, terms=terms, calls=calls, stop=stop, on_progress=lambda: None
        )
        if next_look_at is None:
            return
        time.sleep(max(0.0, (next_look_at - now()).total_seconds()))


if __name__ == "__main__":
    main(*sys.argv[1:])
