"""Pages of results, filtered and searched."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from claims_pipeline.model import ClaimStatus, Outcome, Result, RetryScope, UploadStatus
from claims_pipeline.store import attempts
from claims_pipeline.store.rows.filters import ResultFilter
from claims_pipeline.store.rows.pages import (
    RowOrder,
    iterate_results,
    page_of_rejected_rows,
    page_of_results,
)
from claims_pipeline_tests.store.builders import (
    NOW,
    Runs,
    answer,
    make_claim,
    make_result,
    make_runs,
    make_upload,
    seconds_later,
    store_rows,
)

# Rows 1 to 5 are answered, 6 is open, 7 and 8 are rejected.
_FOUND, _PENDING, _NOT_FOUND, _FAILED, _AMBIGUOUS, _OPEN = range(1, 7)
_REJECTED = [7, 8]


@pytest.fixture
def runs(engine: Engine) -> Runs:
    runs = make_runs(engine)
    hold = runs.held()
    store_rows(engine, hold, accepted=6, rejected=2)
    answer(
        engine,
        hold,
        make_result(_FOUND, claims=2),
        make_result(_PENDING, status=ClaimStatus.PENDING),
        make_result(_NOT_FOUND, Outcome.NOT_FOUND),
        make_result(_FAILED, Outcome.FAILED),
        make_result(_AMBIGUOUS, Outcome.AMBIGUOUS),
    )
    return runs


def _numbers(runs: Runs, wanted: ResultFilter) -> list[int]:
    """The wanted rows, by pages of two and in one go, which have to be the same."""
    streamed = [row.row.row_number for row in iterate_results(runs.engine, runs.upload_id, wanted)]
    paged: list[int] = []
    for page in range(1, 6):
        found = page_of_results(runs.engine, runs.upload_id, wanted, page=page, page_size=2)
        assert found.total == len(streamed)
        paged += [row.row.row_number for row in found.rows]
    assert paged == streamed
    return streamed


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (ResultFilter(), [1, 2, 3, 4, 5, 6, 7, 8]),
        (ResultFilter(outcome=Outcome.FOUND), [_FOUND, _PENDING]),
        (ResultFilter(outcome=Outcome.UNPROCESSED), [_OPEN]),
        (ResultFilter(outcome=Outcome.REJECTED), _REJECTED),
        (ResultFilter(claim_status=ClaimStatus.PENDING), [_PENDING]),
        (ResultFilter(outcome=Outcome.NOT_FOUND, claim_status=ClaimStatus.PAID), []),
        (ResultFilter(next_action="correct_row"), _REJECTED),
        (ResultFilter(next_action="retry_unprocessed"), []),
        (ResultFilter(next_action="wait_to_be_asked"), [_OPEN]),
        (ResultFilter(next_action="Nothing to do."), [1, 2, 3, 4, 5]),
        (ResultFilter(search="example3"), [3]),
        (ResultFilter(search="ÉMILE example"), [1, 2, 3, 4, 5, 6]),
        (ResultFilter(search="FH00000101"), [_FOUND]),
        (ResultFilter(search="ada"), _REJECTED),
        (ResultFilter(search="example fh0", outcome=Outcome.FAILED), [_FAILED]),
        (ResultFilter(search="%"), []),
        (ResultFilter(search="example1 ada"), []),
    ],
    ids=repr,
)
def test_rows_are_found_by_filter_and_search(
    runs: Runs, wanted: ResultFilter, numbers: list[int]
) -> None:
    assert _numbers(runs, wanted) == numbers


def test_rows_that_an_end_answered_in_bulk_are_found_by_their_usual_action(runs: Runs) -> None:
    attempt = attempts.latest_attempt(runs.engine, runs.upload_id)
    assert attempt is not None
    attempts.finish(
        runs.engine, runs.upload_id, UploadStatus.CANCELLED, attempt_id=attempt.id, now=NOW
    )
    assert _numbers(runs, ResultFilter(next_action="retry_unprocessed")) == [_OPEN]


def test_an_answer_that_became_history_is_not_found(runs: Runs) -> None:
    attempt = attempts.latest_attempt(runs.engine, runs.upload_id)
    assert attempt is not None
    attempts.finish(
        runs.engine, runs.upload_id, UploadStatus.CANCELLED, attempt_id=attempt.id, now=NOW
    )
    attempts.request_retry(runs.engine, runs.upload_id, RetryScope.ALL, seconds_later(1))
    assert _numbers(runs, ResultFilter(outcome=Outcome.FOUND)) == []
    assert _numbers(runs, ResultFilter(search="FH00000101")) == []
    assert _numbers(runs, ResultFilter(outcome=Outcome.UNPROCESSED)) == [1, 2, 3, 4, 5, 6]


def test_rows_of_another_upload_are_no_part_of_a_page(runs: Runs) -> None:
    other = make_upload(runs.engine, sha256="cd" * 32)
    assert list(iterate_results(runs.engine, other.id, ResultFilter())) == []


@pytest.fixture
def priced(engine: Engine) -> Runs:
    """Row 1 is small and new, 2 not found, 3 large and old, 4 open, 5 rejected."""
    runs = make_runs(engine)
    hold = runs.held()
    store_rows(engine, hold, accepted=4, rejected=1)

    def found(row_number: int, charged: str, day: date) -> Result:
        result = make_result(row_number)
        claim = replace(make_claim(), total_charged=Decimal(charged), service_from=day)
        worse = replace(claim, claim_number="FH1", total_charged=Decimal(9999))
        primary = replace(result.claims[0], claim=claim)
        return replace(result, claims=(primary, replace(primary, claim=worse, primary=False)))

    answer(
        engine,
        hold,
        found(1, "10.00", date(2026, 1, 30)),
        make_result(2, Outcome.NOT_FOUND),
        found(3, "700.00", date(2025, 12, 1)),
    )
    return runs


@pytest.mark.parametrize(
    ("order", "numbers"),
    [
        (RowOrder.FILE, [1, 2, 3, 4, 5]),
        # Rows without a claim go by the file's own amount (120.50) and day (01/05/2026).
        (RowOrder.LARGEST, [3, 2, 4, 1, 5]),
        (RowOrder.OLDEST, [3, 2, 4, 1, 5]),
    ],
)
def test_rows_come_in_order_of_amount_or_age(
    priced: Runs, order: RowOrder, numbers: list[int]
) -> None:
    pages = [
        page_of_results(
            priced.engine, priced.upload_id, ResultFilter(), page=page, page_size=2, order=order
        )
        for page in (1, 2, 3)
    ]
    assert [row.row.row_number for page in pages for row in page.rows] == numbers
    assert {page.total for page in pages} == {5}


def test_rejected_rows_come_in_pages(runs: Runs) -> None:
    pages = [
        page_of_rejected_rows(runs.engine, runs.upload_id, page=page, page_size=1)
        for page in (1, 2, 3)
    ]
    assert [[row.row_number for row in page.rows] for page in pages] == [[7], [8], []]
    assert {page.total for page in pages} == {2}
    assert pages[0].rows[0].cells == ("Ada", "Example", "")
