from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims_pipeline.model import (
    DateWindow,
    DensityObservation,
    Patient,
    Request,
    UploadOptions,
    merge_windows,
    subtract_windows,
)
from claims_pipeline.planning import (
    Span,
    free_concurrency,
    next_windows,
    one_per_row_calls,
    span_of,
)
from claims_pipeline_tests.planning.payer_model import (
    CAPABILITIES,
    OLDEST,
    PAYER_ID,
    TIN,
    TODAY,
)


def make_request(*, service: DateWindow | None = None, claim_number: str | None = None) -> Request:
    return Request(
        row_number=1,
        line_number=2,
        practice_id="1",
        tin=TIN,
        payer="uhc",
        payer_id=PAYER_ID,
        patient=Patient(first_name="ADA", last_name="EXAMPLE", date_of_birth=date(1975, 5, 10)),
        claim_number=claim_number,
        service=service,
    )


def make_span(request: Request, *, slack_days: int = 7, **options: date) -> Span:
    return span_of(
        request,
        options=UploadOptions(**options),
        capabilities=CAPABILITIES,
        today=TODAY,
        slack_days=slack_days,
    )


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def window(first_days_ago: int, last_days_ago: int) -> DateWindow:
    return DateWindow(days_ago(first_days_ago), days_ago(last_days_ago))


# What must be searched


def test_a_rows_own_dates_are_widened_on_both_sides() -> None:
    span = make_span(make_request(service=window(60, 58)))
    assert span.window == window(67, 51)
    assert span.first_wave == span.window
    assert not span.until_found


def test_widening_stops_at_today_and_at_the_look_back() -> None:
    assert make_span(make_request(service=window(3, 2))).window == window(10, 0)
    oldest = DateWindow(OLDEST + timedelta(days=2), OLDEST + timedelta(days=2))
    assert make_span(make_request(service=oldest)).window == DateWindow(
        OLDEST, OLDEST + timedelta(days=9)
    )


@pytest.mark.parametrize(
    ("days", "widened"), [(76, 90), (77, 90), (84, 90), (90, 90), (91, 105), (180, 180)]
)
def test_widening_never_costs_a_further_search(days: int, widened: int) -> None:
    service = window(99 + days, 100)
    span = make_span(make_request(service=service))
    assert span.window.days == widened
    assert span.window.contains(service)


def test_the_room_that_one_side_cannot_use_goes_to_the_other() -> None:
    service = window(1 + 79, 1)  # 80 days, one of slack before today
    assert make_span(make_request(service=service)).window == window(87, 0)


def test_a_service_date_of_tomorrow_is_searched_up_to_today() -> None:
    tomorrow = TODAY + timedelta(days=1)
    assert make_span(make_request(service=DateWindow(tomorrow, tomorrow))).window == window(7, 0)


def test_dates_partly_outside_the_look_back_are_cut() -> None:
    service = DateWindow(OLDEST - timedelta(days=30), OLDEST + timedelta(days=3))
    assert make_span(make_request(service=service)).window.first == OLDEST


def test_a_patient_without_dates_takes_the_uploads_dates_unwidened() -> None:
    span = make_span(make_request(), start_date=days_ago(200), end_date=days_ago(20))
    assert span.window == window(200, 20)
    assert not span.until_found


def test_a_patient_without_any_dates_is_searched_for_ninety_days() -> None:
    assert make_span(make_request()).window == window(89, 0)


def test_half_given_upload_dates_are_completed() -> None:
    assert make_span(make_request(), start_date=days_ago(30)).window == window(30, 0)
    assert make_span(make_request(), end_date=days_ago(30)).window == window(119, 30)


def test_a_claim_number_without_dates_is_searched_until_found_over_the_look_back() -> None:
    span = make_span(make_request(claim_number="X1"))
    assert span.until_found
    assert span.window == DateWindow(OLDEST, TODAY)
    assert span.first_wave == window(89, 0)


def test_a_claim_number_begins_with_the_uploads_dates() -> None:
    span = make_span(
        make_request(claim_number="X1"), start_date=days_ago(300), end_date=days_ago(250)
    )
    assert span.first_wave == window(300, 250)
    assert span.window == DateWindow(OLDEST, TODAY)


def test_a_claim_number_with_dates_is_searched_in_them_only() -> None:
    span = make_span(make_request(claim_number="X1", service=window(60, 60)))
    assert not span.until_found
    assert span.window == window(67, 53)


