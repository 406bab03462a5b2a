"""Reading the audit log over HTTP."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from claims_pipeline.store import audit
from claims_pipeline_tests.upload_api.api import (
    ORGANIZATION,
    OTHER_ORGANIZATION,
    Api,
    running_api,
)
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer

AUDIT = "/api/v1/claims/audit/"
JOBS = "/api/v1/claims/csv-jobs"


def _auditor(api: Api, organization: str = ORGANIZATION) -> str:
    return api.issuer.token(sub="auditor-1", organization=organization, roles=["claims-auditor"])


def test_an_auditor_reads_who_did_what_and_when(api: Api) -> None:
    upload = api.add_upload()
    began = datetime.now(UTC)
    api.get(f"{JOBS}/{upload.id}/results/", token=api.issuer.token())
    api.get(f"{JOBS}/{uuid4()}/", token=api.issuer.token(sub="analyst-2"))
    log = api.get(AUDIT, token=_auditor(api)).json()
    denied, viewed = log["results"]
    assert (log["count"], log["next"], log["previous"]) == (2, None, None)
    assert (viewed["actor"], viewed["action"], viewed["upload_id"], viewed["outcome"]) == (
        "analyst-1",
        "view",
        upload.id,
        "ok",
    )
    assert (denied["actor"], denied["action"], denied["outcome"], denied["code"]) == (
        "analyst-2",
        "access",
        "refused",
        "upload_unknown",
    )
    assert began <= datetime.fromisoformat(viewed["at"]) <= datetime.now(UTC)


def test_entries_are_filtered_and_paged(api: Api) -> None:
    upload = api.add_upload()
    token = api.issuer.token()
    for _ in range(3):
        api.get(f"{JOBS}/{upload.id}/results/", token=token)
    api.get(f"{JOBS}/{upload.id}/download_results/", token=token)
    auditor = _auditor(api)
    for query, count in (
        ("action=view", 3),
        ("action=download", 1),
        ("actor=analyst-1", 4),
        ("actor=nobody", 0),
        (f"upload_id={upload.id}", 4),
        ("outcome=refused", 0),
        (f"created_after={(datetime.now(UTC) + timedelta(minutes=1)):%Y-%m-%dT%H:%M:%SZ}", 0),
        (f"created_before={(datetime.now(UTC) + timedelta(minutes=1)):%Y-%m-%dT%H:%M:%SZ}", 4),
    ):
        assert api.get(f"{AUDIT}?{query}", token=auditor).json()["count"] == count, query
    page = api.get(f"{AUDIT}?page_size=3", token=auditor).json()
    assert len(page["results"]) == 3
    assert "page=2" in page["next"]


def test_only_auditors_read_and_only_their_own_organization(api: Api) -> None:
    upload = api.add_upload()
    api.get(f"{JOBS}/{upload.id}/results/", token=api.issuer.token())
    operator = api.issuer.token(roles=["claims-operator"])
    refused = api.get(AUDIT, token=operator)
    assert (refused.status_code, refused.json()["code"]) == (403, "role_required")
    assert api.get(AUDIT, token=_auditor(api, OTHER_ORGANIZATION)).json()["count"] == 0
    entries = api.get(f"{AUDIT}?outcome=refused", token=_auditor(api)).json()["results"]
    assert [(entry["action"], entry["code"]) for entry in entries] == [("access", "role_required")]


def test_an_auditor_without_another_role_works_with_no_upload(api: Api) -> None:
    upload = api.add_upload()
    for path in (f"{JOBS}/", f"{JOBS}/{upload.id}/", f"{JOBS}/{upload.id}/results/"):
        refused = api.get(path, token=_auditor(api))
        assert (refused.status_code, refused.json()["code"]) == (403, "role_required")


def test_what_the_api_writes_keeps_the_log_whole(api: Api) -> None:
    upload = api.add_upload()
    for _ in range(3):
        api.get(f"{JOBS}/{upload.id}/results/", token=api.issuer.token())
    verdict = audit.verify(api.engine)
    assert (verdict.entries, verdict.is_whole) == (3, True)


def test_the_same_refused_look_is_one_entry_a_minute_and_counts_for_the_limit(
    tmp_path: Path, issuer: Issuer
) -> None:
    with running_api(
        tmp_path / "home", issuer, settings={"CLAIMS_API_REQUESTS_PER_MINUTE": "20"}
    ) as api:
        nobody = api.issuer.token(sub="nobody", roles=[])
        # Polling is not counted, unless there is nothing that the caller may see.
        path = f"{JOBS}/{uuid4()}/"
        codes = [api.get(path, token=nobody).status_code for _ in range(30)]
        assert codes == [403] * 20 + [429] * 10
        entries = audit.list_entries(api.engine, organization_id=ORGANIZATION)
        assert [(entry.actor, entry.code) for entry in entries] == [("nobody", "role_required")]
