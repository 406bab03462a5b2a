"""What is due becomes one upload for an organization, payer and day, most money first."""

import csv
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from claims_pipeline.model import ClaimStatus, Outcome
from claims_pipeline.operations.following import Following
from claims_pipeline.settings import load_settings
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.files import FileStore, open_file_store
from claims_pipeline.store.tracked import gathering
from claims_pipeline.store.tracked.gathering import Slot
from claims_pipeline_tests.store.tracked.builders import (
    NOW,
    ORGANIZATION,
    TODAY,
    Row,
    answer_upload,
    follow,
    slot,
    told,
    tracked,
)

DUE = TODAY + timedelta(days=14)
MORNING = datetime(2026, 3, 18, 13, 0, tzinfo=UTC)


def _pending(number: int, charged: int = 100) -> Row:
    return Row(
        person=f"EXAMPLE{chr(65 + number)}",
        charged=Decimal(charged),
        claims=((f"FH0000000{number}", ClaimStatus.PENDING),),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def files(folder: Path) -> FileStore:
    return open_file_store(str(folder))


def _following(engine: Engine, files: FileStore, **settings: str) -> Following:
    loaded = load_settings({"CLAIMS_FOLLOW_UP_CALLS_PER_DAY": "1000", **settings})
    return Following(settings=loaded, engine=engine, files=files)


def _asked(files: FileStore, upload_id: str) -> list[dict[str, str]]:
    with files.open(f"{ORGANIZATION}/{upload_id}/upload.csv") as stream:
        return list(csv.DictReader(stream.read().decode().splitlines()))


def _uploads(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        query = select(tables.uploads.c.id).where(tables.uploads.c.source == "follow_up")
        return list(connection.execute(query).scalars())


def test_what_is_due_is_asked_most_money_first(engine: Engine, files: FileStore) -> None:
    follow(engine, _pending(1, 50), _pending(2, 900), _pending(3, 300))
    following = _following(engine, files)

    assert following.gather(slot(DUE - timedelta(days=1)), now=MORNING) is not None
    assert _uploads(engine) == []
    made = following.gather(slot(DUE), now=MORNING)

    assert made is not None
    assert made.upload_id is not None
    assert [row["claim_number"] for row in _asked(files, made.upload_id)] == [
        "FH00000002",
        "FH00000003",
        "FH00000001",
    ]
    assert {claim.check_upload_id for claim in tracked(engine)} == {made.upload_id}


def test_the_day_has_one_upload_however_often_it_is_gathered(
    engine: Engine, files: FileStore
) -> None:
    follow(engine, _pending(1))
    following = _following(engine, files)
    assert following.gather(slot(DUE), now=MORNING) is not None
    assert following.gather(slot(DUE), now=MORNING) is None
    # Nor does the next day ask what is under check.
    later = following.gather(slot(DUE + timedelta(days=1)), now=MORNING)
    assert later is not None
    assert later.upload_id is None
    assert len(_uploads(engine)) == 1


def test_two_schedules_at_once_make_one_upload(
    engine: Engine, files: FileStore, folder: Path
) -> None:
    follow(engine, *(_pending(number) for number in range(9)))
    following = _following(engine, files)
    threads = [
        threading.Thread(target=lambda: following.gather(slot(DUE), now=MORNING)) for _ in range(4)
    ]
    threads += [threading.Thread(target=lambda: following.gather(slot(DUE, number=1), now=MORNING))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    checks = tables.claim_checks.c
    with reading(engine) as connection:
        asked = list(
            connection.execute(select(checks.tracked_id).where(checks.attempt == 0)).scalars()
        )
    assert sorted(asked) == sorted(claim.id for claim in tracked(engine))
    stored = {path.parent.name for path in folder.rglob("upload.csv")}
    assert stored == set(_uploads(engine))


def test_whoever_dies_while_gathering_leaves_all_due(
    engine: Engine, files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(engine, _pending(1), _pending(2))
    following = _following(engine, files)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(gathering, "_put_under_check", dies)
        with pytest.raises(KeyboardInterrupt):
            following.gather(slot(DUE), now=MORNING)
    assert _uploads(engine) == []
    assert {claim.check_upload_id for claim in tracked(engine)} == {None}

    made = following.gather(slot(DUE), now=MORNING)
    assert made is not None
    assert made.claims == 2


def test_what_does_not_fit_into_the_calls_of_the_day_is_left_for_later(
    engine: Engine, files: FileStore
) -> None:
    follow(engine, *(_pending(number, 100 * (number + 1)) for number in range(9)))
    following = _following(engine, files, CLAIMS_FOLLOW_UP_CALLS_PER_DAY="4")
    made = following.gather(slot(DUE), now=MORNING)
    assert made is not None
    assert made.upload_id is not None
    assert 0 < made.claims < 9
    assert made.claims + made.left_for_later == 9
    assert _asked(files, made.upload_id)[0]["claim_number"] == "FH00000008"

    none_left = _following(engine, files, CLAIMS_FOLLOW_UP_CALLS_PER_DAY="0")
    made = none_left.gather(slot(DUE, number=1), now=MORNING)
    assert made is not None
    assert made.upload_id is None


def test_a_gathered_claim_is_answered_by_its_own_row(engine: Engine, files: FileStore) -> None:
    follow(engine, _pending(1), Row(person="MISSING", outcome=Outcome.NOT_FOUND))
    made = _following(engine, files).gather(slot(DUE), now=MORNING)
    assert made is not None
    assert made.upload_id is not None

    answered = answer_upload(
        engine,
        made.upload_id,
        *(
            Row(person="EXAMPLEB", claims=((row["claim_number"], ClaimStatus.PAID),))
            if row["claim_number"]
            else Row(person="MISSING", outcome=Outcome.FAILED)
            for row in _asked(files, made.upload_id)
        ),
        checked_at=NOW + timedelta(days=14),
    )
    answered.tell(today=DUE)

    paid, missing = sorted(tracked(engine), key=lambda claim: claim.status)
    assert (paid.status, paid.check_upload_id, paid.checks) == ("PAID", None, 2)
    assert (missing.status, missing.next_check_on) == ("not_found", DUE + timedelta(days=1))
    assert told(engine)[-1] == ("status", "PENDING", "PAID")


def test_a_claim_that_is_handed_in_while_its_check_runs_is_told_once(
    engine: Engine, files: FileStore
) -> None:
    follow(engine, _pending(1))
    made = _following(engine, files).gather(slot(DUE), now=MORNING)
    assert made is not None
    assert made.upload_id is not None
    paid = Row(person="EXAMPLEB", claims=(("FH00000001", ClaimStatus.PAID),))

    follow(engine, paid, checked_at=NOW + timedelta(days=14), today=DUE)
    answered = answer_upload(
        engine, made.upload_id, paid, checked_at=NOW + timedelta(days=14, seconds=5)
    )
    answered.tell(today=DUE)

    [claim] = tracked(engine)
    assert (claim.status, claim.check_upload_id) == ("PAID", None)
    assert told(engine) == [("new", None, "PENDING"), ("status", "PENDING", "PAID")]


def test_a_missed_morning_is_made_up_for(engine: Engine, files: FileStore) -> None:
    follow(engine, _pending(1))
    following = _following(engine, files)
    five = datetime(2026, 3, 18, 10, 59, tzinfo=UTC)  # 05:59 in Chicago
    assert following.mornings_to_gather(five) == []
    afternoon = datetime(2026, 3, 18, 20, 0, tzinfo=UTC)
    [morning] = following.mornings_to_gather(afternoon)
    assert (morning.payer, morning.day) == ("uhc", DUE)
    [made] = following.gather_mornings(afternoon)
    assert made.claims == 1
    assert following.mornings_to_gather(afternoon) == []


def test_a_further_upload_of_a_day_takes_what_has_become_due(
    engine: Engine, files: FileStore
) -> None:
    follow(engine, _pending(1))
    following = _following(engine, files)
    assert following.gather_now(ORGANIZATION, now=NOW) == []
    made = following.gather_now(ORGANIZATION, now=MORNING)
    assert [each.claims for each in made] == [1]
    assert following.gather_now(ORGANIZATION, now=MORNING) == []
    # The schedule's own place is still free.
    assert following.gather(Slot(organization_id=ORGANIZATION, payer="uhc", day=DUE), now=MORNING)
