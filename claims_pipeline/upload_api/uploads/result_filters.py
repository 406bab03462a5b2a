"""What an address may ask of results, for page and API: nothing of it is about a patient."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from claims_pipeline.model import ClaimStatus, DenialCategory, Outcome
from claims_pipeline.store.rows.filters import ResultFilter
from claims_pipeline.upload_api.http.parameters import Optional

_MOST_DAYS = 36_500


class AskedResults(BaseModel):
    """Which rows. All but `outcome` and a row's own `next_action` ask for one of its claims.

    `next_action` is a code, `denial_code` a CARC or RARC of a denial. `open_at_least` is in
    dollars; days count back from today, from the first day of service or from the payer's decision.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    outcome: Optional[Outcome] = None
    claim_status: Optional[ClaimStatus] = None
    next_action: Optional[Annotated[str, Field(max_length=64, pattern="^[a-z_]*$")]] = None
    denial_category: Optional[DenialCategory] = None
    denial_code: Optional[Annotated[str, Field(max_length=16, pattern="^[A-Za-z0-9]*$")]] = None
    open_at_least: Optional[Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2)]] = None
    days_since_service: Optional[Annotated[int, Field(ge=0, le=_MOST_DAYS)]] = None
    days_since_processed: Optional[Annotated[int, Field(ge=0, le=_MOST_DAYS)]] = None

    def filter(self, *, today: date, search: str | None = None) -> ResultFilter:
        """The same for the store."""
        return ResultFilter(
            outcome=self.outcome,
            claim_status=self.claim_status,
            next_action=self.next_action,
            denial_category=self.denial_category,
            denial_code=self.denial_code,
            open_at_least=self.open_at_least,
            service_until=_days_before(today, self.days_since_service),
            processed_until=_days_before(today, self.days_since_processed),
            search=search,
        )


def _days_before(today: date, days: int | None) -> date | None:
    return None if days is None else today - timedelta(days=days)