@given(
    first=st.integers(-40, 900),
    days=st.integers(1, 400),
    slack_days=st.integers(0, 45),
)
def test_every_span_is_askable_and_holds_the_askable_part_of_the_rows_dates(
    first: int, days: int, slack_days: int
) -> None:
    service = DateWindow(days_ago(first), days_ago(first) + timedelta(days=days - 1))
    span = make_span(make_request(service=service), slack_days=slack_days)
    askable = DateWindow(OLDEST, TODAY)
    assert askable.contains(span.window)
    part = service.intersection(askable)
    assert part is None or span.window.contains(part)
    searches = -(-span.window.days // CAPABILITIES.max_window_days)
    assert searches <= -(-service.days // CAPABILITIES.max_window_days)


# Which windows are next


def test_a_dated_row_needs_all_that_is_uncovered() -> None:
    span = make_span(make_request(service=window(250, 60)), slack_days=0)
    uncovered = next_windows(span, [window(150, 100)], free_concurrency=1)
    assert merge_windows(uncovered) == (window(250, 151), window(99, 60))
    assert all(piece.days <= CAPABILITIES.max_window_days for piece in uncovered)
    assert next_windows(span, [span.window], free_concurrency=1) == ()


def test_a_row_searched_until_found_goes_back_one_window_at_a_time() -> None:
    span = make_span(make_request(claim_number="X1"))
    covered: list[DateWindow] = []
    waves = []
    while wave := next_windows(span, covered, free_concurrency=1):
        waves.append(wave)
        covered.extend(wave)
    assert [len(wave) for wave in waves] == [1] * 9
    firsts = [wave[0].first for wave in waves]
    assert firsts == sorted(firsts, reverse=True)
    assert merge_windows(covered) == (span.window,)


def test_free_threads_look_further_back_but_not_during_the_first_wave() -> None:
    span = make_span(make_request(claim_number="X1"))
    first = next_windows(span, [], free_concurrency=16)
    assert first == (span.first_wave,)
    rest = next_windows(span, first, free_concurrency=16)
    assert merge_windows([*first, *rest]) == (span.window,)


def test_an_upload_window_in_the_middle_is_followed_by_both_sides_newest_first() -> None:
    span = make_span(
        make_request(claim_number="X1"), start_date=days_ago(300), end_date=days_ago(250)
    )
    rest = next_windows(span, [span.first_wave], free_concurrency=20)
    assert rest[0] == window(89, 0)
    assert rest[-1].first == OLDEST
    assert merge_windows([*rest, span.first_wave]) == (span.window,)


def test_the_cuts_do_not_move_with_what_is_covered() -> None:
    span = make_span(make_request(claim_number="X1"))
    second = next_windows(span, [span.first_wave], free_concurrency=1)[0]
    middle = DateWindow(second.first + timedelta(days=30), second.first + timedelta(days=40))
    pieces = next_windows(span, [span.first_wave, middle], free_concurrency=1)
    assert pieces == subtract_windows(second, [middle])


# What a row-by-row client would spend


def test_a_dated_row_costs_one_call_for_each_legal_window() -> None:
    assert one_per_row_calls(make_span(make_request(service=window(60, 60))), found_in=None) == 1
    long = make_span(make_request(service=window(250, 60)), slack_days=0)
    assert one_per_row_calls(long, found_in=None) == 3
    assert one_per_row_calls(long, found_in=window(70, 70)) == 3


def test_a_row_searched_until_found_costs_the_windows_up_to_its_claim() -> None:
    span = make_span(make_request(claim_number="X1"))
    assert one_per_row_calls(span, found_in=window(10, 10)) == 1
    assert one_per_row_calls(span, found_in=window(100, 100)) == 2
    assert one_per_row_calls(span, found_in=None) == 9
    assert one_per_row_calls(span, found_in=window(100, 100), free_concurrency=4) == 5


# How wide a wave may be


def wave(*, open_rows: int, claims: int | None, use_sweeps: bool = True) -> int:
    observations = []
    if claims is not None:
        observations = [
            DensityObservation(tin=TIN, payer_id=PAYER_ID, window=window(89, 0), claims=claims)
        ]
    return free_concurrency(
        open_rows=open_rows,
        observations=observations,
        capabilities=CAPABILITIES,
        use_sweeps=use_sweeps,
        concurrency=16,
    )


def test_one_lonely_row_uses_the_idle_threads() -> None:
    assert wave(open_rows=1, claims=None) == 16
    assert wave(open_rows=5, claims=None) == 3


def test_many_rows_asked_singly_keep_every_thread_busy_one_window_at_a_time() -> None:
    assert wave(open_rows=1000, claims=None) == 1
    assert wave(open_rows=1000, claims=300, use_sweeps=False) == 1
    assert wave(open_rows=20, claims=2000) == 1


def test_many_rows_answered_by_a_few_sweeps_look_further_back_at_once() -> None:
    assert wave(open_rows=1000, claims=300) > 3
