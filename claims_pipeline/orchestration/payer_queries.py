"""Joins an upload, its payer and the ledger for the ops that plan and ask."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from claims_pipeline.errors import (
    ClaimsError,
    ErrorClass,
    PayerDownError,
    PayerError,
    PayerRefusedError,
    SettingsError,
)
from claims_pipeline.folders import outbox
from claims_pipeline.orchestration.celery.shutdown import is_worker, worker_is_stopping
from claims_pipeline.orchestration.held_step import HeldStep, StepContext, now
from claims_pipeline.orchestration.payer_backoff import PAYER_DOWN, next_try_at
from claims_pipeline.orchestration.resources import PayerResource
from claims_pipeline.payers import registry
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
    stop: threading.Event


def plan_open_rows(context: StepContext, step: HeldStep, payers: PayerResource) -> None:
    """Plan what is open; a plan that stands already is left as it is."""
    channels = _asked_channels(step)
    for asked in channels:
        try:
            with _connected(step, payers, asked) as connected:
                plan_open_groups(connected.ledger, connected.payer, connected.terms)
        except SettingsError:
            # Where others are asked, who asks finds that out again and fails the rows alone.
            if len(channels) == 1:
                raise
    context.log.info("planned")


def ask_open_rows(context: StepContext, step: HeldStep, payers: PayerResource) -> None:
    """Ask until no row is open or this worker is to end, reporting progress as counts.

    What stops one channel does not keep the rows of the others from being answered.

    Raises:
        PayerDownError: a payer is down and there is time left. The attempt has been let go of
            and waits; open rows stay open.
        PayerRefusedError, SettingsError: none of the channels can be asked; also where what looks
            like a payer that is down is an address that is wrong.

    """
    channels = _asked_channels(step)
    down: list[_Asked] = []
    unusable: dict[_Asked, ClaimsError] = {}
    for asked in channels:
        try:
            _ask(context, step, payers, asked)
        except PayerDownError:
            if _only_ever_404(step, asked.channel):
                unusable[asked] = PayerRefusedError(NOTHING_THERE, _ADDRESS_IS_WRONG)
            else:
                down.append(asked)
        except (PayerRefusedError, SettingsError) as error:
            unusable[asked] = error
    if len(unusable) == len(channels):
        for refusal in unusable.values():
            raise refusal from None
    for asked, refusal in unusable.items():
        context.log.warning("one channel cannot be asked; its open rows fail")
        error_class = ErrorClass.AUTH if refusal.code == "auth" else ErrorClass.CONFIG
        why = PayerError(error_class, refusal.code, refusal.message)
        fail_open_rows(_ledger(step, asked), why, environment="")
    if down:
        _wait_or_give_up(context, step, payers, down)


def _wait_or_give_up(
    context: StepContext, step: HeldStep, payers: PayerResource, down: "Sequence[_Asked]"
) -> None:
    """Fail the rows of channels that nobody waits for any longer.

    Raises:
        PayerDownError: others are tried again later, and the attempt has been let go of.

    """
    waiting = _with_patience_left(step, down)
    gone = PayerDownError()
    why = PayerError(ErrorClass.TRANSIENT, gone.code, gone.message)
    for asked in down:
        if asked not in waiting:
            context.log.warning("the payer has been down for too long; open rows fail")
            with _connected(step, payers, asked) as connected:
                fail_open_rows(connected.ledger, why, environment=connected.payer.environment)
    if waiting:
        _wait_for_payers(step, waiting)
        raise gone


def _ask(context: StepContext, step: HeldStep, payers: PayerResource, asked: "_Asked") -> None:
    with _connected(step, payers, asked) as connected:
        if not connected.ledger.has_open_rows():
            return
        drain(
            connected.ledger,
            connected.payer,
            terms=connected.terms,
            calls=connected.calls,
            stop=connected.stop,
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


def _only_ever_404(step: HeldStep, channel: str) -> bool:
    """Whether each search of the attempt was answered by a 404 that is not the payer's own.

    Once the payer has answered, its address is right, and a gateway before it has lost its way.
    """
    codes = payer_calls.error_codes(
        step.engine, step.hold.attempt_id, CallKind.SEARCH, channel=channel
    )
    return codes == {NOTHING_THERE}


def _with_patience_left(step: HeldStep, down: Sequence[_Asked]) -> dict[_Asked, datetime]:
    """Of channels that are down those that are tried again, and when."""
    attempt = attempts.get_attempt(step.engine, step.attempt.id)
    tries = {
        asked: next_try_at(
            # It may have come back, and gone down again, since this step began.
            down_since=attempt.payer_down_since if attempt else None,
            patience=step.settings.patience_of(registry.settings_of(asked.channel, step.settings)),
            now=now(),
        )
        for asked in down
    }
    return {asked: try_at for asked, try_at in tries.items() if try_at is not None}


def _wait_for_payers(step: HeldStep, waiting: Mapping[_Asked, datetime]) -> None:
    """Let go of the attempt until the first of the payers is tried again."""
    attempts.wait_for_payer(
        step.engine,
        step.hold,
        reason=PAYER_DOWN,
        next_try_at=min(waiting.values()),
        now=now(),
    )
    upload = uploads.get_upload(step.engine, step.hold.upload_id)
    if upload is not None:
        _show_status(upload, step)


def _show_status(upload: Upload, step: HeldStep) -> None:
    """Counts into the outbox, where this process is on the outbox's machine."""
    if not is_worker.is_set():
        with suppress(OSError):  # A courtesy; the results, later, are not.
            outbox.write_status(upload, step.settings.resolved_outbox)


@contextmanager
def _connected(step: HeldStep, payers: PayerResource, asked: _Asked) -> Iterator[_Connected]:
    upload = step.upload
    calls = CallLog()
    with (
        step.stop.child() as stop,
        closing(
            payers.limiter(
                step.engine,
                organization_id=upload.organization_id,
                channel=asked.channel,
                settings=step.settings,
            )
        ) as limiter,
        closing(
            payers.connect(
                asked.channel,
                settings=step.settings,
                limiter=limiter,
                on_call=calls.add,
                stop=stop,
                correlation_id=step.attempt.correlation_id,
            )
        ) as payer,
    ):
        yield _Connected(
            ledger=_ledger(step, asked),
            payer=payer,
            terms=Terms.of(
                step.settings,
                capabilities=payer.capabilities,
                options=upload.options,
                channel=registry.settings_of(asked.channel, step.settings),
            ),
            calls=calls,
            stop=stop,
        )


def _ledger(step: HeldStep, asked: _Asked) -> Ledger:
    return Ledger(
        step.engine,
        step.hold,
        lease_s=step.settings.lease_s,
        now=now,
        payer_ids=asked.payer_ids,
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
