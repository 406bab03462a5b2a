"""Uploads are kept once, belong to one organization, and are found again."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select

from claims_pipeline.errors import InputError
from claims_pipeline.model import OutcomeCounts, UploadStatus
from claims_pipeline.store import attempts, tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.retention.removal import uploads_finished_before
from claims_pipeline.store.uploads import (
    get_upload,
    list_uploads,
)
from claims_pipeline_tests.store.builders import (
    NOW,
    Runs,
    make_upload,
    seconds_later,
)

_ID = "00000000-0000-4000-8000-000000000001"


def test_a_new_upload_is_pending_and_waits_to_be_launched(engine: Engine) -> None:
    upload = make_upload(engine)
    assert upload == get_upload(engine, upload.id)
    assert (upload.status, upload.attempt, upload.counts) == (
        UploadStatus.PENDING,
        1,
        OutcomeCounts(),
    )
    (pending,) = attempts.pending_attempts(engine, NOW, 10)
    assert (pending.id, pending.upload_id) == (upload.attempt_id, upload.id)


def test_creating_the_same_upload_again_changes_nothing(engine: Engine) -> None:
    first = make_upload(engine, upload_id=_ID)
    again = make_upload(engine, upload_id=_ID, now=seconds_later(60), file_name="other.csv")
    assert again == first
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(tables.attempts)).scalar() == 1


def test_an_upload_id_of_another_organization_is_unknown(engine: Engine) -> None:
    make_upload(engine, upload_id=_ID)
    with pytest.raises(InputError) as caught:
        make_upload(engine, upload_id=_ID, organization_id="other")
    assert caught.value.code == "upload_unknown"
    assert get_upload(engine, _ID, organization_id="other") is None
    assert get_upload(engine, _ID, organization_id="demo") is not None


def test_the_same_content_again_is_marked_within_its_organization_only(engine: Engine) -> None:
    first = make_upload(engine)
    second = make_upload(engine, now=seconds_later(1))
    third = make_upload(engine, now=seconds_later(2))
    foreign = make_upload(engine, organization_id="other", now=seconds_later(3))
    assert (first.duplicate_of, foreign.duplicate_of) == (None, None)
    assert second.duplicate_of == third.duplicate_of == first.id


def test_uploads_are_listed_by_page_newest_first(engine: Engine) -> None:
    made = [make_upload(engine, now=seconds_later(number)) for number in range(5)]
    make_upload(engine, organization_id="other")
    page = list_uploads(engine, organization_id="demo", page=2, page_size=2)
    assert page.total == 5
    assert [upload.id for upload in page.uploads] == [made[2].id, made[1].id]
    assert list_uploads(engine, organization_id="demo", page=9).uploads == ()


def test_uploads_are_found_by_name_status_and_time(engine: Engine) -> None:
    march = make_upload(engine, file_name="March_100%.csv")
    april = make_upload(engine, file_name="april.csv", now=NOW + timedelta(days=30))
    attempts.request_cancel(engine, april.id, NOW)

    def found(**filters: object) -> set[str]:
        page = list_uploads(engine, organization_id="demo", **filters)  # type: ignore[arg-type]
        assert page.total == len(page.uploads)
        return {upload.id for upload in page.uploads}

    assert found(search="MARCH_") == {march.id}
    assert found(search="%") == {march.id}
    assert found(statuses=[UploadStatus.CANCELLED]) == {april.id}
    assert found(created_after=NOW, created_before=NOW + timedelta(days=1)) == {march.id}
    assert found(payer="uhc") == {march.id, april.id}
    assert found(payer="aetna") == set()
    assert found(user_id="nobody") == set()
    by_name = list_uploads(engine, organization_id="demo", ordering="file_name")
    assert by_name.total == 2


def test_a_name_does_not_show_when_an_upload_is_printed(engine: Engine) -> None:
    assert "PATIENTMARKER" not in repr(make_upload(engine, file_name="PATIENTMARKER.csv"))


def test_old_uploads_are_found_once_they_have_ended(engine: Engine) -> None:
    ended, running = make_upload(engine), make_upload(engine)
    attempts.request_cancel(engine, ended.id, NOW)
    Runs(engine, running.id).held()
    old = uploads_finished_before(engine, seconds_later(1), limit=10)
    assert [upload.id for upload in old] == [ended.id]
    assert uploads_finished_before(engine, NOW, limit=10) == []
