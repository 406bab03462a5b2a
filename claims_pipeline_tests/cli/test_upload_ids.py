"""Uploads as people name them at a terminal."""

from uuid import uuid4

import pytest

from claims_pipeline.cli.upload_ids import whole_id
from claims_pipeline.errors import InputError

IDS = ("1a2b3c4d-0000-4000-8000-000000000001", "1a2b3c4d-0000-4000-8000-000000000002")


def beginning_with(prefix: str) -> list[str]:
    return [each for each in IDS if each.startswith(prefix)]


def test_a_whole_id_is_not_looked_up() -> None:
    given = str(uuid4())
    assert whole_id(given, lambda _: pytest.fail("looked up")) == given


def test_eight_digits_or_more_mean_the_one_that_begins_so() -> None:
    assert whole_id(" 1A2B3C4D-0000 ", lambda prefix: beginning_with(prefix)[:1]) == IDS[0]
    assert whole_id(IDS[1][:-1] + "2", beginning_with) == IDS[1]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("1a2b3c4d", "upload_not_certain"),
        ("ffffffff", "upload_unknown"),
        ("1a2b3c4", "upload_unknown"),
        ("../audit", "upload_unknown"),
        ("", "upload_unknown"),
    ],
)
def test_what_means_none_or_several_is_said(given: str, code: str) -> None:
    with pytest.raises(InputError) as refused:
        whole_id(given, beginning_with)
    assert refused.value.code == code
