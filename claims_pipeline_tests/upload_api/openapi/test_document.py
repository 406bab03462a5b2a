"""The OpenAPI document, and that the API keeps to it."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from claims_pipeline.upload_api.app import create_app
from claims_pipeline.upload_api.http.paths import JOBS_ALIAS
from claims_pipeline_tests.thoroughness import examples
from claims_pipeline_tests.upload_api.api import Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer

DOCUMENT = "/api/v1/openapi.json"
STATUSES = {"401", "403", "422", "429", "500", "503"}


_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
_EXAMPLES = examples(15)


@pytest.fixture(scope="module")
def api_without_limits(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Api]:
    """So many requests in a minute would be turned down."""
    many = {"CLAIMS_API_REQUESTS_PER_MINUTE": "1000000", "CLAIMS_API_UPLOADS_PER_DAY": "1000000"}
    with running_api(tmp_path_factory.mktemp("home"), issuer, settings=many) as running:
        yield running


def _operation_ids() -> Iterator[str]:
    """Every operation once: under the alias are the same functions."""
    for path, _, operation in _operations(create_app().openapi()):
        if not path.startswith(JOBS_ALIAS):
            yield operation["operationId"]


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


@pytest.fixture(scope="module")
def document(shared_api: Api) -> dict[str, Any]:
    answer = shared_api.get(DOCUMENT)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_every_operation_is_described_and_tells_its_errors(document: dict[str, Any]) -> None:
    ids = set()
    for path, _, operation in _operations(document):
        assert operation["summary"]
        assert operation["description"]
        ids.add(operation["operationId"])
        if path.startswith("/api/"):
            assert operation["security"] == [{"keycloak": []}]
            assert set(operation["responses"]) >= STATUSES
        if "{upload_id}" in path:
            assert "404" in operation["responses"]
    assert len(ids) == len(list(_operations(document)))
    assert document["components"]["securitySchemes"]["keycloak"]["scheme"] == "bearer"


def test_every_json_answer_has_an_example_that_fits(document: dict[str, Any]) -> None:
    for path, _, operation in _operations(document):
        for status, response in operation["responses"].items():
            content = response["content"].get("application/json") if "content" in response else None
            if content is None or not path.startswith("/api/"):
                continue
            assert status.startswith("2"), "errors are problem documents"
            schema = {**content["schema"], "components": document["components"]}
            Draft202012Validator(schema).validate(content["example"])


@pytest.mark.hypothesis
@pytest.mark.parametrize("operation_id", sorted(_operation_ids()))
def test_no_request_breaks_the_api_or_its_document(
    api_without_limits: Api, document: dict[str, Any], operation_id: str
) -> None:
    api = api_without_limits
    headers = {"Authorization": f"Bearer {api.issuer.token()}"}
    upload_id = api.add_upload().id
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=api.url)
    [operation] = [
        found.ok()
        for found in schema.get_all_operations()
        if found.ok().definition.raw["operationId"] == operation_id
    ]
    # Of an upload that goes on, events would come for ever.
    is_reachable = not operation_id.endswith("follow_job")

    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=_cases(operation), reaches=st.booleans())
    def keeps_to_the_document(case: Case, *, reaches: bool) -> None:
        if reaches and is_reachable and "upload_id" in (case.path_parameters or {}):
            case.path_parameters["upload_id"] = upload_id
        case.call_and_validate(headers=headers, checks=_CHECKS, timeout=30)

    keeps_to_the_document()


def _cases(operation: APIOperation[Any, Any, Any, Any]) -> st.SearchStrategy[Case]:
    """What fits the document, and what does not."""
    return operation.as_strategy(generation_mode=GenerationMode.POSITIVE) | operation.as_strategy(
        generation_mode=GenerationMode.NEGATIVE
    )
