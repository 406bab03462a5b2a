"""No bad token is accepted by any operation, and no operation works without an organization."""

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from claims_pipeline_tests.upload_api.api import Api
from claims_pipeline_tests.upload_api.keycloak.bad_tokens import BAD
from claims_pipeline_tests.upload_api.keycloak.issuer import ABSENT
from claims_pipeline_tests.upload_api.operations import Caller, protected_operations

NO_ORGANIZATION = {
    "no claim": (ABSENT, "organization_missing"),
    "nothing": (None, "organization_missing"),
    "an empty list": ([], "organization_missing"),
    "an empty object": ({}, "organization_missing"),
    "an empty name": ("", "organization_missing"),
    "a number": (7, "organization_missing"),
    "an unknown one": ("elsewhere", "organization_unknown"),
    "an unknown one with an id": ({"elsewhere": {"id": "1"}}, "organization_unknown"),
    "two and no choice": (["demo", "other"], "organization_required"),
}


@pytest.fixture(scope="module")
def caller(shared_api: Api) -> Iterator[Caller]:
    """One connection for all that is asked here."""
    opened = Caller(shared_api)
    yield opened
    opened.close()


def test_there_are_forty_bad_tokens_and_more() -> None:
    assert len(BAD) >= 40


def test_a_good_token_passes_the_gate_of_every_operation(shared_api: Api, caller: Caller) -> None:
    token = shared_api.issuer.token(roles=["claims-operator", "claims-auditor"])
    headers = (("Authorization", f"Bearer {token}"),)
    statuses = {
        operation: caller.ask(operation, headers).status
        for operation in protected_operations(shared_api.app)
    }
    assert len(statuses) >= 28
    assert not {operation: status for operation, status in statuses.items() if status in {401, 403}}


@pytest.mark.parametrize("kind", BAD)
def test_no_operation_accepts(kind: str, shared_api: Api, caller: Caller) -> None:
    shown = BAD[kind](shared_api.issuer)
    for operation in protected_operations(shared_api.app):
        answer = caller.ask(operation, shown.headers, query=shown.query)
        assert answer.status == 401, operation
        assert answer.challenge is not None, operation
        assert answer.challenge.startswith("Bearer"), operation
        assert answer.content_type == "application/problem+json", operation


@pytest.mark.parametrize("kind", NO_ORGANIZATION)
def test_no_operation_works_without_an_organization(
    kind: str, shared_api: Api, caller: Caller
) -> None:
    claim, code = NO_ORGANIZATION[kind]
    token = shared_api.issuer.token(organization=claim, roles=["claims-operator", "claims-auditor"])
    for operation in protected_operations(shared_api.app):
        answer = caller.ask(operation, (("Authorization", f"Bearer {token}"),))
        assert (answer.status, json.loads(answer.body)["code"]) == (403, code), operation


def test_no_operation_reads_the_body_of_somebody_unknown(shared_api: Api) -> None:
    address = urlsplit(shared_api.url)
    for operation in protected_operations(shared_api.app):
        with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
            # The body never comes: only who does not wait for it answers.
            connection.sendall(
                f"{operation.method} {operation.path_of()} HTTP/1.1\r\nHost: api\r\n"
                "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n".encode()
            )
            assert connection.recv(12) == b"HTTP/1.1 401", operation
