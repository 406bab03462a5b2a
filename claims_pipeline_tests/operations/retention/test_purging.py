"""A purge removes what has had its time, wherever it lies, and nothing else."""

import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from claims_pipeline.folders import outbox
from claims_pipeline.model import ClaimStatus, RetryScope
from claims_pipeline.operations.retention import RETENTION_ACTOR, Purge
from claims_pipeline.settings import load_settings
from claims_pipeline.store import attempts, audit, tables
from claims_pipeline.store.database import writing
from claims_pipeline.store.tenants.practices import ensure_organization
from claims_pipeline.store.x12.partners import save_partners
from claims_pipeline_tests.operations.retention.builders import Keeping
from claims_pipeline_tests.payers.x12.builders import make_partner
from claims_pipeline_tests.store.builders import ORGANIZATION, Runs
from claims_pipeline_tests.store.files.listing import keys_of
from claims_pipeline_tests.store.tracked.builders import Row, follow, tracked

# Files carry the clock's own time, so these tests look back from a later day.
_TODAY = datetime.now().astimezone()
_LATER = _TODAY + timedelta(days=31)


@pytest.fixture
def purge(keeping: Keeping, tmp_path: Path) -> Purge:
    return Purge(
        engine=keeping.engine,
        files=keeping.files,
        inbox=tmp_path / "inbox",
        outbox=keeping.outbox,
        x12_folder=tmp_path / "x12",
        kept_for=timedelta(days=30),
        audit_kept_for=timedelta(days=2192),
        followed_kept_for=timedelta(days=90),
        now=_LATER,
    )


def _gone(purge: Purge) -> dict[str, int]:
    return {kind: count for kind, count in purge.run().items() if count}


def test_the_settings_say_how_long_things_are_kept(keeping: Keeping, tmp_path: Path) -> None:
    settings = load_settings({"CLAIMS_HOME": str(tmp_path), "CLAIMS_RETENTION_DAYS": "7"})
    purge = Purge.of(settings, keeping.engine, now=_TODAY)
    assert purge.before == _TODAY - timedelta(days=7)
    assert purge.audit_kept_for == timedelta(days=2192)


def test_an_old_upload_is_removed_everywhere_and_a_young_one_stays(
    keeping: Keeping, purge: Purge
) -> None:
    old = keeping.ended(now=_TODAY - timedelta(days=1))
    young = keeping.ended(now=_TODAY + timedelta(days=2))
    files_of_young = keys_of(keeping.files, f"{ORGANIZATION}/{young.id}")
    assert _gone(replace(purge, now=_TODAY + timedelta(days=29, hours=1))) == {"uploads": 1}
    assert keeping.rows_left(old) == {}
    assert keys_of(keeping.files) == files_of_young
    assert len(keeping.in_outbox()) == 3
    [entry] = audit.list_entries(keeping.engine, organization_id=ORGANIZATION)
    assert (entry.actor, entry.action, entry.upload_id) == (RETENTION_ACTOR, "delete", old.id)


def test_a_dry_run_counts_and_removes_nothing(keeping: Keeping, purge: Purge) -> None:
    upload = keeping.ended(now=_TODAY)
    dry = replace(purge, dry_run=True)
    assert _gone(dry) == {"uploads": 1, "outbox_files": 3}
    assert keeping.rows_left(upload) != {}
    assert len(keeping.in_outbox()) == 3
    assert _gone(purge) == {"uploads": 1}
    assert _gone(dry) == {}


def test_what_has_not_ended_is_never_removed(keeping: Keeping, purge: Purge) -> None:
    pending, running, retried = keeping.dropped(), keeping.dropped(), keeping.ended()
    Runs(keeping.engine, running.id).held()
    attempts.request_retry(keeping.engine, retried.id, RetryScope.ALL, _TODAY)
    assert "uploads" not in _gone(purge)
    for upload in (pending, running, retried):
        assert keeping.rows_left(upload) != {}
        assert keeping.files.exists(upload.file_key)


def test_a_purge_that_was_interrupted_goes_on(keeping: Keeping, purge: Purge) -> None:
    uploads = [keeping.ended(now=_TODAY + timedelta(minutes=number)) for number in range(3)]
    in_the_way = publishing_path(keeping, uploads[1].outbox_name)
    in_the_way.unlink()
    in_the_way.mkdir()
    with pytest.raises(OSError, match="irectory"):
        purge.run()
    assert [bool(keeping.rows_left(upload)) for upload in uploads] == [False, True, True]
    in_the_way.rmdir()
    assert _gone(purge) == {"uploads": 2}
    assert (keys_of(keeping.files), keeping.in_outbox()) == ([], [])


def publishing_path(keeping: Keeping, outbox_name: str | None) -> Path:
    return keeping.outbox / ORGANIZATION / "uhc" / f"{outbox_name}.results.csv"


