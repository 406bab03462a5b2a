"""Groups of rows as an analyst's worklist, and the pictures beside it."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from claims_pipeline.model import ClaimStatus, DenialCategory, Outcome
from claims_pipeline.store.rows.totals import ClaimGroup, RowGroup
from claims_pipeline.upload_api.pages.upload.breakdown import breakdown_of
from claims_pipeline.upload_api.pages.upload.chart import Bars, Part, Series, grouped_bars, strip
from claims_pipeline.upload_api.pages.upload.worklist import worklist_of

_PAID = ClaimGroup(
    outcome=Outcome.FOUND,
    claim_status=ClaimStatus.PAID,
    next_action="post_payment",
    claims=3,
    charged=Decimal("300.00"),
    allowed=Decimal("200.00"),
    paid=Decimal("180.00"),
    oldest=date(2026, 1, 9),
)
_DENIED = replace(
    _PAID,
    claim_status=ClaimStatus.DENIED,
    next_action="check_benefits",
    denial_category=DenialCategory.NOT_COVERED,
    allowed=Decimal(0),
    paid=Decimal(0),
    still_open=Decimal("300.00"),
)
_PENDING = replace(
    _DENIED,
    claim_status=ClaimStatus.PENDING,
    next_action="wait_for_decision",
    denial_category=None,
    oldest=date(2025, 11, 2),
)
_MISSING = RowGroup(
    outcome=Outcome.NOT_FOUND, next_action="check_row", rows=2, stated=Decimal("50.00")
)
_FAILED = RowGroup(
    outcome=Outcome.FAILED,
    next_action="retry_later",
    error_code="timed_out",
    rows=4,
    stated=Decimal("70.00"),
)


def test_what_is_open_comes_first_then_what_is_oldest() -> None:
    tasks = worklist_of([], [_PAID, _DENIED, _PENDING]).tasks
    assert [task.code for task in tasks] == ["wait_for_decision", "check_benefits", "post_payment"]
    larger = replace(_DENIED, still_open=Decimal("300.01"))
    tasks = worklist_of([], [_PAID, larger, _PENDING]).tasks
    assert [task.code for task in tasks] == ["check_benefits", "wait_for_decision", "post_payment"]


def test_claims_of_ambiguous_rows_stand_apart_and_in_no_sum() -> None:
    doubtful = replace(_PENDING, outcome=Outcome.AMBIGUOUS, next_action="choose_claim")
    worklist = worklist_of([], [doubtful, _PAID, _DENIED])
    assert [(task.code, task.in_doubt) for task in worklist.tasks] == [
        ("check_benefits", False),
        ("post_payment", False),
        ("choose_claim", True),
    ]
    assert (worklist.claims, worklist.charged) == (6, Decimal("600.00"))
    assert worklist.still_open == Decimal("300.00")
    assert [line.status for line in worklist.statuses] == ["DENIED", "PAID"]


def test_denials_are_told_by_kind_most_open_dollars_first() -> None:
    late = replace(_DENIED, denial_category=DenialCategory.FILED_LATE, still_open=Decimal(1))
    partly = replace(
        _PAID, denial_category=DenialCategory.NOT_COVERED, claims=1, still_open=Decimal(20)
    )
    worklist = worklist_of([], [late, _PAID, _DENIED, partly])
    assert [(line.word, line.claims, line.still_open) for line in worklist.categories] == [
        ("Not covered", 4, Decimal("320.00")),
        ("Filed late", 3, Decimal(1)),
    ]


def test_rows_with_the_payers_own_number_are_not_to_be_submitted_again() -> None:
    numbered = replace(_MISSING, next_action="check_claim_number", rows=3)
    worklist = worklist_of([_MISSING, numbered], [])
    assert (worklist.missing, worklist.missing_numbered) == (5, 3)


def test_a_failed_row_is_never_missing_at_the_payer() -> None:
    worklist = worklist_of([_MISSING, _FAILED], [])
    assert (worklist.missing, worklist.failed, worklist.tasks) == (2, 4, ())
    assert worklist.missing_stated == Decimal("50.00")
    assert worklist.charged == 0
    (reason,) = worklist.could_not_ask
    assert (reason.code, reason.rows) == ("timed_out", 4)


def test_what_the_file_says_was_charged_is_told_of_rows_without_an_answer() -> None:
    refused = replace(_FAILED, error_code="refused", stated=Decimal("1.00"))
    stopped = RowGroup(outcome=Outcome.UNPROCESSED, rows=5, stated=Decimal("90.00"))
    worklist = worklist_of([_MISSING, _FAILED, refused, stopped], [])
    assert worklist.failed_stated == Decimal("71.00")
    assert worklist.not_asked_stated == Decimal("90.00")


def test_groups_of_one_action_are_one_task() -> None:
    several = replace(_PAID, claim_status=ClaimStatus.MULTIPLE, claims=1, oldest=None)
    (task,) = worklist_of([], [_PAID, several]).tasks
    assert (task.claims, task.charged, task.oldest) == (4, Decimal("600.00"), date(2026, 1, 9))


def test_every_row_has_its_part_in_the_picture() -> None:
    found = RowGroup(outcome=Outcome.FOUND, rows=6)
    groups = [found, _MISSING, _FAILED, RowGroup(outcome=None, rows=1)]
    worklist = worklist_of(groups, [_PAID, _DENIED])
    assert sum(line.rows for line in worklist.outcomes) == worklist.rows == 13
    drawn = breakdown_of(worklist)
    assert "Found 6, Not found 2, Could not ask 4, Waiting to be asked 1" in drawn.outcomes
    assert "Denied: charged $300.00, allowed $0.00, paid $0.00" in drawn.dollars


@given(st.lists(st.integers(min_value=0, max_value=10_000_000), max_size=8))
def test_the_parts_of_a_strip_fill_it_and_can_be_seen(numbers: list[int]) -> None:
    parts = [Part(word=f"Part {n}", number=number, colour="c") for n, number in enumerate(numbers)]
    drawn = strip(parts, title="Rows")
    if not any(numbers):
        assert drawn == ""
        return
    svg = _parsed(drawn)
    widths = [float(rect.get("width", "0")) for rect in svg.iter("rect")]
    assert len(widths) == sum(number > 0 for number in numbers)
    assert min(widths) > 0
    right_end = [float(rect.get("x", "0")) + float(rect.get("width", "0")) for rect in svg]
    assert abs(max(right_end) - 1000) < 1
    assert svg.get("role") == "img"


def test_words_in_a_picture_are_text() -> None:
    hostile = "</title><script>x</script>\"'"
    drawn = grouped_bars(
        [Bars(word=hostile, amounts=(Decimal(1),), texts=("$1.00",))],
        [Series(word=hostile, colour="c")],
        title=hostile,
    ) + strip([Part(word=hostile, number=1, colour="c")], title=hostile)
    svgs = _parsed(f"<all>{drawn}</all>")
    assert not list(svgs.iter("script"))
    assert hostile in "".join(svgs.itertext())


def test_amounts_below_zero_have_no_bar() -> None:
    rows = [
        Bars(word="Taken back", amounts=(Decimal(-5),), texts=("−$5.00",)),
        Bars(word="Paid", amounts=(Decimal(10),), texts=("$10.00",)),
    ]
    svg = _parsed(grouped_bars(rows, [Series(word="Paid", colour="c")], title="Dollars"))
    assert [rect.get("width") for rect in svg.iter("rect")] == ["360"]
    assert "−$5.00" in "".join(svg.itertext())
    all_below = grouped_bars(rows[:1], [Series(word="Paid", colour="c")], title="Dollars")
    assert "<rect" not in all_below


def _parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own drawing
