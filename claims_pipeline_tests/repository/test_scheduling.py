"""Files that share a stack run in one process, or each would start one of its own."""

import re

import pytest

from claims_pipeline_tests.repository.test_reliability_page import TESTS
from claims_pipeline_tests.scheduling import shared_by, unit_of

_USES = {"calm": r"\bcalm_stack\b", "mortal": r"\bmortal_(drops|stack)\b"}


def users_of(stack: str) -> set[str]:
    return {
        path.relative_to(TESTS.parent).as_posix()
        for path in TESTS.rglob("test_*.py")
        if path.parent.name != "repository" and re.search(_USES[stack], path.read_text("utf-8"))
    }


@pytest.mark.parametrize("stack", sorted(_USES))
def test_those_who_use_a_shared_stack_are_listed_for_it(stack: str) -> None:
    assert users_of(stack) == shared_by(stack)


def test_a_file_of_no_stack_is_a_unit_of_its_own() -> None:
    assert unit_of(f"{TESTS.name}/test_settings.py::test_one") == f"{TESTS.name}/test_settings.py"
