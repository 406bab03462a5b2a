"""What reading a file must know, joined from the settings and the payer."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from claims_pipeline.intake import IntakeContext
from claims_pipeline.intake.columns import ColumnMap
from claims_pipeline.intake.context import ChannelRules
from claims_pipeline.model import Practice
from claims_pipeline.payers import registry
from claims_pipeline.payers.base import Capabilities
from claims_pipeline.preflight.payer_table import PayerTable
from claims_pipeline.settings import Settings


def intake_context(
    settings: Settings,
    *,
    provider: str,
    payers: PayerTable,
    practices: Sequence[Practice],
    today: date,
    column_map: ColumnMap | None = None,
    remembered: Mapping[str, ColumnMap] | None = None,
) -> IntakeContext:
    """What decides about a row; `today` is the payer's.

    `provider` is the short name of one of the `payers`, or `auto`.

    `column_map` is what a person decides about this file's columns, `remembered` what the
    organization decided before, by the digest of a header.

    Raises:
        InputError: `payer_unknown` or `payer_not_connected`.

    """
    channels = payers.channels_of(provider)
    return IntakeContext(
        practices=practices,
        provider=provider,
        payers=payers.payers,
        channels=frozenset(registry.channel_names()),
        today=today,
        capabilities=_longest_look_back(channels, today),
        rules={
            channel: ChannelRules(
                needs=registry.capabilities_of(channel).needs,
                oldest_day=registry.capabilities_of(channel).oldest_day(today),
            )
            for channel in channels
        },
        max_rows=settings.max_rows,
        max_bytes=settings.max_file_bytes,
        column_map=column_map or {},
        remembered=remembered or {},
    )


def _longest_look_back(channels: Collection[str], today: date) -> Capabilities:
    """The capabilities of the channel that can be asked about the oldest day."""
    return min(map(registry.capabilities_of, channels), key=lambda each: each.oldest_day(today))
