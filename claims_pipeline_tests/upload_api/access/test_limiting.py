"""Limits of requests, uploads and rows; and that nobody is stopped from looking."""

import asyncio
import select
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from claims_pipeline.settings import load_settings
from claims_pipeline.upload_api.limits import Limits
from claims_pipeline.upload_api.receiving import body
from claims_pipeline_tests.upload_api.api import OTHER_ORGANIZATION, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer
from claims_pipeline_tests.upload_api.receiving.forms import (
    CSV,
    half_sent,
    multipart,
    post_csv,
    stored_files,
    wait_for,
)

JOBS = "/api/v1/claims/csv-jobs"
ALIAS = "/api/v1/claims/bulk/jobs"
TEMPLATE = "/api/v1/claims/bulk/template.csv"


def test_a_user_who_asks_too_often_is_told_when_to_come_back(
    tmp_path: Path, issuer: Issuer
) -> None:
    with running_api(
        tmp_path / "home", issuer, settings={"CLAIMS_API_REQUESTS_PER_MINUTE": "3"}
    ) as api:
        token = issuer.token()
        upload = api.add_upload()

        answers = [api.post(f"{JOBS}/search", token=token) for _ in range(4)]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].json()["code"] == "too_many_requests"
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
        assert api.post(f"{JOBS}/search", token=issuer.token(sub="other")).status_code == 200
        for _ in range(5):
            for family in (JOBS, ALIAS):
                for path in ("", f"/{upload.id}", f"/{upload.id}/progress/"):
                    assert api.get(f"{family}{path}", token=token).status_code == 200


def test_anonymous_requests_count_for_nobody(tmp_path: Path, issuer: Issuer) -> None:
    with running_api(
        tmp_path / "home", issuer, settings={"CLAIMS_API_REQUESTS_PER_MINUTE": "1"}
    ) as api:
        assert [api.post(f"{JOBS}/search").status_code for _ in range(3)] == [401] * 3


def test_an_organization_has_its_uploads_for_24_hours(tmp_path: Path, issuer: Issuer) -> None:
    with running_api(
        tmp_path / "home", issuer, settings={"CLAIMS_API_UPLOADS_PER_DAY": "2"}
    ) as api:
        first = post_csv(api, headers={"Idempotency-Key": "first"})
        assert first.status_code == 201
        assert post_csv(api, token=issuer.token(sub="colleague")).status_code == 201

        refused = post_csv(api)

        assert refused.status_code == 429
        assert refused.json()["code"] == "uploads_per_day_exceeded"
        assert 86_000 < int(refused.headers["Retry-After"]) <= 86_400
        assert len({path.parent for path in stored_files(api) if path.is_file()}) == 2
        # Sent again because the answer was lost, it is no new upload.
        again = post_csv(api, headers={"Idempotency-Key": "first"})
        assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
        other = post_csv(api, token=issuer.token(organization=OTHER_ORGANIZATION))
        assert other.status_code == 201


def test_an_organization_has_its_rows_for_24_hours(tmp_path: Path, issuer: Issuer) -> None:
    with running_api(tmp_path / "home", issuer, settings={"CLAIMS_API_ROWS_PER_DAY": "3"}) as api:
        header, row = CSV.splitlines(keepends=True)
        assert post_csv(api, header + 2 * row).status_code == 201

        refused = post_csv(api, header + 2 * row + b"\n")

        assert refused.status_code == 429
        assert refused.json()["code"] == "rows_per_day_exceeded"
        assert len([path for path in stored_files(api) if path.is_file()]) == 1
        assert post_csv(api, header + row).status_code == 201


def test_deleting_an_upload_gives_nothing_back(tmp_path: Path, issuer: Issuer) -> None:
    with running_api(tmp_path / "home", issuer, settings={"CLAIMS_API_ROWS_PER_DAY": "3"}) as api:
        header, row = CSV.splitlines(keepends=True)
        upload_id = post_csv(api, header + 2 * row).json()["id"]
        token = issuer.token()
        assert api.post(f"{JOBS}/{upload_id}/cancel/", token=token).status_code in {200, 202}
        assert api.delete(f"{JOBS}/{upload_id}/", token=token).status_code == 204

        assert post_csv(api, header + 2 * row + b"\n").json()["code"] == "rows_per_day_exceeded"
        assert post_csv(api, header + row).status_code == 201


