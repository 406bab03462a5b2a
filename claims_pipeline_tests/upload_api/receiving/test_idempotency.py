from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, select

from claims_pipeline.store import tables
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.uploads import list_uploads
from claims_pipeline.store.web import idempotency
from claims_pipeline.store.web.idempotency import KEPT_FOR, KeyState
from claims_pipeline_tests.store.builders import NOW, ORGANIZATION, make_upload
from claims_pipeline_tests.upload_api.api import OTHER_ORGANIZATION, Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer
from claims_pipeline_tests.upload_api.receiving.forms import (
    CSV,
    half_sent,
    multipart,
    post_csv,
    stored_files,
    wait_for,
)

FILE = 'name="file"; filename="worklist.csv"'


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Api]:
    settings = {"CLAIMS_API_REQUESTS_PER_MINUTE": "100000"}
    with running_api(tmp_path_factory.mktemp("api"), issuer, settings=settings) as running:
        yield running


def with_key(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def uploads_of(api: Api) -> int:
    return list_uploads(api.engine, organization_id=ORGANIZATION).total


def test_the_same_upload_again_is_answered_with_the_one_that_is_there(api: Api) -> None:
    headers = with_key(str(uuid4()))
    first = post_csv(api, headers=headers, end_date="")
    before = (uploads_of(api), stored_files(api))
    again = post_csv(api, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["id"] == first.json()["id"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (uploads_of(api), stored_files(api)) == before


def test_a_key_is_good_for_one_content_name_choice_and_user(api: Api) -> None:
    headers = with_key(str(uuid4()))
    assert post_csv(api, headers=headers).status_code == 201
    before = (uploads_of(api), stored_files(api))
    for other in (
        post_csv(api, CSV + b"FH00000002,BEN,SAMPLE,01/02/1980\n", headers=headers),
        post_csv(api, file_name="other.csv", headers=headers),
        post_csv(api, use_batch_query="no", headers=headers),
        post_csv(api, headers=headers, token=api.issuer.token(sub="analyst-2")),
    ):
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (uploads_of(api), stored_files(api)) == before


def test_organizations_do_not_share_keys(api: Api) -> None:
    headers = with_key(str(uuid4()))
    one = post_csv(api, headers=headers)
    other = post_csv(api, headers=headers, token=api.issuer.token(organization=OTHER_ORGANIZATION))
    assert (one.status_code, other.status_code) == (201, 201)
    assert one.json()["id"] != other.json()["id"]


def key_is_held(api: Api, key: str) -> bool:
    held = select(tables.idempotency_keys.c.key).where(tables.idempotency_keys.c.key == key)
    with reading(api.engine) as connection:
        return connection.execute(held).first() is not None


def test_a_key_whose_upload_is_under_way_is_refused_until_it_has_come_to_nothing(api: Api) -> None:
    key = str(uuid4())
    begun = multipart((FILE, CSV), end=False)
    before = stored_files(api)
    with half_sent(
        api, api.issuer.token(), announced=10_000, sent=begun, headers=with_key(key)
    ) as connection:
        wait_for(lambda: key_is_held(api, key))  # Else the other one might come first.
        refused = post_csv(api, headers=with_key(key))
        assert refused.status_code == 409
        assert refused.json()["code"] == "idempotency_in_flight"
        assert int(refused.headers["Retry-After"]) > 0
        connection.close()
    wait_for(lambda: post_csv(api, headers=with_key(key)).status_code == 201)
    assert len(stored_files(api)) - len(before) == 2  # A folder with its file.


def test_a_refused_upload_gives_its_key_back(api: Api) -> None:
    headers = with_key(str(uuid4()))
    assert post_csv(api, b"%PDF-1.7", headers=headers).status_code == 422
    assert post_csv(api, headers=headers).status_code == 201


@pytest.mark.parametrize("key", ["", "two words", "k" * 256])
def test_a_key_that_is_none_is_refused(api: Api, key: str) -> None:
    answer = post_csv(api, headers=with_key(key))
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_invalid")


def test_a_hundred_at_once_make_one_upload(api: Api) -> None:
    headers, token = with_key(str(uuid4())), api.issuer.token()
    before = uploads_of(api)
    with ThreadPoolExecutor(25) as clients:
        answers = list(
            clients.map(lambda _: post_csv(api, headers=headers, token=token), range(100))
        )
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert uploads_of(api) == before + 1


def claimed(engine: Engine, upload_id: str, *, now: datetime) -> bool:
    record = idempotency.reserve_key(
        engine, organization_id=ORGANIZATION, key="key", upload_id=upload_id, now=now
    )
    return record.upload_id == upload_id


def test_a_key_whose_holder_was_killed_is_free_again_and_the_holder_cannot_settle_it(
    engine: Engine,
) -> None:
    make_upload(engine)  # Its organization.
    assert claimed(engine, "first", now=NOW)
    assert not claimed(engine, "second", now=NOW + KEPT_FOR)
    idempotency.keep_key(
        engine, organization_id=ORGANIZATION, key="key", upload_id="first", now=NOW + KEPT_FOR
    )
    later = NOW + KEPT_FOR + timedelta(seconds=1)
    assert not claimed(engine, "second", now=later), "the holder has said that it lives"
    assert claimed(engine, "second", now=later + KEPT_FOR)
    assert not bound(engine, "first")
    assert bound(engine, "second")
    record = idempotency.reserve_key(
        engine,
        organization_id=ORGANIZATION,
        key="key",
        upload_id="third",
        now=datetime.now(UTC) + timedelta(days=365),
    )
    assert (record.state, record.upload_id) == (KeyState.DONE, "second")


def bound(engine: Engine, upload_id: str) -> bool:
    with writing(engine) as connection:
        return idempotency.bind_key(
            connection,
            organization_id=ORGANIZATION,
            key="key",
            upload_id=upload_id,
            body_sha256="ab" * 32,
            now=NOW,
        )
