"""Formula text is neutralised, and restoring it gives every text back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims_pipeline.results_file.formulas import neutralised, restored

CELLS = st.text(alphabet=st.sampled_from("'=+-@ \t\r\n\u00a0＝－.,019ax") | st.characters())


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r1", "\nx", " =1", "＝1", "-5-", "- 5"]
)
def test_formula_text_gets_an_apostrophe(cell):
    assert neutralised(cell) == f"'{cell}"
    assert restored(f"'{cell}") == cell


@pytest.mark.parametrize("cell", ["", "ADA", "-5", "-5.00", "1-2", "'", "'ADA", "O'BRIEN", "a=b"])
def test_other_text_and_negative_numbers_stay_as_they_are(cell):
    assert neutralised(cell) == cell
    assert restored(cell) == cell


@given(CELLS)
def test_restoring_what_was_neutralised_gives_the_cell_back(cell):
    assert restored(neutralised(cell)) == cell
    assert neutralised(neutralised(cell)) != neutralised(cell) or neutralised(cell) == cell


@given(CELLS)
def test_no_neutralised_cell_begins_a_formula(cell):
    written = neutralised(cell).lstrip()
    numeric = written.removeprefix("-").replace(".", "", 1).isdecimal()
    assert numeric or not written.startswith(tuple("=+-@＝＋－＠"))
