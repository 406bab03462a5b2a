"""Many rows at once come back as they were, whatever characters are in them."""

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from claims_pipeline.model import Request
from claims_pipeline.model.request_columns import RequestColumns
from claims_pipeline.store.database import reading
from claims_pipeline.store.rows import stored
from claims_pipeline.store.rows.results import iterate_answered_rows
from claims_pipeline_tests.store.builders import HEADER, make_request, make_runs

# What a bulk format could take for its own delimiter, line end, quote or NULL.
_TEXTS = (
    *("tab\there", "line\nhere", "return\rhere", "both\r\n", "back\\slash", "ends in \\"),
    *(r"\N", r"\.", r"\t", "\\\n", "", " ", "NULL", '"quoted"', "Zoë ’\u2028", "𝔘nicode"),
)


@pytest.mark.parametrize("times", [1, 10], ids=["each_once", "each_ten_times"])
def test_every_text_comes_back_as_it_was(engine: Engine, times: int) -> None:
    given = [_with_text(number, text) for number, text in enumerate(_TEXTS * times, start=1)]
    hold = make_runs(engine).held()
    stored.begin_rows(engine, hold, HEADER)
    stored.add_rows(engine, hold, RequestColumns.of(given), [])
    stored.complete_rows(engine, hold, record_count=len(given))
    with reading(engine) as connection:
        loaded = stored.load_requests(connection, hold.upload_id, range(1, len(given) + 1))
    assert loaded == [replace(request, cells=()) for request in given]
    cells = [answer.row.cells for answer in iterate_answered_rows(engine, hold.upload_id)]
    assert cells == [request.cells for request in given]


def test_columns_that_are_empty_here_and_there_stay_so(engine: Engine) -> None:
    full = make_request(1)
    empty = replace(full, row_number=2, claim_number=None, service=None, total_charged=None)
    other = replace(full, row_number=3, claim_number="back\\slash", total_charged=Decimal("0.10"))
    hold = make_runs(engine).held()
    stored.begin_rows(engine, hold, HEADER)
    stored.add_rows(engine, hold, RequestColumns.of([full, empty, other]), [])
    with reading(engine) as connection:
        loaded = stored.load_requests(connection, hold.upload_id, [1, 2, 3])
    assert loaded == [replace(request, cells=()) for request in (full, empty, other)]


def _with_text(number: int, text: str) -> Request:
    request = make_request(number)
    return replace(
        request,
        patient=replace(request.patient, first_name=text, last_name=text),
        claim_number=text,
        cells=(text, text, ""),
    )
