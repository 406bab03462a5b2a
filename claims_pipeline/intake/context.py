"""What intake must know about the organization, the payer and the day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from claims_pipeline.model import ListedPayer, Practice


class LookBack(Protocol):
    """The part of a payer's capabilities that decides which dates of service can be asked for."""

    def oldest_day(self, today: date) -> date:
        """The first day that may be asked for."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRules:
    """What a channel makes of a row: columns that it needs, and the first day of its look-back."""

    needs: frozenset[str]
    oldest_day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeContext:
    """`today` is the payer's; `provider` is the payer that the file is handed in for, or `auto`.

    `payers` are those that rows may name, asked through one of the `channels` or not at all.

    `capabilities` say what may be asked of any of them, `rules` what more holds for a channel.

    `column_map` says what columns of this file are, by their names; `remembered` what was decided
    before, by the digest of a header.
    """

    practices: Sequence[Practice]
    provider: str
    payers: Sequence[ListedPayer]
    channels: frozenset[str]
    today: date
    capabilities: LookBack
    max_rows: int
    max_bytes: int
    rules: Mapping[str, ChannelRules] = field(default_factory=dict)
    column_map: Mapping[str, str] = field(default_factory=dict)
    remembered: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
