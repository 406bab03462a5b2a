"""An upload's answers as one looks at them: which rows, in which order, which page. Pure.

A view is told by an address, but for what is searched: names and numbers are patients', so that
they travel in forms only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from claims_pipeline.model import ClaimStatus, Outcome
from claims_pipeline.store.rows.filters import ResultFilter
from claims_pipeline.store.rows.pages import RowOrder
from claims_pipeline.upload_api.http.parameters import Optional, PageNumber, SearchText

PAGE_SIZE = 25
ORDERS: Mapping[RowOrder, str] = {
    RowOrder.FILE: "As in the file",
    RowOrder.LARGEST: "Largest amount first",
    RowOrder.OLDEST: "Oldest service first",
}
_GO = "go"


class ResultQuery(BaseModel):
    """What an address may tell; nothing of it is about a patient. `next_action` is a code."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore")

    page: PageNumber = 1
    outcome: Optional[Outcome] = None
    claim_status: Optional[ClaimStatus] = None
    next_action: Optional[Annotated[str, Field(max_length=64, pattern="^[a-z_]*$")]] = None
    order: RowOrder = RowOrder.FILE


class _Search(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    search: SearchText


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultView:
    """What is shown of the results."""

    query: ResultQuery
    search: str = field(default="", repr=False)

    @property
    def is_narrowed(self) -> bool:
        """Whether rows may be left out."""
        asked = self.query
        return bool(self.search or asked.outcome or asked.claim_status or asked.next_action)

    @property
    def filter(self) -> ResultFilter:
        """The same for the store."""
        return ResultFilter(
            outcome=self.query.outcome,
            claim_status=self.query.claim_status,
            next_action=self.query.next_action,
            search=self.search or None,
        )

    def address(self, **changes: Any) -> str:
        """The view, or one that differs by `changes`, as an address's query; never the search."""
        changed = self.query.model_copy(update=changes)
        return urlencode(changed.model_dump(mode="json", exclude_defaults=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Which rows of how many are shown, and the number of the page before and after."""

    first: int
    last: int
    total: int
    previous: int | None
    following: int | None

    @classmethod
    def of(cls, page: int, total: int, *, shown: int) -> "Paging":
        """The paging of a page (from 1) on which `shown` of `total` rows stand."""
        first = (page - 1) * PAGE_SIZE + 1
        last_page = max(1, -(-total // PAGE_SIZE))
        return cls(
            first=first if shown else 0,
            last=first + shown - 1 if shown else 0,
            total=total,
            previous=min(page - 1, last_page) if page > 1 else None,
            following=page + 1 if page < last_page else None,
        )


def view_of_address(query: Mapping[str, str]) -> ResultView:
    """The view that an address tells; what it cannot tell, or tells wrong, is as usual."""
    return ResultView(query=_query(query))


def view_of_form(fields: Mapping[str, str]) -> ResultView:
    """The view that a form tells: its own fields, unless a button says where to go."""
    told = dict(parse_qsl(fields[_GO])) if _GO in fields else fields
    return ResultView(query=_query(told), search=_searched(fields.get("search", "")))


def _query(values: Mapping[str, str]) -> ResultQuery:
    try:
        return ResultQuery.model_validate(values)
    except ValidationError:
        return ResultQuery()


def _searched(text: str) -> str:
    try:
        return _Search(search=text.strip()).search
    except ValidationError:
        # Pasted from elsewhere; the search has no bounds that a person would miss.
        return "".join(c for c in text if c.isprintable()).strip()[:200]
