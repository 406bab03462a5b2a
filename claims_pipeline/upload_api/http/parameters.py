"""Kinds of parameters that several operations take, in addresses and bodies."""

from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

_MAX_PAGE = 1_000_000
_MOST_WORDS = 10
_MAX_PAGE_SIZE = 200

_Value = TypeVar("_Value")


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        return instant.replace(tzinfo=UTC)
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies beyond the calendar") from None


def printable(text: str) -> str:
    """The text, if none of it is a control character.

    Raises:
        ValueError: for pydantic to catch.

    """
    if not text.isprintable():
        raise ValueError("has characters that no name has")
    return text


def _of_few_words(text: str) -> str:
    # Each word looks through the rows once more.
    if len(text.split()) > _MOST_WORDS:
        raise ValueError(f"has more than {_MOST_WORDS} words")
    return text


# Forms send what was not filled in as an empty text.
Optional = Annotated[_Value | None, BeforeValidator(_none_if_empty)]
Instant = Annotated[datetime, AfterValidator(_aware)]
SearchText = Annotated[
    str,
    Field(max_length=200, description="At most ten words, all of which have to be there."),
    AfterValidator(printable),
    AfterValidator(_of_few_words),
]
PageNumber = Annotated[int, Field(ge=1, le=_MAX_PAGE, description="Which page, from 1.")]
PageSize = Annotated[int, Field(ge=1, le=_MAX_PAGE_SIZE, description="How many on a page.")]
