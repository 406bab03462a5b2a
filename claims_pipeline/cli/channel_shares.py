"""What was asked of an upload through each channel, and what it took and cost."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from claims_pipeline.cli.local.local_store import LocalStore
from claims_pipeline.payers import registry
from claims_pipeline.preflight.payer_table import PayerTable
from claims_pipeline.store.attempts import Attempt
from claims_pipeline.store.ledger import payer_calls
from claims_pipeline.store.rows.stored import count_rows_of_payers
from claims_pipeline.store.tenants.payers import list_payers
from claims_pipeline.store.uploads import Upload


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelShare:
    """What was asked through a channel; `price` is in US dollars, for the answers that it bills."""

    rows: int
    calls: int
    price: Decimal


def channel_shares(store: LocalStore, upload: Upload, attempt: Attempt) -> dict[str, ChannelShare]:
    """The channels through which rows of the upload are asked, and what that has taken."""
    table = PayerTable.of(list_payers(store.engine, upload.organization_id), store.settings)
    rows: Counter[str] = Counter()
    for payer, count in count_rows_of_payers(store.engine, upload.id).items():
        rows[table.channel_of(payer)] += count
    calls = payer_calls.calls_by_channel(store.engine, attempt.id)
    billed = payer_calls.answered_searches_by_channel(store.engine, attempt.id)
    return {
        channel: ChannelShare(
            rows=rows[channel],
            calls=calls.get(channel, 0),
            price=billed.get(channel, 0)
            * registry.settings_of(channel, store.settings).price_per_answer,
        )
        for channel in sorted(rows)
    }


def share_lines(shares: Mapping[str, ChannelShare]) -> Iterator[str]:
    """A line for each channel, where there are several."""
    if len(shares) < 2:
        return
    for channel, share in shares.items():
        price = f", ${share.price:,.2f}" if share.price else ""
        label = registry.channel_label(channel)
        yield f"{label}: {share.rows:,} rows, {share.calls:,} calls{price}"