def test_more_than_one_portion_is_removed(
    keeping: Keeping, purge: Purge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claims_pipeline.operations.retention._UPLOADS_AT_ONCE", 2)
    monkeypatch.setattr("claims_pipeline.store.retention.expiry._ROWS_AT_ONCE", 2)
    for number in range(5):
        keeping.ended(now=_TODAY + timedelta(minutes=number))
        _add_session(keeping, f"session-{number}", _TODAY)
    assert _gone(purge) == {"uploads": 5, "sessions": 5}


def test_old_files_of_the_folders_go_and_others_stay(purge: Purge) -> None:
    refused = purge.inbox / ORGANIZATION / "uhc" / ".refused" / "id.xlsx"
    dropped = purge.inbox / ORGANIZATION / "uhc" / "worklist.csv"
    note = purge.outbox / ORGANIZATION / "uhc" / "worklist.id.refused.txt"
    half = note.with_name(".worklist.results.csv.id.part")
    theirs = note.with_name("notes.docx")
    for path in (refused, dropped, note, half, theirs):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    # A file keeps the time it was written when it is refused: that is not when it was put there.
    os.utime(refused, (0, 0))
    assert _gone(replace(purge, now=_TODAY + timedelta(days=29))) == {}
    assert _gone(purge) == {"outbox_files": 2, "refused_files": 1}
    assert [path.exists() for path in (refused, dropped, note, half, theirs)] == [
        False,
        True,
        False,
        False,
        True,
    ]


def test_old_files_of_clearinghouses_go_and_those_at_work_stay(
    keeping: Keeping, purge: Purge
) -> None:
    ensure_organization(keeping.engine, ORGANIZATION, "Demo")
    save_partners(keeping.engine, ORGANIZATION, [make_partner()])
    folder = purge.x12_folder / "demo"
    done = [
        folder / "incoming" / ".read" / "a",
        folder / "incoming" / ".kept-out" / "b",
        folder / "outgoing" / ".sent" / "276-000000001.x12",
    ]
    at_work = [
        folder / "incoming" / "answer.x12",
        folder / "incoming" / ".taken" / "c",
        folder / "outgoing" / "276-000000002.x12",
    ]
    for path in (*done, *at_work):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("ISA")
    assert _gone(purge) == {"exchanged_files": 3}
    assert [path.exists() for path in (*done, *at_work)] == [False] * 3 + [True] * 3


def test_sessions_go_when_they_have_ended(keeping: Keeping, purge: Purge) -> None:
    _add_session(keeping, "ended", _TODAY)
    _add_session(keeping, "open", _TODAY + timedelta(hours=2))
    assert _gone(replace(purge, now=_TODAY + timedelta(hours=1))) == {"sessions": 1}


def test_keys_and_what_was_learned_go_with_the_uploads(keeping: Keeping, purge: Purge) -> None:
    keeping.dropped()
    with writing(keeping.engine) as connection:
        connection.execute(
            insert(tables.idempotency_keys).values(
                organization_id=ORGANIZATION,
                key="key-1",
                body_sha256="ab" * 32,
                state="done",
                created_at=_TODAY,
            )
        )
        connection.execute(
            insert(tables.claim_densities).values(
                organization_id=ORGANIZATION,
                tin="070000001",
                payer_id="87726",
                window_first=_TODAY.date(),
                window_last=_TODAY.date(),
                claims=1,
                at_least=False,
                observed_at=_TODAY,
            )
        )
    assert _gone(replace(purge, now=_TODAY + timedelta(days=29))) == {}
    assert _gone(purge) == {"idempotency_keys": 1, "claim_densities": 1}


def test_the_audit_log_is_kept_for_its_own_time_and_still_holds(
    keeping: Keeping, purge: Purge
) -> None:
    # The clocks of two machines differ: the third entry seems older than the second.
    for days in (0, 3, 1, 4):
        with writing(keeping.engine) as connection:
            audit.append(
                connection,
                organization_id=ORGANIZATION,
                actor="user-1",
                action="view",
                upload_id=None,
                outcome="ok",
                now=_TODAY + timedelta(days=days),
            )
    purge = replace(purge, audit_kept_for=timedelta(days=100))
    assert _gone(replace(purge, now=_TODAY + timedelta(days=99))) == {}
    assert _gone(replace(purge, now=_TODAY + timedelta(days=102))) == {"audit_log": 1}
    verdict = audit.verify(keeping.engine)
    # Three are left, and one says that one is gone.
    assert (verdict.entries, verdict.is_whole) == (4, True)
    [newest, *_] = audit.list_entries(keeping.engine, organization_id=ORGANIZATION)
    assert (newest.actor, newest.action) == ("retention", "purge")


def test_the_outbox_knows_every_file_it_was_given(keeping: Keeping) -> None:
    upload = keeping.ended()
    outbox.write_refusal(upload, keeping.outbox, code="binary", message="Save it as CSV.")
    outbox.write_status(upload, keeping.outbox)
    assert sorted(outbox.outbox_files(keeping.outbox)) == keeping.in_outbox()


def _add_session(keeping: Keeping, session_id: str, expires_at: datetime) -> None:
    with writing(keeping.engine) as connection:
        connection.execute(
            insert(tables.sessions).values(
                id=session_id,
                user_id="user-1",
                sealed="x",
                expires_at=expires_at,
                created_at=_TODAY,
            )
        )


def test_followed_claims_go_when_they_have_been_final_for_their_own_time(
    keeping: Keeping, purge: Purge
) -> None:
    follow(keeping.engine, Row(claims=(("FH00000001", ClaimStatus.PAID),)), now=_TODAY)
    follow(keeping.engine, Row(claims=(("FH00000002", ClaimStatus.PENDING),)), now=_TODAY)
    purge.run()
    assert len(tracked(keeping.engine)) == 2

    gone = replace(purge, now=_TODAY + timedelta(days=91)).run()

    assert gone["tracked_claims"] == 1
    assert [claim.status for claim in tracked(keeping.engine)] == ["PENDING"]
