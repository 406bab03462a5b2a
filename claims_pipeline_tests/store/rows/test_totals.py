"""What an upload's answers come to, added up by the database."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from claims_pipeline import exports
from claims_pipeline.model import (
    AdjudicationCode,
    ClaimStatus,
    MatchedClaim,
    Outcome,
    Result,
    RetryScope,
    UploadStatus,
)
from claims_pipeline.payers.status import NEXT_ACTIONS
from claims_pipeline.store import attempts
from claims_pipeline.store.rows.results import iterate_answered_rows
from claims_pipeline.store.rows.totals import (
    DenialReason,
    RowGroup,
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

_TIMELY = AdjudicationCode(kind="CARC", code="29", description="The time limit has passed.")
_DUPLICATE = AdjudicationCode(kind="carc", code="18")
_REMARK = AdjudicationCode(kind="RARC", code="N30")


@pytest.fixture
def runs(engine: Engine) -> Runs:
    return make_runs(engine)


def _denied(row_number: int, *codes: AdjudicationCode, charged: str = "120.50") -> Result:
    """A denied claim with these codes, and an older version of it that has others."""
    claim = replace(
        make_claim(f"FH{row_number:08d}"),
        codes=codes,
        total_charged=Decimal(charged),
        total_paid=Decimal("0.00"),
        total_allowed=Decimal("0.00"),
    )
    older = replace(claim, codes=(_DUPLICATE, _TIMELY), processed=date(2025, 12, 1))
    return replace(
        make_result(row_number),
        next_action="review_denial",
        claims=tuple(
            MatchedClaim(
                claim=each,
                status=ClaimStatus.DENIED,
                next_action="review_denial",
                primary=each is claim,
            )
            for each in (claim, older)
        ),
    )


def _answered(engine: Engine, runs: Runs) -> None:
    """Rows 1 to 8 answered in many ways, 9 open, 10 and 11 rejected."""
    hold = runs.held()
    store_rows(engine, hold, accepted=9, rejected=2)
    answer(
        engine,
        hold,
        replace(make_result(1, claims=3), next_action="post_payment"),
        replace(make_result(2), next_action="post_payment"),
        replace(
            make_result(3, status=ClaimStatus.PENDING),
            next_action="wait_for_decision",
        ),
        _denied(4, _TIMELY, _DUPLICATE, _REMARK),
        _denied(5, _TIMELY, _TIMELY, charged="79.50"),
        replace(make_result(6, Outcome.NOT_FOUND), next_action=None),
        replace(
            make_result(7, Outcome.FAILED),
            next_action="retry_later",
            error_message="The payer is not answering right now.",
        ),
        replace(make_result(8, Outcome.AMBIGUOUS, claims=2), next_action="choose_claim"),
    )


def test_every_row_is_in_exactly_one_group(engine: Engine, runs: Runs) -> None:
    _answered(engine, runs)
    groups = row_groups(engine, runs.upload_id)
    assert sum(group.rows for group in groups) == 11
    assert {(group.outcome, group.next_action): group.rows for group in groups} == {
        (Outcome.FOUND, "post_payment"): 2,
        (Outcome.FOUND, "wait_for_decision"): 1,
        (Outcome.FOUND, "review_denial"): 2,
        (Outcome.AMBIGUOUS, "choose_claim"): 1,
        (Outcome.NOT_FOUND, "check_row"): 1,
        (Outcome.FAILED, "retry_later"): 1,
        (Outcome.REJECTED, "correct_row"): 2,
        (None, None): 1,
    }


def test_a_row_with_three_claims_counts_with_its_primary_one_only(
    engine: Engine, runs: Runs
) -> None:
    _answered(engine, runs)
    (paid,) = (
        group for group in row_groups(engine, runs.upload_id) if group.next_action == "post_payment"
    )
    assert paid == RowGroup(
        outcome=Outcome.FOUND,
        claim_status=ClaimStatus.PAID,
        next_action="post_payment",
        rows=2,
        charged=Decimal("241.00"),
        paid=Decimal("199.90"),
        oldest=date(2026, 1, 5),
    )


def test_a_row_without_a_claim_brings_what_the_file_says_was_charged(
    engine: Engine, runs: Runs
) -> None:
    _answered(engine, runs)
    groups = {group.outcome: group for group in row_groups(engine, runs.upload_id)}
    for outcome in (Outcome.NOT_FOUND, Outcome.FAILED, None):
        assert groups[outcome].charged == Decimal(0)
        assert groups[outcome].stated == Decimal("120.50")
        assert groups[outcome].oldest == date(2026, 1, 5)
    assert groups[Outcome.FAILED].error_code == "payer_unavailable"
    assert groups[Outcome.FAILED].error_message == "The payer is not answering right now."


def test_amounts_are_those_of_the_results_file(engine: Engine, runs: Runs) -> None:
    _answered(engine, runs)
    by_status: dict[str, list[Decimal]] = {}
    for line in _primary_lines(engine, runs.upload_id):
        amounts = by_status.setdefault(line["claim_status"], [Decimal(0)] * 3)
        for place, column in enumerate(("total_charged", "total_allowed", "total_paid")):
            amounts[place] += Decimal(line[column] or 0)
    ours: dict[str, list[Decimal]] = {}
    for group in row_groups(engine, runs.upload_id):
        amounts = ours.setdefault(group.claim_status or "", [Decimal(0)] * 3)
        for place, amount in enumerate((group.charged, group.allowed, group.paid)):
            amounts[place] += amount
    assert ours == by_status
    assert by_status["PAID"][0] == Decimal("361.50")  # rows 1, 2 and the ambiguous one


def test_denials_are_told_by_code_largest_first(engine: Engine, runs: Runs) -> None:
    _answered(engine, runs)
    assert denial_reasons(engine, runs.upload_id, limit=5) == (
        DenialReason(code="29", description=_TIMELY.description, rows=2, charged=Decimal("200.00")),
        DenialReason(code="18", description=None, rows=1, charged=Decimal("120.50")),
    )
    assert len(denial_reasons(engine, runs.upload_id, limit=1)) == 1


def test_what_a_paid_claim_writes_off_is_no_denial(engine: Engine, runs: Runs) -> None:
    hold = runs.held()
    store_rows(engine, hold, accepted=2)
    written_off = replace(make_claim(), codes=(replace(_TIMELY, code="45"),))
    partly = replace(make_claim(), codes=(_TIMELY,), partial_denial=True)
    answer(
        engine,
        hold,
        *(
            replace(
                make_result(row),
                next_action=action,
                claims=(
                    MatchedClaim(
                        claim=claim, status=ClaimStatus.PAID, next_action=action, primary=True
                    ),
                ),
            )
            for row, claim, action in (
                (1, written_off, "post_payment"),
                (2, partly, "post_payment_and_review_lines"),
            )
        ),
    )
    reasons = denial_reasons(engine, runs.upload_id, limit=5)
    assert [(reason.code, reason.rows) for reason in reasons] == [("29", 1)]


def test_answers_of_an_earlier_attempt_and_of_other_uploads_do_not_count(
    engine: Engine, runs: Runs
) -> None:
    _answered(engine, runs)
    _end(engine, runs, UploadStatus.CANCELLED)
    attempts.request_retry(engine, runs.upload_id, RetryScope.ALL, seconds_later(2))
    other = make_upload(engine)
    assert [(group.outcome, group.rows) for group in row_groups(engine, runs.upload_id)] == [
        (None, 9),
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


def _primary_lines(engine: Engine, upload_id: str) -> Iterator[dict[str, str]]:
    upload = get_upload(engine, upload_id)
    assert upload is not None
    chunks = exports.csv_chunks(
        iterate_answered_rows(engine, upload_id),
        upload.header or (),
        next_actions=NEXT_ACTIONS,
        bom=False,
    )
    text = b"".join(chunks).decode()
    return (line for line in csv.DictReader(io.StringIO(text)) if line["primary"] == "Y")


def test_each_attempt_is_told_with_what_it_answered(engine: Engine, runs: Runs) -> None:
    assert outcomes_of_attempts(engine, runs.upload_id) == {}
    _answered(engine, runs)
    _end(engine, runs, UploadStatus.CANCELLED)
    promised = attempts.rows_in_scope(engine, runs.upload_id)
    attempts.request_retry(engine, runs.upload_id, RetryScope.FAILED, seconds_later(2))
    asked_again = [group.rows for group in row_groups(engine, runs.upload_id) if not group.outcome]
    assert asked_again == [promised[RetryScope.FAILED]] == [2]
    hold = runs.held(now=seconds_later(3))
    answer(engine, hold, make_result(7))
    told = outcomes_of_attempts(engine, runs.upload_id)
    assert told[1][Outcome.FAILED] == 1
    assert told[1][Outcome.UNPROCESSED] == 1
    assert told[2] == {Outcome.FOUND: 1}
    assert [each.number for each in attempts.attempts_of(engine, runs.upload_id)] == [2, 1]


def test_as_many_rows_are_in_each_scope_as_a_retry_would_open(engine: Engine, runs: Runs) -> None:
    _answered(engine, runs)
    _end(engine, runs, UploadStatus.COMPLETED)
    # 9 was open when the upload ended, and failed; 3 is pending.
    assert attempts.rows_in_scope(engine, runs.upload_id) == {
        RetryScope.FAILED: 2,
        RetryScope.NOT_FOUND: 1,
        RetryScope.OPEN: 4,
        RetryScope.ALL: 9,
    }


def test_it_is_told_whether_answers_are_a_sandbox_s(engine: Engine, runs: Runs) -> None:
    assert payer_environment_of(engine, runs.upload_id) is None
    _answered(engine, runs)
    assert payer_environment_of(engine, runs.upload_id) == "sandbox"
