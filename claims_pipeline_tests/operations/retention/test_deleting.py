"""A deleted upload is gone from every place at once, or is still there to be deleted again."""

import threading

import pytest
from sqlalchemy import insert, select

from claims_pipeline.errors import InputError
from claims_pipeline.model import RetryScope, UploadStatus
from claims_pipeline.store import attempts, audit, tables
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.retention.removal import upload_removed
from claims_pipeline.store.uploads import get_upload
from claims_pipeline_tests.operations.retention.builders import Keeping
from claims_pipeline_tests.store.builders import NOW, ORGANIZATION, Runs, seconds_later
from claims_pipeline_tests.store.files.listing import keys_of


def test_a_deleted_upload_leaves_nothing_behind(keeping: Keeping) -> None:
    gone, kept = keeping.ended(), keeping.ended(now=seconds_later(1))
    everything = len(keeping.in_outbox())
    keeping.delete(gone)
    assert keeping.rows_left(gone) == {}
    assert keeping.rows_left(kept) != {}
    assert all(key.split("/")[1] == kept.id for key in keys_of(keeping.files))
    assert keeping.files.exists(kept.file_key)
    assert len(keeping.in_outbox()) == everything // 2


def test_the_audit_log_keeps_who_deleted_it(keeping: Keeping) -> None:
    upload = keeping.ended()
    keeping.delete(upload, actor="user-7")
    [entry] = audit.list_entries(keeping.engine, organization_id=ORGANIZATION)
    assert (entry.actor, entry.action, entry.upload_id) == ("user-7", "delete", upload.id)


def test_the_key_of_a_deleted_upload_is_known_as_used(keeping: Keeping) -> None:
    upload = keeping.ended()
    keys = tables.idempotency_keys
    with writing(keeping.engine) as connection:
        connection.execute(
            insert(keys).values(
                organization_id=ORGANIZATION,
                key="key-1",
                body_sha256="ab" * 32,
                upload_id=upload.id,
                state="done",
                created_at=NOW,
            )
        )
    keeping.delete(upload)
    with reading(keeping.engine) as connection:
        assert connection.execute(select(keys.c.state)).scalar_one() == "gone"


@pytest.mark.parametrize("organization_id", ["other", ""])
def test_an_upload_of_another_organization_is_unknown(
    keeping: Keeping, organization_id: str
) -> None:
    upload = keeping.ended()
    removal = upload_removed(
        keeping.engine, upload.id, organization_id=organization_id, actor="user-1", now=NOW
    )
    with pytest.raises(InputError) as caught, removal:
        pytest.fail("nothing may be removed")
    assert caught.value.code == "upload_unknown"
    assert keeping.rows_left(upload) != {}


def test_an_upload_that_runs_is_not_deleted(keeping: Keeping) -> None:
    pending, running = keeping.dropped(), keeping.dropped()
    Runs(keeping.engine, running.id).held()
    for upload in (pending, running):
        with pytest.raises(InputError) as caught:
            keeping.delete(upload)
        assert caught.value.code == "still_running"
        assert keeping.files.exists(upload.file_key)


def test_an_upload_that_is_retried_is_not_deleted(keeping: Keeping) -> None:
    upload = keeping.ended()
    attempts.request_retry(keeping.engine, upload.id, RetryScope.ALL, seconds_later(1))
    with pytest.raises(InputError):
        keeping.delete(upload)
    assert len(keeping.in_outbox()) == 3


def test_an_upload_whose_files_stay_is_there_to_be_deleted_again(keeping: Keeping) -> None:
    upload = keeping.ended()
    in_the_way = keeping.in_outbox()[0]
    in_the_way.unlink()
    in_the_way.mkdir()
    with pytest.raises(OSError, match="irectory"):
        keeping.delete(upload)
    assert get_upload(keeping.engine, upload.id) == upload
    assert audit.list_entries(keeping.engine, organization_id=ORGANIZATION) == []
    in_the_way.rmdir()
    keeping.delete(upload)
    assert keeping.rows_left(upload) == {}
    assert (keys_of(keeping.files), keeping.in_outbox()) == ([], [])


def test_who_writes_files_during_a_deletion_is_told_to_remove_them(keeping: Keeping) -> None:
    upload = keeping.ended()
    told: list[bool] = []
    writer = threading.Thread(
        target=lambda: told.append(
            attempts.mark_files_written(keeping.engine, upload.attempt_id, NOW)
        )
    )
    removal = upload_removed(
        keeping.engine, upload.id, organization_id=ORGANIZATION, actor="user-1", now=NOW
    )
    with removal:
        writer.start()
        writer.join(0.2)
        assert told == []  # It waits to see how the deletion ends.
    writer.join()
    assert told == [False]


def test_a_cancelled_upload_can_be_deleted_at_once(keeping: Keeping) -> None:
    upload = keeping.dropped()
    assert attempts.request_cancel(keeping.engine, upload.id, NOW) is UploadStatus.CANCELLED
    keeping.delete(upload)
    assert (keeping.rows_left(upload), keys_of(keeping.files)) == ({}, [])
