"""docs/reliability.md: every promise names tests, and they are there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "reliability.md"
# The kinds of faults that need neither the API nor a payer that speaks GraphQL.
LINES = {1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 15, 16, 19, 23}

_NAMED = re.compile(r"`(\S+\.py)`|`(test_\w+)`")


def promises() -> list[tuple[int, str, str]]:
    """Number, beginning and tests of each row of the page's tables."""
    rows = re.findall(r"^\| (\d+)\. (.*?) \|.*\| (.*?) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    return [(int(number), what, tests) for number, what, tests in rows]


def named_tests(tests: str) -> Iterator[tuple[str, str | None]]:
    """Each file that a row names with each test of it; None where the whole file is meant."""
    file = ""
    for match in _NAMED.finditer(tests):
        file = match[1] or file
        yield file, match[2]


@pytest.mark.parametrize(
    "tests", [pytest.param(tests, id=f"{number} {what[:40]}") for number, what, tests in promises()]
)
def test_every_promise_names_tests_that_are_there(tests: str) -> None:
    named = list(named_tests(tests))
    assert named
    for file, test in named:
        assert (TESTS / file).is_file(), file
        assert test is None or f"def {test}(" in (TESTS / file).read_text("utf-8"), test


def test_every_kind_of_fault_has_a_promise() -> None:
    assert {number for number, _, _ in promises()} >= LINES
