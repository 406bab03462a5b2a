"""How an upload is asked, and which days that makes for a row."""

from dataclasses import dataclass
from datetime import date

from claims_pipeline.model import Request, UploadOptions
from claims_pipeline.payers.base import Payer
from claims_pipeline.planning import Span, span_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How an upload is asked: its options and the payer's day."""

    options: UploadOptions
    today: date
    slack_days: int
    threads: int


def span_for(request: Request, payer: Payer, terms: Terms) -> Span:
    """The days to search for a row under these terms."""
    return span_of(
        request,
        options=terms.options,
        capabilities=payer.capabilities,
        today=terms.today,
        slack_days=terms.slack_days,
    )
