"""Through which channels an upload's rows are asked, and the connections to them."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from claims_pipeline.orchestration.held_step import HeldStep, now
from claims_pipeline.orchestration.resources import PayerResource
from claims_pipeline.payers import registry
from claims_pipeline.payers.base import Payer
from claims_pipeline.planning import Terms
from claims_pipeline.preflight.payer_table import PayerTable
from claims_pipeline.querying import CallLog
from claims_pipeline.store.ledger.ledger import Ledger
from claims_pipeline.store.rows.stored import payers_of_rows
from claims_pipeline.store.tenants.payers import list_payers
from claims_pipeline.store.x12.postbox import DatabasePostbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """A channel ready to be asked; `stop` ends its threads, and not those of others."""

    ledger: Ledger
    payer: Payer
    terms: Terms
    calls: CallLog
    stop: threading.Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A channel, and the payer ids that are asked through it; None for all of the upload."""

    channel: str
    payer_ids: frozenset[str] | None


def asked_channels(step: HeldStep) -> list[Asked]:
    """Through which channels the upload's rows are asked; one after the other."""
    upload = step.upload
    table = PayerTable.of(list_payers(step.engine, upload.organization_id), step.settings)
    channels = {payer.channel for payer in table.connected}
    if len(channels) == 1:
        # Then nobody has to look at all rows.
        return [Asked(channel=channels.pop(), payer_ids=None)]
    ids: dict[str, set[str]] = defaultdict(set)
    for payer, payer_id in payers_of_rows(step.engine, upload.id):
        ids[table.channel_of(payer)].add(payer_id)
    return [Asked(channel=channel, payer_ids=frozenset(ids[channel])) for channel in sorted(ids)]


@contextmanager
def connected(step: HeldStep, payers: PayerResource, asked: Asked) -> Iterator[Connected]:
    """Connect to a channel while the block lasts; no call is made by it.

    Raises:
        SettingsError: its addresses or credentials are missing, or wrong.

    """
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
                postbox=DatabasePostbox(step.engine, step.hold, now=now),
            )
        ) as payer,
    ):
        yield Connected(
            ledger=ledger_of(step, asked),
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


def ledger_of(step: HeldStep, asked: Asked) -> Ledger:
    """The ledger of the queries that go through the channel."""
    capabilities = registry.capabilities_of(asked.channel)
    return Ledger(
        step.engine,
        step.hold,
        lease_s=step.settings.lease_s,
        now=now,
        payer_ids=asked.payer_ids,
        awaits_answers=capabilities.asynchronous,
        max_in_flight=capabilities.max_in_flight,
    )
