"""An upload's answers as one looks at them: which rows, in which order, which page. Pure.

A view is told by an address, but for what is searched: names and numbers are patients', so that
they travel in forms only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel, ConfigDict, ValidationError

from claims_pipeline.store.rows.filters import ResultFilter
from claims_pipeline.store.rows.pages import RowOrder
from claims_pipeline.upload_api.http.parameters import PageNumber, SearchText
from claims_pipeline.upload_api.uploads.result_filters import AskedResults

PAGE_SIZE = 25
ORDERS: Mapping[RowOrder, str] = {
    RowOrder.FILE: "As in the file",
    RowOrder.OPEN: "Most open first",
    RowOrder.LARGEST: "Most charged first",
    RowOrder.PAID: "Most paid first",
    RowOrder.OLDEST: "Oldest service first",
    RowOrder.NEWEST: "Newest service first",
    RowOrder.PROCESSED: "Longest decided first",
}
_GO = "go"
_NO_FILTERS = frozenset({"page", "order", "searched"})


class ResultQuery(AskedResults):
    """What an address may tell; nothing of it is about a patient. `next_action` is a code.

    `searched` says that a search is on, whose words the session keeps.
    """

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore")

    page: PageNumber = 1
    order: RowOrder = RowOrder.FILE
    searched: bool = False


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
        return bool(self.search or self.asked)

    @property
    def asked(self) -> Mapping[str, Any]:
        """The filters that are on, by name, as an address has them."""
        told = self.query.model_dump(mode="json", exclude_defaults=True)
        return {name: value for name, value in told.items() if name not in _NO_FILTERS}

    @property
    def filter(self) -> ResultFilter:
        """The same for the store."""
        return self.query.filter(today=datetime.now(UTC).date(), search=self.search or None)

    def address(self, **changes: Any) -> str:
        """The view, or one that differs by `changes`, as an address's query; never the search.

        Another filter or order begins with the first page.
        """
        changed = self.query.model_copy(update={"page": 1} | changes)
        return urlencode(changed.model_dump(mode="json", exclude_defaults=True))

    def sorted_by(self, *orders: str) -> str:
        """The address of the first of these orders that is not on already."""
        following = dict(zip(orders, (*orders[1:], RowOrder.FILE), strict=True))
        return self.address(order=RowOrder(following.get(self.query.order, orders[0])))


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


def with_search(view: ResultView, search: str) -> ResultView:
    """The view with the words that the session keeps for it; none, if it asks for none."""
    return replace(view, search=search if view.query.searched else "")


def view_of_form(fields: Mapping[str, str]) -> ResultView:
    """The view that a form tells: its own fields, unless a button says where to go."""
    told = dict(parse_qsl(fields[_GO])) if _GO in fields else fields
    search = _searched(fields.get("search", ""))
    query = _query(told).model_copy(update={"searched": bool(search)})
    return ResultView(query=query, search=search)


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
