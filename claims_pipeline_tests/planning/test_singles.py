from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_pipeline.model import DateWindow, merge_windows
from claims_pipeline.planning import Need
from claims_pipeline.planning.needs import NeededDays, needed_days
from claims_pipeline.planning.singles import fewest_singles, rows_of_singles
from claims_pipeline_tests.thoroughness import examples

EPOCH = 700_000


def make_needs(rows: list[tuple[int, list[tuple[int, int]]]]) -> list[Need]:
    return [
        Need(
            row_number=number,
            patient_key=patient * 10**12,
            windows=tuple(
                DateWindow(
                    date.fromordinal(EPOCH + first), date.fromordinal(EPOCH + first + days - 1)
                )
                for first, days in windows
            ),
        )
        for number, (patient, windows) in enumerate(rows, start=1)
    ]


def days_of(needs: list[Need]) -> NeededDays:
    return needed_days(needs, use_sweeps=True, use_singles=True)


def fewest_by_hand(windows: list[tuple[int, int]], *, max_days: int) -> int:
    needed = sorted({first + day for first, days in windows for day in range(days)})
    count, reached = 0, -1
    for day in needed:
        if day > reached:
            count, reached = count + 1, day + max_days - 1
    return count


ROWS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.lists(st.tuples(st.integers(0, 200), st.integers(1, 30)), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=examples(200), deadline=None)
@given(rows=ROWS, max_days=st.sampled_from([1, 7, 30, 90]))
def test_each_patient_is_covered_by_the_fewest_legal_windows(
    rows: list[tuple[int, list[tuple[int, int]]]], max_days: int
) -> None:
    needs = make_needs(rows)
    days = days_of(needs)
    singles = fewest_singles(days, max_days=max_days)
    expected = {}
    for patient, windows in rows:
        expected.setdefault(patient, []).extend(windows)
    assert len(singles) == sum(
        fewest_by_hand(windows, max_days=max_days) for windows in expected.values()
    )
    assert (singles.last - singles.first < max_days).all()

    numbers = np.array([need.row_number for need in needs], object)
    asked: dict[int, list[DateWindow]] = {}
    for first, last, named in zip(
        singles.first.tolist(),
        singles.last.tolist(),
        rows_of_singles(singles, days, numbers),
        strict=True,
    ):
        window = DateWindow(date.fromordinal(first), date.fromordinal(last))
        assert len({needs[number - 1].patient_key for number in named}) == 1
        assert len(set(named)) == len(named)
        for number in named:
            asked.setdefault(number, []).append(window)
    for need in needs:
        union = merge_windows(asked[need.row_number])
        assert all(any(part.contains(w) for part in union) for w in need.windows)


def test_nothing_needed_is_nothing_asked() -> None:
    days = days_of([])
    singles = fewest_singles(days, max_days=90)
    assert len(singles) == 0
    assert rows_of_singles(singles, days, np.empty(0, object)) == []


def test_swept_days_are_taken_off_and_the_rest_is_kept_in_pieces() -> None:
    days = days_of(make_needs([(1, [(0, 50)]), (2, [(12, 5)]), (3, [(60, 5)])]))
    swept_first = np.array([EPOCH + 10, EPOCH + 40])
    swept_last = np.array([EPOCH + 20, EPOCH + 44])
    left = days.outside(swept_first, swept_last)
    assert list(zip(left.need.tolist(), left.first - EPOCH, left.last - EPOCH, strict=True)) == [
        (0, 0, 9),
        (0, 21, 39),
        (0, 45, 49),
        (2, 60, 64),
    ]
