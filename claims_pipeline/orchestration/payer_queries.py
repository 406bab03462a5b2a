"""Joins an upload, its payer and the ledger for the ops that plan and ask."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import dagster as dg

from claims_pipeline.errors import (
    AnswersAwaitedError,
    CancelRequestedError,
    ClaimsError,
    ErrorClass,
    PayerDownError,
    PayerError,
    PayerRefusedError,
    SettingsError,
)
from claims_pipeline.folders import outbox
from claims_pipeline.folders.result_files import has_workbook
from claims_pipeline.orchestration.asked_channels import (
    Asked,
    Connected,
    asked_channels,
    connected,
    ledger_of,
)
from claims_pipeline.orchestration.celery.shutdown import is_worker, worker_is_stopping
from claims_pipeline.orchestration.held_step import HeldStep, StepContext, now
from claims_pipeline.orchestration.payer_backoff import AWAITING_ANSWERS, PAYER_DOWN, next_try_at
from claims_pipeline.orchestration.resources import PayerResource
from claims_pipeline.payers import registry
from claims_pipeline.payers.base import NOTHING_THERE, CallKind
from claims_pipeline.querying import drain, fail_open_rows, plan_open_groups
from claims_pipeline.store import attempts, uploads
from claims_pipeline.store.ledger import payer_calls
from claims_pipeline.store.uploads import Upload

_LOOK_UP_EVERY_S = 0.5
# A log event costs milliseconds and the event log is kept for ever.
_REPORT_EVERY_S = 2.0
_ADDRESS_IS_WRONG = (
    "There is nothing at the payer's address (HTTP 404 for every search). Check the payer's URL "
    "in the settings, then retry."
)


def plan_open_rows(context: StepContext, step: HeldStep, payers: PayerResource) -> None:
    """Plan what is open; a plan that stands already is left as it is."""
    channels = asked_channels(step)
    for asked in channels:
        try:
            with connected(step, payers, asked) as channel:
                plan_open_groups(channel.ledger, channel.payer, channel.terms)
        except SettingsError:
            # Where others are asked, who asks finds that out again and fails the rows alone.
            if len(channels) == 1:
                raise
    context.log.info("planned")


def ask_open_rows(context: StepContext, step: HeldStep, payers: PayerResource) -> None:
    """Ask until no row is open or this worker is to end, reporting progress as counts.

    What stops one channel does not keep the rows of the others from being answered. Answers that
    come later are awaited here as long as they come soon.

    Raises:
        PayerDownError, AnswersAwaitedError: a payer is down and there is time left, or its answers
            come later. The attempt has been let go of and waits; open rows stay open.
        PayerRefusedError, SettingsError: none of the channels can be asked; also where what looks
            like a payer that is down is an address that is wrong.

    """
    channels = asked_channels(step)
    asking = _Asking(context=context, step=step, payers=payers)
    with asking.connections:
        asking.ask(channels)
    if len(asking.unusable) == len(channels):
        for refusal in asking.unusable.values():
            raise refusal from None
    for asked, refusal in asking.unusable.items():
        context.log.warning("one channel cannot be asked; its open rows fail")
        error_class = ErrorClass.AUTH if refusal.code == "auth" else ErrorClass.CONFIG
        why = PayerError(error_class, refusal.code, refusal.message)
        fail_open_rows(ledger_of(step, asked), why, environment="")
    waiting = _still_waited_for(context, step, payers, asking.down)
    if waiting:
        _wait(step, [*waiting.values(), *asking.awaited.values()], reason=PAYER_DOWN)
        raise PayerDownError
    if asking.awaited and not worker_is_stopping.is_set():
        _wait(step, list(asking.awaited.values()), reason=_awaits(asking))
        raise AnswersAwaitedError


def _awaits(asking: "_Asking") -> str:
    """What is waited for; of several channels, in a word for all of them."""
    found = {registry.awaits_of(asked.channel) for asked in asking.awaited}
    return found.pop() if len(found) == 1 else AWAITING_ANSWERS


@dataclass(slots=True, kw_only=True)
class _Asking:
    """The channels of an upload while they are asked, one after the other, and what came of it.

    `awaited` says for those with answers to come when the first of them may be there.
    """

    context: StepContext
    step: HeldStep
    payers: PayerResource
    connections: ExitStack = field(default_factory=ExitStack)
    connected: dict[Asked, Connected] = field(default_factory=dict)
    down: list[Asked] = field(default_factory=list)
    unusable: dict[Asked, ClaimsError] = field(default_factory=dict)
    awaited: dict[Asked, datetime] = field(default_factory=dict)

    def ask(self, channels: Sequence[Asked]) -> None:
        """Ask them, and again those whose answers come soon."""
        due = list(channels)
        while due:
            for asked in due:
                self._ask(asked)
            due = self._due_soon()

    def _ask(self, asked: Asked) -> None:
        self.awaited.pop(asked, None)
        try:
            if asked not in self.connected:
                self.connected[asked] = self.connections.enter_context(
                    connected(self.step, self.payers, asked)
                )
            next_look_at = self._drain(self.connected[asked])
        except PayerDownError:
            if _only_ever_404(self.step, asked.channel):
                self.unusable[asked] = PayerRefusedError(NOTHING_THERE, _ADDRESS_IS_WRONG)
            else:
                self.down.append(asked)
        except (PayerRefusedError, SettingsError) as error:
            self.unusable[asked] = error
        else:
            if next_look_at is not None:
                self.awaited[asked] = next_look_at

    def _drain(self, channel: Connected) -> datetime | None:
        if not channel.ledger.has_open_rows():
            return None
        return drain(
            channel.ledger,
            channel.payer,
            terms=channel.terms,
            calls=channel.calls,
            stop=channel.stop,
            leave=worker_is_stopping,
            on_progress=_reporter(self.context, self.step),
        )

    def _due_soon(self) -> list[Asked]:
        """Wait for the first answer, if it comes soon; the channels that are due then."""
        longest = timedelta(seconds=self.payers.longest_wait_s)
        if not self.awaited or min(self.awaited.values()) - now() > longest:
            return []
        while (left := (min(self.awaited.values()) - now()).total_seconds()) > 0:
            if worker_is_stopping.is_set():
                return []
            if self.step.stop.wait(min(left, _LOOK_UP_EVERY_S)):
                raise CancelRequestedError
        return [asked for asked, look_at in self.awaited.items() if look_at <= now()]


def _still_waited_for(
    context: StepContext, step: HeldStep, payers: PayerResource, down: Sequence[Asked]
) -> dict[Asked, datetime]:
    """Fail the rows of channels that have been down for too long; when to try the others again."""
    waiting = _with_patience_left(step, down)
    gone = PayerDownError()
    why = PayerError(ErrorClass.TRANSIENT, gone.code, gone.message)
    for asked in down:
        if asked not in waiting:
            context.log.warning("the payer has been down for too long; open rows fail")
            with connected(step, payers, asked) as channel:
                fail_open_rows(channel.ledger, why, environment=channel.payer.environment)
    return waiting


def _only_ever_404(step: HeldStep, channel: str) -> bool:
    """Whether each search of the attempt was answered by a 404 that is not the payer's own.

    Once the payer has answered, its address is right, and a gateway before it has lost its way.
    """
    codes = payer_calls.error_codes(
        step.engine, step.hold.attempt_id, CallKind.SEARCH, channel=channel
    )
    return codes == {NOTHING_THERE}


def _with_patience_left(step: HeldStep, down: Sequence[Asked]) -> dict[Asked, datetime]:
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


def _wait(step: HeldStep, moments: Sequence[datetime], *, reason: str) -> None:
    """Let go of the attempt until the first of the moments."""
    attempts.wait_for_payer(
        step.engine,
        step.hold,
        reason=reason,
        next_try_at=min(moments),
        now=now(),
        is_down=reason == PAYER_DOWN,
    )
    upload = uploads.get_upload(step.engine, step.hold.upload_id)
    if upload is not None:
        _show_status(upload, step)


def _show_status(upload: Upload, step: HeldStep) -> None:
    """Counts into the outbox, where this process is on the outbox's machine."""
    if not is_worker.is_set():
        with suppress(OSError):  # A courtesy; the results, later, are not.
            outbox.write_status(
                upload,
                step.settings.resolved_outbox,
                has_workbook=has_workbook(upload, step.settings),
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
