"""The list of uploads as one looks at it: which ones, in which order, which page.

A view is told by an address, but for what is searched: a file's name may be a patient's, so that
it travels in forms only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from pydantic import ValidationError

from claims_pipeline.model import UploadStatus
from claims_pipeline.upload_api.uploads.listing import UploadFilters

PAGE_SIZE = 25
NEWEST_FIRST = "-created_at"
# The states by which people look for uploads; one that is cancelling is so for seconds.
OFFERED_STATUSES = (
    UploadStatus.PENDING,
    UploadStatus.PROCESSING,
    UploadStatus.COMPLETED,
    UploadStatus.FAILED,
    UploadStatus.CANCELLED,
)
_IN_ADDRESSES = ("status", "provider", "user", "ordering", "page")
_GO = "go"
# Short names of payers; which there are is the organization's affair.
_PROVIDER = re.compile(r"[a-z0-9-]{1,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListView:
    """What is shown of the list. `filters.search` is patients' data."""

    filters: UploadFilters

    @property
    def is_search(self) -> bool:
        """Whether the view cannot be told by an address."""
        return bool(self.filters.search)

    @property
    def is_narrowed(self) -> bool:
        """Whether uploads may be left out."""
        filters = self.filters
        return bool(filters.search or filters.status or filters.provider or filters.user)

    def query(self, **changes: object) -> str:
        """The view, or one that differs by `changes`, as an address's query; never the search.

        A change of anything but the page leads to the first page.
        """
        filters = self.filters
        values: dict[str, object] = {
            "status": filters.status or "",
            "provider": filters.provider or "",
            "user": filters.user or "",
            "ordering": filters.ordering,
            "page": filters.page if not changes else 1,
        } | changes
        shown = {
            name: str(value)
            for name, value in values.items()
            if value and (name, str(value)) not in {("ordering", NEWEST_FIRST), ("page", "1")}
        }
        return urlencode(shown)

    def sorting_by(self, name: str, *, first_down: bool = False) -> str:
        """The query that sorts by this column, or turns the order round if it does already."""
        down, up = f"-{name}", name
        if self.filters.ordering == down:
            return self.query(ordering=up)
        if self.filters.ordering == up:
            return self.query(ordering=down)
        return self.query(ordering=down if first_down else up)

    def sorted_by(self, name: str) -> str:
        """How the list is sorted by this column: `up`, `down` or nothing."""
        return {name: "up", f"-{name}": "down"}.get(self.filters.ordering, "")


def view_of_address(query: Mapping[str, str]) -> ListView:
    """The view that an address tells; what it tells wrong, or not at all, is as usual."""
    return _view({name: query[name] for name in _IN_ADDRESSES if name in query}, search="")


def view_of_form(fields: Mapping[str, str]) -> ListView:
    """The view that a form tells: its own fields, unless a button says where to go."""
    told = dict(parse_qsl(fields[_GO])) if _GO in fields else fields
    return _view(
        {name: told[name] for name in _IN_ADDRESSES if name in told},
        search=fields.get("search", "").strip(),
    )


def _view(values: dict[str, str], *, search: str) -> ListView:
    if not _PROVIDER.fullmatch(values.get("provider", "")):
        values.pop("provider", None)
    try:
        filters = UploadFilters.model_validate({**values, "search": search, "page_size": PAGE_SIZE})
    except ValidationError:
        # An address typed by hand; the search has no bounds that a person would miss.
        printable = "".join(c for c in search if c.isprintable())[:200]
        filters = UploadFilters(search=printable, page_size=PAGE_SIZE)
    return ListView(filters=filters)
