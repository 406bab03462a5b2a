"""What an upload's answers come to, added up by the database."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine

from claims_pipeline import exports
from claims_pipeline.model import (
    ClaimStatus,
    Denial,
    DenialCategory,
    MatchedClaim,
    Outcome,
    Result,
    RetryScope,
    UploadStatus,
)
from claims_pipeline.payers.status import NEXT_ACTIONS
from claims_pipeline.store import attempts
from claims_pipeline.store.rows.filters import ResultFilter
from claims_pipeline.store.rows.pages import RowOrder, page_of_results
from claims_pipeline.store.rows.results import iterate_answered_rows
from claims_pipeline.store.rows.totals import (
    ClaimGroup,
    DenialReason,
    claim_groups,
    denial_reasons,
    outcomes_of_attempts,
    payer_environment_of,
    row_groups,
)
from claims_pipeline.store.uploads import get_upload
from claims_pipeline_tests.store.builders import (
    Runs,
    answer,
    make_claim,
    make_result,
    make_runs,
    make_upload,
    seconds_later,
    store_rows,
)

_TIMELY = Denial(code="29", description="The time limit has passed.", amount=Decimal("50.00"))
_DUPLICATE = Denial(code="18")


@pytest.fixture
def runs(engine: Engine) -> Runs:
    return make_runs(engine)


def _match(
    number: str,
    *,
    status: ClaimStatus = ClaimStatus.PAID,
    action: str = "post_payment",
    charged: str = "120.50",
    still_open: str = "0.00",
    paid: str = "0.00",
    day: date = date(2026, 1, 5),
    category: DenialCategory | None = None,
    denials: tuple[Denial, ...] = (),
) -> MatchedClaim:
    claim = replace(
        make_claim(number),
        total_charged=Decimal(charged),
        total_paid=Decimal(paid),
        total_allowed=Decimal(paid),
        service_from=day,
    )
    return MatchedClaim(
        claim=claim,
        status=status,
        next_action=action,
        open_amount=Decimal(still_open),
        denial_category=category,
        denials=denials,
    )


def _denied(number: str, *denials: Denial, charged: str = "120.50") -> MatchedClaim:
    return _match(
        number,
        status=ClaimStatus.DENIED,
        action="prove_timely_filing",
        charged=charged,
        still_open=charged,
        category=DenialCategory.FILED_LATE,
        denials=denials,
    )


def _row(
    row_number: int, *matches: MatchedClaim, outcome: Outcome = Outcome.FOUND, **changes: Any
) -> Result:
    claims = tuple(replace(match, primary=place == 0) for place, match in enumerate(matches))
    action = claims[0].next_action if outcome is Outcome.FOUND and claims else None
    return replace(
        make_result(row_number, outcome), **({"next_action": action, "claims": claims} | changes)
    )


_PAID = _match("FH1", charged="100.00", paid="80.00")
_PARTLY = _match(
    "FH2",
    action="post_payment_and_review_lines",
    charged="200.00",
    paid="90.00",
    still_open="40.00",
    day=date(2025, 12, 1),
    category=DenialCategory.NOT_COVERED,
    denials=(Denial(code="96", amount=Decimal("40.00")), _TIMELY),
)
_PENDING = _match(
    "FH3", status=ClaimStatus.PENDING, action="wait_for_decision", still_open="120.50"
)
_DENIED = _denied("FH4", _TIMELY, _DUPLICATE)
_DOUBTFUL = _match("FH5", charged="70.00", paid="60.00")


def _answered(engine: Engine, runs: Runs) -> None:
    """Rows 1 to 9 answered, 10 open, 11 and 12 rejected; rows share claims and have several.

    FH1 is shown by rows 1, 2 and 8, FH4 by rows 3 and 4, FH3 by the ambiguous 7 and by 9.
    """
    hold = runs.held()
    store_rows(engine, hold, accepted=10, rejected=2)
    answer(
        engine,
        hold,
        _row(1, _PAID, _PARTLY),
        _row(2, _PAID),
        _row(3, _DENIED),
        _row(4, _denied("FH6", _TIMELY, charged="79.50"), _DENIED),
        _row(5, outcome=Outcome.NOT_FOUND),
        _row(
            6,
            outcome=Outcome.FAILED,
            next_action="retry_later",
            error_message="The payer is not answering right now.",
        ),
        _row(7, _DOUBTFUL, _PENDING, outcome=Outcome.AMBIGUOUS, next_action="choose_claim"),
        _row(8, _PAID, outcome=Outcome.AMBIGUOUS, next_action="choose_claim"),
        _row(9, _PENDING),
    )


def test_every_row_is_in_exactly_one_group(engine: Engine, runs: Runs) -> None:
    _answered(engine, runs)
    groups = row_groups(engine, runs.upload_id)
    assert {(group.outcome, group.next_action): group.rows for group in groups} == {
        (Outcome.FOUND, None): 5,
        (Outcome.AMBIGUOUS, None): 2,
        (Outcome.NOT_FOUND, "check_row"): 1,
        (Outcome.FAILED, "retry_later"): 1,
        (Outcome.REJECTED, "correct_row"): 2,
        (None, None): 1,
    }


def test_a_claim_that_many_rows_show_counts_once(engine: Engine, runs: Runs) -> None:
    _answered(engine, runs)
    groups = claim_groups(engine, runs.upload_id)
    assert {(group.outcome, group.next_action): group.claims for group in groups} == {
        (Outcome.FOUND, "post_payment"): 1,
        (Outcome.FOUND, "post_payment_and_review_lines"): 1,
        (Outcome.FOUND, "prove_timely_filing"): 2,
        (Outcome.FOUND, "wait_for_decision"): 1,
        (Outcome.AMBIGUOUS, "choose_claim"): 1,
    }
    (partly,) = (group for group in groups if group.denial_category == "not_covered")
    assert partly == ClaimGroup(
        outcome=Outcome.FOUND,
        claim_status=ClaimStatus.PAID,
        next_action="post_payment_and_review_lines",
        denial_category=DenialCategory.NOT_COVERED,
        claims=1,
        charged=Decimal("200.00"),
        allowed=Decimal("90.00"),
        paid=Decimal("90.00"),
        still_open=Decimal("40.00"),
        oldest=date(2025, 12, 1),
    )


def test_a_row_without_a_claim_brings_what_the_file_says_was_charged(
    engine: Engine, runs: Runs
) -> None:
    _answered(engine, runs)
    groups = {group.outcome: group for group in row_groups(engine, runs.upload_id)}
    for outcome in (Outcome.NOT_FOUND, Outcome.FAILED, None):
        assert groups[outcome].stated == Decimal("120.50")
        assert groups[outcome].oldest == date(2026, 1, 5)
    assert groups[Outcome.FAILED].error_code == "payer_unavailable"
    assert groups[Outcome.FAILED].error_message == "The payer is not answering right now."


def test_sums_are_those_that_one_counts_by_hand_in_the_results_file(
    engine: Engine, runs: Runs
) -> None:
    _answered(engine, runs)
    by_hand: dict[tuple[str, str], list[Decimal]] = {}
    seen: set[str] = set()
    lines = list(_lines(engine, runs.upload_id))
    # Found rows first: a claim that is certain somewhere is not in doubt.
    for line in sorted(
        lines, key=lambda line: (line["outcome"] != "found", int(line["row_number"]))
    ):
        number = line["payer_claim_number"]
        assert (line["same_claim_as_row"] == "") == (number not in seen or not number)
        if number and number not in seen:
            seen.add(number)
            sums = by_hand.setdefault((line["outcome"], line["claim_status"]), [Decimal(0)] * 4)
            sums[0] += 1
            for place, column in enumerate(("total_charged", "total_paid", "open_amount"), start=1):
                sums[place] += Decimal(line[column] or 0)
    ours: dict[tuple[str, str], list[Decimal]] = {}
    for group in claim_groups(engine, runs.upload_id):
        sums = ours.setdefault((group.outcome, group.claim_status), [Decimal(0)] * 4)
        amounts = (Decimal(group.claims), group.charged, group.paid, group.still_open)
        for place, amount in enumerate(amounts):
            sums[place] += amount
    assert ours == by_hand
    assert by_hand["found", "DENIED"] == [2, Decimal("200.00"), 0, Decimal("200.00")]
    assert by_hand["found", "PAID"] == [
        2,
        Decimal("300.00"),
        Decimal("170.00"),
        Decimal("40.00"),
    ]
    assert by_hand["ambiguous", "PAID"] == [1, Decimal("70.00"), Decimal("60.00"), 0]


def test_filters_find_the_claims_that_are_counted(engine: Engine, runs: Runs) -> None:
    _answered(engine, runs)
    for wanted, rows, claims in (
        (ResultFilter(claim_status=ClaimStatus.DENIED), [3, 4], 2),
        (ResultFilter(claim_status=ClaimStatus.PAID), [1, 2], 2),
        (ResultFilter(next_action="post_payment"), [1, 2], 1),
        (ResultFilter(next_action="choose_claim"), [7, 8], 0),
        (ResultFilter(outcome=Outcome.AMBIGUOUS, claim_status=ClaimStatus.PAID), [7, 8], 2),
        (ResultFilter(denial_category=DenialCategory.NOT_COVERED), [1], 1),
        (ResultFilter(denial_code="29"), [1, 3, 4], 3),
        (ResultFilter(denial_code="2"), [], 0),
        (ResultFilter(open_at_least=Decimal("100.00")), [3, 4, 9], 2),
        (ResultFilter(service_until=date(2025, 12, 31)), [1], 1),
        (ResultFilter(processed_until=date(2025, 12, 31)), [], 0),
    ):
        found = page_of_results(engine, runs.upload_id, wanted, page=1, page_size=50)
        assert [row.row.row_number for row in found.rows] == rows, wanted
        assert found.claims == claims, wanted
        for row in found.rows:
            result = row.result
            if result.outcome is Outcome.FOUND or wanted.outcome:
                assert any(wanted.wants(match, result.outcome) for match in result.claims)


def test_rows_come_in_order_of_what_is_asked_for(engine: Engine, runs: Runs) -> None:
    _answered(engine, runs)
    denied = ResultFilter(claim_status=ClaimStatus.DENIED)
    for wanted, order, rows in (
        (ResultFilter(), RowOrder.OPEN, [3, 9, 4, 1, 2, 7, 8, 5, 6, 10, 11, 12]),
        (denied, RowOrder.OPEN, [3, 4]),
        (ResultFilter(denial_code="29"), RowOrder.OLDEST, [1, 3, 4]),
        (ResultFilter(claim_status=ClaimStatus.PAID), RowOrder.PAID, [1, 2]),
    ):
        found = page_of_results(engine, runs.upload_id, wanted, page=1, page_size=50, order=order)
        assert [row.row.row_number for row in found.rows] == rows, (wanted, order)


def test_denials_are_told_by_code_largest_first(engine: Engine, runs: Runs) -> None:
    _answered(engine, runs)
    assert denial_reasons(engine, runs.upload_id, limit=5) == (
        # Without an amount of its lines a claim counts with what is open on it.
        DenialReason(
            code="29", description=_TIMELY.description, claims=3, amount=Decimal("150.00")
        ),
        DenialReason(code="18", description=None, claims=1, amount=Decimal("120.50")),
        DenialReason(code="96", description=None, claims=1, amount=Decimal("40.00")),
    )
    assert len(denial_reasons(engine, runs.upload_id, limit=1)) == 1


def test_answers_of_an_earlier_attempt_and_of_other_uploads_do_not_count(
    engine: Engine, runs: Runs
) -> None:
    _answered(engine, runs)
    _end(engine, runs, UploadStatus.CANCELLED)
    attempts.request_retry(engine, runs.upload_id, RetryScope.ALL, seconds_later(2))
    other = make_upload(engine)
    assert claim_groups(engine, runs.upload_id) == ()
    assert [(group.outcome, group.rows) for group in row_groups(engine, runs.upload_id)] == [
        (None, 10),
        (Outcome.REJECTED, 2),
    ]
    assert denial_reasons(engine, runs.upload_id, limit=5) == ()
    assert row_groups(engine, other.id) == ()


def test_rows_that_a_cancellation_ended_have_their_usual_next_action(
    engine: Engine, runs: Runs
) -> None:
    hold = runs.held()
    store_rows(engine, hold, accepted=2)
    attempts.finish(
        engine,
        runs.upload_id,
        UploadStatus.CANCELLED,
        attempt_id=hold.attempt_id,
        now=seconds_later(1),
    )
    (group,) = row_groups(engine, runs.upload_id)
    assert (group.outcome, group.next_action, group.rows) == (
        Outcome.UNPROCESSED,
        "retry_unprocessed",
        2,
    )


def _end(engine: Engine, runs: Runs, status: UploadStatus) -> None:
    attempt = attempts.latest_attempt(engine, runs.upload_id)
    assert attempt is not None
    now = seconds_later(1)
    attempts.finish(engine, runs.upload_id, status, attempt_id=attempt.id, now=now)


def _lines(engine: Engine, upload_id: str) -> Iterator[dict[str, str]]:
    upload = get_upload(engine, upload_id)
    assert upload is not None
    chunks = exports.csv_chunks(
        iterate_answered_rows(engine, upload_id),
        upload.header or (),
        next_actions=NEXT_ACTIONS,
        bom=False,
    )
    text = b"".join(chunks).decode()
    return csv.DictReader(io.StringIO(text))


def test_each_attempt_is_told_with_what_it_answered(engine: Engine, runs: Runs) -> None:
    assert outcomes_of_attempts(engine, runs.upload_id) == {}
    _answered(engine, runs)
    _end(engine, runs, UploadStatus.CANCELLED)
    promised = attempts.rows_in_scope(engine, runs.upload_id)
    attempts.request_retry(engine, runs.upload_id, RetryScope.FAILED, seconds_later(2))
    asked_again = [group.rows for group in row_groups(engine, runs.upload_id) if not group.outcome]
    assert asked_again == [promised[RetryScope.FAILED]] == [2]
    hold = runs.held(now=seconds_later(3))
    answer(engine, hold, make_result(6))
    told = outcomes_of_attempts(engine, runs.upload_id)
    assert told[1][Outcome.FAILED] == 1
    assert told[1][Outcome.UNPROCESSED] == 1
    assert told[2] == {Outcome.FOUND: 1}
    assert [each.number for each in attempts.attempts_of(engine, runs.upload_id)] == [2, 1]


def test_as_many_rows_are_in_each_scope_as_a_retry_would_open(engine: Engine, runs: Runs) -> None:
    _answered(engine, runs)
    _end(engine, runs, UploadStatus.COMPLETED)
    # 10 was open when the upload ended, and failed; 9 is pending, as row 7 shows too.
    assert attempts.rows_in_scope(engine, runs.upload_id) == {
        RetryScope.FAILED: 2,
        RetryScope.NOT_FOUND: 1,
        RetryScope.OPEN: 5,
        RetryScope.ALL: 10,
    }


def test_it_is_told_whether_answers_are_a_sandbox_s(engine: Engine, runs: Runs) -> None:
    assert payer_environment_of(engine, runs.upload_id) is None
    _answered(engine, runs)
    assert payer_environment_of(engine, runs.upload_id) == "sandbox"
