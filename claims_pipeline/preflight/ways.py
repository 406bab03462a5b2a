"""What a check must know of each channel: how it would be asked, how fast, and for how much."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from claims_pipeline.model import Patient, UploadOptions
from claims_pipeline.payers import registry
from claims_pipeline.planning import Terms
from claims_pipeline.preflight.pace import Pace
from claims_pipeline.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One channel. `price` is that of an answered search in US dollars, 0 where none is billed."""

    terms: Terms
    can_ask: Callable[[Patient], bool]
    pace: Pace = field(default_factory=lambda: Pace.measured(None))
    price: Decimal = Decimal(0)

    @property
    def has_details(self) -> bool:
        """Whether details and payments take calls of their own."""
        return self.terms.capabilities.details


# By the channel's short name.
Ways = Callable[[str], Way]


def ways_of(
    settings: Settings,
    options: UploadOptions,
    *,
    seconds_a_call: Callable[[str], float | None] = lambda _channel: None,
) -> Ways:
    """The ways that the settings make; `seconds_a_call` is what a channel's calls took lately."""

    @cache
    def way_of(channel: str) -> Way:
        of_channel = registry.settings_of(channel, settings)
        return Way(
            terms=Terms.of(
                settings,
                channel=of_channel,
                capabilities=registry.capabilities_of(channel),
                options=options,
            ),
            can_ask=registry.can_ask_of(channel),
            pace=Pace.measured(seconds_a_call(channel)),
            price=of_channel.price_per_answer,
        )

    return way_of
