"""Joins an upload, its payer and the ledger for the ops that plan and ask."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

from claims_pipeline.errors import PayerDownError, PayerRefusedError
from claims_pipeline.folders import outbox
from claims_pipeline.orchestration.celery.shutdown import is_worker, worker_is_stopping
from claims_pipeline.orchestration.held_step import HeldStep, StepContext, now
from claims_pipeline.orchestration.payer_backoff import PAYER_DOWN, next_try_at
from claims_pipeline.orchestration.resources import PayerResource, StoreResource
from claims_pipeline.payers.base import NOTHING_THERE, CallKind, Payer
from claims_pipeline.planning import Terms
from claims_pipeline.preflight.payer_table import PayerTable
from claims_pipeline.querying import CallLog, drain, fail_open_rows, plan_open_groups
from claims_pipeline.store import attempts, uploads
from claims_pipeline.store.ledger import payer_calls
from claims_pipeline.store.ledger.ledger import Ledger
from claims_pipeline.store.rows.stored import payers_of_rows
from claims_pipeline.store.tenants.payers import list_payers
from claims_pipeline.store.uploads import Upload

# A log event costs milliseconds and the event log is kept for ever.
_REPORT_EVERY_S = 2.0
_ADDRESS_IS_WRONG = (
    "There is nothing at the payer's address (HTTP 404 for every search). Check the payer's URL "
    "in the settings, then retry."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Connected:
    ledger: Ledger
    payer: Payer
    terms: Terms
    calls: CallLog


def plan_open_rows(
    context: StepContext, step: HeldStep, store: StoreResource, payers: PayerResource
) -> None:
    """Plan what is open; a plan that stands already is left as it is."""
    for asked in _asked_channels(step):
        with _connected(step, store, payers, asked) as connected:
            plan_open_groups(connected.ledger, connected.payer, connected.terms)
    context.log.info("planned")


def ask_open_rows(
    context: StepContext, step: HeldStep, store: StoreResource, payers: PayerResource
) -> None:
    """Ask until no row is open or this worker is to end, reporting progress as counts.

    Raises:
        PayerDownError: the payer is down and there is time left. The attempt has been let go of
            and waits; open rows stay open.
        PayerRefusedError: what looks like a payer that is down is an address that is wrong.

    """
    down: list[_Asked] = []
    troubles: list[PayerDownError | PayerRefusedError] = []
    for asked in _asked_channels(step):
        try:
            _ask(context, step, store, payers, asked)
        except PayerDownError as error:
            down.append(asked)
            troubles.append(error)
        except PayerRefusedError as error:
            # Rows of the other channels are answered first.
            troubles.insert(0, error)
    if not troubles:
        return
    if isinstance(troubles[0], PayerRefusedError):
        raise troubles[0]
    if _only_ever_404(step):
        raise PayerRefusedError(NOTHING_THERE, _ADDRESS_IS_WRONG) from None
    if _waits_for_payer(step):
        raise troubles[0]
    context.log.warning("the payer has been down for too long; open rows fail")
    for asked in down:
        with _connected(step, store, payers, asked) as connected:
            fail_open_rows(connected.ledger, connected.payer)


def _ask(
    context: StepContext,
    step: HeldStep,
    store: StoreResource,
    payers: PayerResource,
    asked: "_Asked",
) -> None:
    with _connected(step, store, payers, asked) as connected:
        if not connected.ledger.has_open_rows():
            return
        drain(
            connected.ledger,
            connected.payer,
            terms=connected.terms,
            calls=connected.calls,
            stop=step.stop,
            leave=worker_is_stopping,
            on_progress=_reporter(context, step),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A channel, and the payer ids that are asked through it; None for all of the upload."""

    channel: str
    payer_ids: frozenset[str] | None


