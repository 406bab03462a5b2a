"""Who reaches which upload by which operation: the whole matrix, read from the app's own routes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import requests

from claims_pipeline.model import UploadStatus
from claims_pipeline.store import attempts
from claims_pipeline.store.uploads import Upload, get_upload
from claims_pipeline.upload_api.app import create_app
from claims_pipeline_tests.store.builders import Runs, store_rows
from claims_pipeline_tests.upload_api.api import OTHER_ORGANIZATION, Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import ABSENT, Issuer

# What the owner of an upload that has ended is answered, by operation id. A new operation has to
# be entered here.
OWNER_IS_ANSWERED = {
    "get_job": 200,
    "get_progress": 200,
    "follow_job": 200,
    "list_results": 200,
    "search_results": 200,
    "download_results": 200,
    "get_rejected_rows": 200,
    "cancel_job": 202,
    "retry_job": 202,
    "delete_job": 204,
}
_BODIES: dict[str, dict[str, Any]] = {"search_results": {"search": "example"}}
_CHANGE_WITH_EACH_ANSWER = frozenset({"date", "x-request-id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation with an upload's id in its address."""

    id: str
    method: str
    path: str

    @property
    def name(self) -> str:
        return self.id.removeprefix("bulk_")

    def call(self, api: Api, upload_id: str, token: str | None) -> requests.Response:
        path = self.path.replace("{upload_id}", upload_id)
        return api.call(self.method, path, token=token, json=_BODIES.get(self.name))


def _operations() -> Iterator[Operation]:
    for path, operations in create_app().openapi()["paths"].items():
        for method, operation in operations.items():
            if "{" in path:
                yield Operation(id=operation["operationId"], method=method.upper(), path=path)


@pytest.fixture(scope="module")
def matrix_api(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Api]:
    """Nobody is turned down for asking often."""
    many = {"CLAIMS_API_REQUESTS_PER_MINUTE": "1000000"}
    with running_api(tmp_path_factory.mktemp("home"), issuer, settings=many) as running:
        yield running


def _ended_upload(api: Api) -> Upload:
    upload = api.add_upload(user_id="owner")
    hold = Runs(engine=api.engine, upload_id=upload.id).held(str(uuid4()))
    store_rows(api.engine, hold, accepted=2, rejected=1)
    attempts.finish(
        api.engine,
        upload.id,
        UploadStatus.CANCELLED,
        attempt_id=hold.attempt_id,
        now=datetime.now(UTC),
    )
    return _as_it_is(api, upload)


def _as_it_is(api: Api, upload: Upload) -> Upload:
    found = get_upload(api.engine, upload.id)
    assert found is not None
    return found


def _outsiders(issuer: Issuer) -> dict[str, str]:
    """Everybody with an organization and a role, to whom the upload is unknown."""
    everything = ["claims-analyst", "claims-operator", "claims-auditor"]
    other = OTHER_ORGANIZATION
    return {
        "analyst of another organization": issuer.token(organization=other),
        "owner's id in another organization": issuer.token(sub="owner", organization=other),
        "operator of another organization": issuer.token(organization=other, roles=everything),
        "another analyst": issuer.token(sub="colleague"),
    }


def _comparable(response: requests.Response) -> tuple[int, bytes, dict[str, str]]:
    request_id = response.headers["X-Request-ID"].encode()
    headers = {
        name.lower(): value
        for name, value in response.headers.items()
        if name.lower() not in _CHANGE_WITH_EACH_ANSWER
    }
    return response.status_code, response.content.replace(request_id, b""), headers


def test_the_matrix_has_every_operation() -> None:
    assert {operation.name for operation in _operations()} == set(OWNER_IS_ANSWERED)


@pytest.mark.parametrize("operation", list(_operations()), ids=lambda operation: operation.id)
def test_an_upload_is_reached_by_its_owner_and_operators_and_unknown_to_others(
    matrix_api: Api, operation: Operation
) -> None:
    api, issuer = matrix_api, matrix_api.issuer
    upload = _ended_upload(api)

    anonymous = operation.call(api, upload.id, None)
    assert (anonymous.status_code, anonymous.json()["code"]) == (401, "token_missing")
    homeless = operation.call(api, upload.id, issuer.token(sub="owner", organization=ABSENT))
    assert (homeless.status_code, homeless.json()["code"]) == (403, "organization_missing")
    for roles in ([], ["claims-auditor"]):
        token = issuer.token(sub="owner", roles=roles)
        powerless = [operation.call(api, id_, token) for id_ in (upload.id, str(uuid4()))]
        assert (powerless[0].status_code, powerless[0].json()["code"]) == (403, "role_required")
        assert _comparable(powerless[0]) == _comparable(powerless[1])
    for who, token in _outsiders(issuer).items():
        foreign = operation.call(api, upload.id, token)
        assert (foreign.status_code, foreign.json()["code"]) == (404, "upload_unknown"), who
        for unknown in (str(uuid4()), "nothing-of-the-kind", upload.id.upper()):
            assert _comparable(operation.call(api, unknown, token)) == _comparable(foreign), who
    assert _as_it_is(api, upload) == upload

    for token in (
        issuer.token(sub="owner"),
        issuer.token(sub="manager", roles=["claims-operator"]),
    ):
        reached = operation.call(api, _ended_upload(api).id, token)
        assert reached.status_code == OWNER_IS_ANSWERED[operation.name]


def test_lists_show_an_analyst_their_own_and_an_operator_all(api: Api) -> None:
    own = api.add_upload(user_id="owner", file_name="one.csv")
    others = api.add_upload(user_id="colleague", file_name="two.csv")
    api.add_upload(user_id="owner", organization_id=OTHER_ORGANIZATION, file_name="three.csv")
    for roles, seen in (
        (["claims-analyst"], {own.id}),
        (["claims-operator"], {own.id, others.id}),
    ):
        token = api.issuer.token(sub="owner", roles=roles)
        listed = api.get("/api/v1/claims/csv-jobs/", token=token).json()
        searched = api.post(
            "/api/v1/claims/csv-jobs/search/", token=token, json={"search": ".csv"}
        ).json()
        assert {upload["id"] for upload in listed["results"]} == seen
        assert {upload["id"] for upload in searched["results"]} == seen
