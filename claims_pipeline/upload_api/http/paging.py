"""Pages: which one is asked for, and the addresses of its neighbours."""

from dataclasses import dataclass

from fastapi import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Addresses of the pages before and after; None where there is none."""

    next: str | None = None
    previous: str | None = None


def links(request: Request, *, page: int, page_size: int, count: int) -> Links:
    """The neighbours of a page, asked for by the same query with another page number.

    A search stands in no address that we give out, and without it a link would lead elsewhere: the
    answer to a search has none.
    """
    if request.method != "GET" or request.query_params.get("search"):
        return Links()
    last = max(1, -(-count // page_size))
    return Links(
        next=_at(request, page + 1) if page < last else None,
        previous=_at(request, min(page - 1, last)) if page > 1 else None,
    )


def _at(request: Request, page: int) -> str:
    return str(request.url.include_query_params(page=page))
