"""What the adapter is given to ask with: inquiries are put in, and looked after later."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from claims_pipeline.model import Claim, Query
from claims_pipeline.payers.x12.fates import Fate
from claims_pipeline.payers.x12.inquiries import Inquiry
from claims_pipeline.payers.x12.partner import Partner


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An inquiry's fate now, the claims that answer it, and when it is over without an answer.

    `is_complete` is False where a part of the answer could not be given.
    """

    fate: Fate
    claims: tuple[Claim, ...] = field(default=(), repr=False)
    is_complete: bool = True
    due_at: datetime | None = None


class Postbox(Protocol):
    """The partners of one organization, for the queries of one attempt.

    It keeps what is put in, so that a file can be written of it, and what came back.
    """

    @property
    def has_partners(self) -> bool:
        """Whether anybody is set up at all."""
        ...

    @property
    def environment(self) -> str:
        """`sandbox` where partners take test files, else `production`."""
        ...

    def partner_for(self, query: Query) -> Partner | None:
        """Through whom the query's payer is asked; None when no partner is set up for it."""
        ...

    def payer_name(self, query: Query) -> str:
        """The payer's name, as it stands on the wire beside its id."""
        ...

    def reference_for(self, query: Query) -> str:
        """The key of the query's inquiry: the same each time for one query of the attempt."""
        ...

    def put(self, reference: str, partner: Partner, inquiry: Inquiry) -> datetime:
        """Queue the inquiry, once; gives when it is worth looking whether it was answered."""
        ...

    def next_look_at(self, standing: Standing) -> datetime:
        """When it is worth looking again at an inquiry that waits."""
        ...

    def standing(self, reference: str) -> Standing | None:
        """How the inquiry stands; None when there is none of that reference."""
        ...