def test_many_at_once_get_no_more_than_their_share(tmp_path: Path, issuer: Issuer) -> None:
    with (
        running_api(tmp_path / "home", issuer, settings={"CLAIMS_API_UPLOADS_PER_DAY": "3"}) as api,
        ThreadPoolExecutor(8) as pool,
    ):
        answers = list(
            pool.map(
                lambda number: (
                    post_csv(api, token=issuer.token(sub=f"analyst-{number}")).status_code
                ),
                range(8),
            )
        )
    assert sorted(answers) == [201] * 3 + [429] * 5


def test_bodies_wait_for_their_turn_and_then_for_no_longer() -> None:
    limits = Limits(load_settings({"CLAIMS_API_CONCURRENT_UPLOADS": "1"}))

    async def scene() -> tuple[bool, bool, bool]:
        async with (
            limits.body_slot("a", "demo") as first,
            limits.body_slot("b", "other", wait_s=0.01) as second,
        ):
            pass
        async with limits.body_slot("b", "other", wait_s=5) as third:
            pass
        return first, second, third

    assert asyncio.run(scene()) == (True, False, True)


def test_nobody_holds_all_turns() -> None:
    """A user has a quarter of them, an organization half; the others' are left."""
    limits = Limits(load_settings({"CLAIMS_API_CONCURRENT_UPLOADS": "8"}))

    async def scene() -> list[tuple[str, bool]]:
        told: list[tuple[str, bool]] = []
        async with AsyncExitStack() as held:
            for user, organization in (
                *[("slow-1", "demo")] * 3,
                *[("slow-2", "demo")] * 3,
                ("slow-3", "demo"),
                ("other-1", "other"),
            ):
                turn = limits.body_slot(user, organization, wait_s=0.01)
                told.append((user, await held.enter_async_context(turn)))
        async with limits.body_slot("slow-3", "demo", wait_s=0.01) as again:
            told.append(("slow-3", again))
        return told

    assert asyncio.run(scene()) == [
        ("slow-1", True), ("slow-1", True), ("slow-1", False),
        ("slow-2", True), ("slow-2", True), ("slow-2", False),
        ("slow-3", False), ("other-1", True), ("slow-3", True),
    ]  # fmt: skip


def test_a_check_by_the_api_takes_one_turn(tmp_path: Path, issuer: Issuer) -> None:
    settings = {"CLAIMS_API_CONCURRENT_UPLOADS": "1"}
    with running_api(tmp_path / "home", issuer, settings=settings) as api:
        answer = api.post(
            "/api/v1/claims/bulk/verify/",
            token=issuer.token(),
            files={"file": ("worklist.csv", CSV, "text/csv")},
        )
    assert answer.status_code == 200


def test_a_body_that_comes_too_slowly_is_given_up(
    tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "_SILENCE_S", 1.0)

    begun = multipart(('name="file"; filename="a.csv"', CSV), end=False)
    with (
        running_api(tmp_path / "home", issuer) as api,
        half_sent(api, api.issuer.token(), announced=1 << 20, sent=begun) as connection,
    ):
        # Never silent for as long as the limit of silence, and never done.
        for _ in range(100):
            connection.sendall(b"x")
            if select.select([connection], [], [], 0.2)[0]:
                break
        answer = connection.recv(1 << 16)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"upload_too_slow" in answer
        wait_for(lambda: stored_files(api) == [])


def test_a_counter_that_is_away_turns_nobody_away() -> None:
    # Nothing listens on the discard port.
    limits = Limits(load_settings({"CLAIMS_API_LIMITS_URL": "redis://127.0.0.1:9/0"}))
    assert limits.seconds_until_allowed("analyst-1") == 0
