"""A request taken apart into columns comes back whole."""

from dataclasses import fields, replace

from claims_pipeline.model import Patient, Request
from claims_pipeline.model.request_columns import REQUEST_FIELDS, RequestColumns
from claims_pipeline_tests.store.builders import make_request


def test_every_field_of_a_request_is_a_column() -> None:
    of_request = {field.name for field in fields(Request)} - {"patient"}
    of_patient = {field.name for field in fields(Patient)}

    assert set(REQUEST_FIELDS) == of_request | of_patient


def test_requests_come_back_from_their_columns() -> None:
    bare = replace(make_request(2), claim_number=None, service=None, cells=())
    requests = [make_request(1), bare, make_request(3, duplicate_of=1)]

    assert list(RequestColumns.of(requests)) == requests
