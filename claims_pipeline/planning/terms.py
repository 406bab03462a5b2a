"""What decides how an upload's rows are asked, and which days that makes for a row."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

from claims_pipeline.model import Request, UploadOptions
from claims_pipeline.payers.base import Capabilities
from claims_pipeline.planning.windows import Span, span_of
from claims_pipeline.settings import Settings
from claims_pipeline.settings.channels import ChannelSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the payer can, what the person chose, the payer's day, and the queries side by side.

    `confirmation_calls` are those that an upload may spend on `groups.CONFIRMING`. An answer that
    comes later is awaited for `answer_patience`.
    """

    capabilities: Capabilities
    options: UploadOptions
    today: date
    slack_days: int
    threads: int
    confirmation_calls: int = 0
    answer_patience: timedelta = timedelta(hours=24)

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        channel: ChannelSettings,
        capabilities: Capabilities,
        options: UploadOptions,
    ) -> Self:
        """With what the settings say; `today` is the channel's."""
        return cls(
            capabilities=capabilities,
            options=options,
            today=settings.today_of(channel),
            slack_days=settings.slack_days_of(channel),
            threads=settings.query_threads,
            confirmation_calls=settings.confirmation_calls,
            answer_patience=timedelta(hours=channel.answer_hours),
        )

    @property
    def use_sweeps(self) -> bool:
        """Whether whole practices may be asked for."""
        return self.options.use_sweeps and self.capabilities.sweep

    @property
    def confirms(self) -> bool:
        """Whether days may be swept again for rows that were not found by name."""
        return self.use_sweeps and self.confirmation_calls > 0

    def span(self, request: Request) -> Span:
        """The days to search for a row."""
        return span_of(
            request,
            options=self.options,
            capabilities=self.capabilities,
            today=self.today,
            slack_days=self.slack_days,
        )
