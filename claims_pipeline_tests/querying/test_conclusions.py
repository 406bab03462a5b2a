"""What a row's answers make of it: found, not found, failed, or to be asked further."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import (
    Claim,
    DateWindow,
    Outcome,
    Patient,
    Query,
    QueryKind,
    Request,
    UploadOptions,
)
from claims_pipeline.payers.base import Answer, Capabilities
from claims_pipeline.payers.registry import capabilities_of
from claims_pipeline.planning import Span, span_of
from claims_pipeline.querying.conclusions import conclude
from claims_pipeline.store.ledger.entries import (
    AnsweredQuery,
    Conclusion,
    LeasedQuery,
    RowProgress,
)

TODAY = date(2026, 3, 2)
VISIT = date(2026, 2, 10)
UHC: Capabilities = capabilities_of("uhc")


def make_request(*, claim_number: str | None = None, service: DateWindow | None = None) -> Request:
    return Request(
        row_number=1,
        line_number=2,
        practice_id="1",
        tin="070000001",
        payer="uhc",
        payer_id="87726",
        patient=Patient(first_name="ADA", last_name="EXAMPLE", date_of_birth=date(1975, 5, 10)),
        claim_number=claim_number,
        service=service,
    )


DATED = make_request(service=DateWindow(VISIT, VISIT))
NUMBERED = make_request(claim_number="FH00000001")


def make_claim(number: str = "FH00000001") -> Claim:
    return Claim(
        payer_id="87726",
        tin="070000001",
        claim_number=number,
        patient_first_name="ADA",
        patient_last_name="EXAMPLE",
        patient_date_of_birth=date(1975, 5, 10),
        service_from=VISIT,
        service_to=VISIT,
    )


def span(request: Request) -> Span:
    return span_of(request, options=UploadOptions(), capabilities=UHC, today=TODAY, slack_days=7)


def asked(
    request: Request,
    kind: QueryKind,
    *,
    incomplete: str | None = None,
    error: ErrorClass | None = None,
) -> AnsweredQuery:
    query = Query(
        kind=kind,
        tin=request.tin,
        payer_id=request.payer_id,
        window=span(request).window,
        row_numbers=(1,),
    )
    answer = Answer(
        claims=(), claims_seen=0, pages=1, complete=incomplete is None, incomplete_reason=incomplete
    )
    return AnsweredQuery(
        leased=LeasedQuery(query_id="q", query=query, requests=(request,)),
        answer=None if error else answer,
        error=PayerError(error, f"code_{error}", "What to do.") if error else None,
    )


def concluded(
    request: Request,
    item: AnsweredQuery,
    *,
    covered: tuple[DateWindow, ...] = (),
    swept: tuple[DateWindow, ...] = (),
    claims: tuple[Claim, ...] = (),
    confirms: bool = False,
) -> Conclusion | None:
    row = RowProgress(
        request=request,
        covered=covered,
        swept=swept,
        claims=claims,
        decided_by=item,
        failed_by=item if item.error else None,
    )
    return conclude(row, span=span(request), environment="sandbox", confirms=confirms)


@pytest.mark.parametrize("kind", list(QueryKind))
def test_a_row_whose_window_is_covered_without_a_claim_is_not_found(kind: QueryKind) -> None:
    item = asked(DATED, kind)

    conclusion = concluded(DATED, item, covered=(span(DATED).window,))

    assert conclusion is not None
    assert conclusion.result.outcome is Outcome.NOT_FOUND
    assert conclusion.result.searched == span(DATED).window
    assert conclusion.result.search is kind
    assert conclusion.one_per_row_calls == 1


def test_only_a_row_whose_days_were_swept_is_told_to_submit_its_claim() -> None:
    window = span(DATED).window
    for request, swept, action in (
        (DATED, (window,), "check_row"),
        (DATED, (), "check_spelling"),
        (make_request(claim_number="FH9", service=DATED.service), (window,), "check_claim_number"),
    ):
        item = asked(request, QueryKind.SWEEP)
        conclusion = concluded(request, item, covered=(window,), swept=swept)
        assert conclusion is not None
        assert conclusion.result.outcome is Outcome.NOT_FOUND
        assert conclusion.result.next_action == action


def test_a_row_that_is_not_found_by_name_stays_open_until_its_days_are_swept() -> None:
    window = span(DATED).window
    by_name = asked(DATED, QueryKind.SINGLE)
    assert concluded(DATED, by_name, covered=(window,), confirms=True) is None

    swept = concluded(
        DATED, asked(DATED, QueryKind.SWEEP), covered=(window,), swept=(window,), confirms=True
    )

    assert swept is not None
    assert swept.result.outcome is Outcome.NOT_FOUND
    assert "was looked at" in (swept.result.match_note or "")


def test_a_row_with_a_day_uncovered_is_not_concluded() -> None:
    window = span(DATED).window
    part = DateWindow(window.first, window.last - timedelta(days=1))

    assert (
        concluded(DATED, asked(DATED, QueryKind.SWEEP), covered=(part,), claims=(make_claim(),))
        is None
    )


def test_a_claim_number_is_concluded_as_soon_as_it_is_found() -> None:
    covered = (span(NUMBERED).first_wave,)
    item = asked(NUMBERED, QueryKind.SINGLE)

    found = concluded(NUMBERED, item, covered=covered, claims=(make_claim(),))
    other = concluded(NUMBERED, item, covered=covered, claims=(make_claim("FH00000002"),))

    assert found is not None
    assert found.result.outcome is Outcome.FOUND
    assert found.result.searched == span(NUMBERED).first_wave
    assert other is None


@pytest.mark.parametrize("reason", ["partial", "unreadable_claims", "result_cap", "page_limit"])
def test_an_incomplete_sweep_concludes_nothing(reason: str) -> None:
    item = asked(DATED, QueryKind.SWEEP, incomplete=reason)

    assert concluded(DATED, item, claims=(make_claim(),)) is None


@pytest.mark.parametrize("reason", ["partial", "unreadable_claims", "result_cap"])
def test_an_incomplete_single_fails_its_row_and_never_says_not_found(reason: str) -> None:
    conclusion = concluded(DATED, asked(DATED, QueryKind.SINGLE, incomplete=reason))

    assert conclusion is not None
    assert conclusion.result.outcome is Outcome.FAILED
    assert conclusion.result.error_code == "partial"


@pytest.mark.parametrize("error", list(ErrorClass))
def test_a_single_that_met_an_error_fails_its_row_with_the_errors_code(error: ErrorClass) -> None:
    conclusion = concluded(DATED, asked(DATED, QueryKind.SINGLE, error=error))

    assert conclusion is not None
    assert conclusion.result.outcome is Outcome.FAILED
    assert conclusion.result.error_code == f"code_{error}"
    assert conclusion.result.next_action


@pytest.mark.parametrize(
    ("error", "is_asked_singly"),
    [
        (ErrorClass.FIX_INPUT, True),
        (ErrorClass.PARTIAL, True),
        (ErrorClass.NEAR_MATCH, True),
        (ErrorClass.TRANSIENT, True),
        (ErrorClass.CONFIG, False),
        (ErrorClass.ESCALATE, False),
    ],
)
def test_rows_of_a_sweep_that_met_an_error_are_asked_singly_where_that_can_help(
    error: ErrorClass, *, is_asked_singly: bool
) -> None:
    conclusion = concluded(DATED, asked(DATED, QueryKind.SWEEP, error=error))

    assert (conclusion is None) is is_asked_singly


@pytest.mark.parametrize(
    ("changes", "row", "action"),
    [
        ({"patient_date_of_birth": date(1975, 5, 11)}, DATED, "check_birth_date"),
        (
            {"patient_first_name": "DANIELA"},
            replace(DATED, patient=replace(DATED.patient, first_name="DANIEL")),
            "check_which_person",
        ),
        ({"patient_last_name": "EXAMPEL"}, DATED, "check_name"),
        (
            {
                "patient_first_name": "BEN",
                "patient_last_name": "SAMPLE",
                "patient_date_of_birth": date(1960, 1, 1),
            },
            NUMBERED,
            "check_whose_number",
        ),
        (
            {"claim_number": "FH00000009"},
            make_request(claim_number="FH00000001", service=DATED.service),
            "check_number_of_claims",
        ),
    ],
)
def test_an_ambiguous_row_says_what_clears_up_its_own_doubt(
    changes: dict[str, object], row: Request, action: str
) -> None:
    claim = replace(make_claim(), **changes)
    item = asked(row, QueryKind.SWEEP)
    conclusion = concluded(row, item, covered=(span(row).window,), claims=(claim,))
    assert conclusion is not None
    assert (conclusion.result.outcome, conclusion.result.next_action) == (
        Outcome.AMBIGUOUS,
        action,
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"service_from": VISIT - timedelta(days=60)}, "of this patient on other days"),
        ({"patient_account_number": "FH00000777"}, "with this patient account number"),
        ({"claim_number": "0FH00000777"}, "whose number is written nearly so"),
        ({}, None),
    ],
)
def test_a_row_that_is_not_found_names_the_nearest_miss(
    changes: dict[str, object], said: str | None
) -> None:
    row = make_request(claim_number="FH00000777", service=DATED.service)
    person: dict[str, object] = {
        "patient_first_name": "ZOE",
        "patient_last_name": "SAMPLE",
        "patient_date_of_birth": date(1950, 1, 1),
    }
    claim = replace(make_claim("FH12345678"), **({} if "service_from" in changes else person))
    claim = replace(claim, **changes)
    window = span(row).window
    item = asked(row, QueryKind.SWEEP)
    conclusion = concluded(row, item, covered=(window,), swept=(window,), claims=(claim,))
    assert conclusion is not None
    assert conclusion.result.outcome is Outcome.NOT_FOUND
    note = conclusion.result.match_note or ""
    assert note.startswith("Every claim of the practice")
    assert (said or "The payer has") in note if said else "The payer has" not in note