def _asked_channels(step: HeldStep) -> list[_Asked]:
    """Through which channels the upload's rows are asked; one after the other."""
    upload = step.upload
    table = PayerTable.of(list_payers(step.engine, upload.organization_id), step.settings)
    channels = {payer.channel for payer in table.connected}
    if len(channels) == 1:
        # Then nobody has to look at all rows.
        return [_Asked(channel=channels.pop(), payer_ids=None)]
    ids: dict[str, set[str]] = defaultdict(set)
    for payer, payer_id in payers_of_rows(step.engine, upload.id):
        ids[table.channel_of(payer)].add(payer_id)
    return [_Asked(channel=channel, payer_ids=frozenset(ids[channel])) for channel in sorted(ids)]


def _only_ever_404(step: HeldStep) -> bool:
    """Whether each search of the attempt was answered by a 404 that is not the payer's own.

    Once the payer has answered, its address is right, and a gateway before it has lost its way.
    """
    codes = payer_calls.error_codes(step.engine, step.hold.attempt_id, CallKind.SEARCH)
    return codes == {NOTHING_THERE}


def _waits_for_payer(step: HeldStep) -> bool:
    """Let go of the attempt until the payer's next try; False when it has had its time."""
    attempt = attempts.get_attempt(step.engine, step.attempt.id)
    try_at = next_try_at(
        # It may have come back, and gone down again, since this step began.
        down_since=attempt.payer_down_since if attempt else None,
        patience=timedelta(hours=step.settings.payer_retry_hours),
        now=now(),
    )
    if try_at is None:
        return False
    attempts.wait_for_payer(
        step.engine, step.hold, reason=PAYER_DOWN, next_try_at=try_at, now=now()
    )
    upload = uploads.get_upload(step.engine, step.hold.upload_id)
    if upload is not None:
        _show_status(upload, step)
    return True


def _show_status(upload: Upload, step: HeldStep) -> None:
    """Counts into the outbox, where this process is on the outbox's machine."""
    if not is_worker.is_set():
        with suppress(OSError):  # A courtesy; the results, later, are not.
            outbox.write_status(upload, step.settings.resolved_outbox)


@contextmanager
def _connected(
    step: HeldStep, store: StoreResource, payers: PayerResource, asked: _Asked
) -> Iterator[_Connected]:
    upload = step.upload
    calls = CallLog()
    with (
        closing(
            payers.limiter(
                step.engine,
                organization_id=upload.organization_id,
                payer=asked.channel,
                settings=step.settings,
            )
        ) as limiter,
        closing(
            payers.connect(
                asked.channel,
                settings=step.settings,
                limiter=limiter,
                on_call=calls.add,
                stop=step.stop,
                correlation_id=step.attempt.correlation_id,
            )
        ) as payer,
    ):
        yield _Connected(
            ledger=Ledger(
                step.engine,
                step.hold,
                lease_s=step.settings.lease_s,
                now=now,
                payer_ids=asked.payer_ids,
            ),
            payer=payer,
            terms=Terms.of(
                step.settings,
                capabilities=payer.capabilities,
                options=upload.options,
                today=store.payer_today(),
            ),
            calls=calls,
        )


def _reporter(context: StepContext, step: HeldStep) -> Callable[[], None]:
    """Report counts to Dagster and the outbox, at most every two seconds."""
    reported_at = 0.0

    def report() -> None:
        nonlocal reported_at
        if time.monotonic() - reported_at < _REPORT_EVERY_S:
            return
        reported_at = time.monotonic()
        upload = uploads.get_upload(step.engine, step.hold.upload_id)
        if upload is None:
            return
        counts = upload.counts
        context.log.info("answered %d of %d rows", counts.with_outcome, counts.total)
        context.log_event(
            dg.AssetObservation(
                asset_key="claim_statuses",
                partition=step.hold.upload_id,
                metadata={
                    "answered": dg.MetadataValue.int(counts.with_outcome),
                    "total": dg.MetadataValue.int(counts.total),
                },
            )
        )
        _show_status(upload, step)

    return report
