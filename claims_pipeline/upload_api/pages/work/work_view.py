"""The list of work as one looks at it: which claims, in which order, which page.

A view is told by an address, but for names and numbers that are searched: they travel in forms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from pydantic import ValidationError

from claims_pipeline.upload_api.following.work import ME, NOBODY, WorkPageQuery

PAGE_SIZE = 50
_IN_ADDRESSES = (
    "owner",
    "overdue",
    "claim_status",
    "next_action",
    "payer",
    "practice_id",
    "code",
    "remark",
    "act_within",
    "with_done",
    "with_waiting",
    "order",
    "page",
)
_USUAL = {"order": "dollars", "page": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkView:
    """What is shown of the work. `search` is patients' data."""

    query: WorkPageQuery
    search: str = field(default="", repr=False)

    @property
    def tab(self) -> str:
        """Which of the tabs is open; empty where the filters make it none of them."""
        if self.query.overdue:
            return "overdue"
        return {None: "all", ME: "mine", NOBODY: "unassigned"}.get(self.query.owner, "")

    @property
    def is_narrowed(self) -> bool:
        """Whether claims may be left out that there is work about."""
        told = {**self._values(), "with_done": "", "with_waiting": "", "order": "", "page": ""}
        return bool(self.search) or any(told.values())

    def address(self, **changes: object) -> str:
        """The view, or one that differs by `changes`, as an address's query; never the search.

        A change of anything but the page leads to the first page.
        """
        values = {**self._values(), **({} if not changes else {"page": ""}), **changes}
        return urlencode(
            {
                name: str(value)
                for name, value in values.items()
                if value and _USUAL.get(name) != str(value)
            }
        )

    def _values(self) -> dict[str, object]:
        query = self.query
        values: dict[str, object] = {}
        for name in _IN_ADDRESSES:
            value = getattr(query, name)
            values[name] = ("true" if value else "") if isinstance(value, bool) else value or ""
        return values


def view_of(fields: Mapping[str, str]) -> WorkView:
    """The view that an address or a form tells; what it tells wrong is as usual."""
    told = {name: fields[name] for name in _IN_ADDRESSES if fields.get(name)}
    search = "".join(c for c in fields.get("search", "") if c.isprintable()).strip()[:200]
    try:
        query = WorkPageQuery.model_validate({**told, "page_size": PAGE_SIZE})
    except ValidationError:
        query = WorkPageQuery(page_size=PAGE_SIZE)
    return WorkView(query=query, search=search)
