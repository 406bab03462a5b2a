"""The audit log is a chain: nothing in it can be changed or taken out unnoticed."""

import threading

import pytest
from sqlalchemy import Engine, delete, update

from claims_pipeline.store import audit
from claims_pipeline.store.database import writing
from claims_pipeline.store.tables import audit_log
from claims_pipeline_tests.store.builders import NOW, seconds_later


def _append(engine: Engine, action: str, *, organization_id: str = "demo", after: int = 0) -> None:
    with writing(engine) as connection:
        audit.append(
            connection,
            organization_id=organization_id,
            actor="user-1",
            action=action,
            upload_id=None,
            outcome="ok",
            now=seconds_later(after),
        )


def test_entries_are_listed_newest_first_for_their_organization(engine: Engine) -> None:
    for number, action in enumerate(["login", "upload", "download"]):
        _append(engine, action, after=number)
    _append(engine, "login", organization_id="other")
    listed = audit.list_entries(engine, organization_id="demo", page=1, page_size=2)
    assert [entry.action for entry in listed] == ["download", "upload"]
    second = audit.list_entries(engine, organization_id="demo", page=2, page_size=2)
    assert [(entry.action, entry.at) for entry in second] == [("login", NOW)]


def test_each_organization_has_a_chain_of_its_own(engine: Engine) -> None:
    for organization_id in ("demo", "other", "demo", "other"):
        _append(engine, "view", organization_id=organization_id)
    with writing(engine) as connection:
        connection.execute(delete(audit_log).where(audit_log.c.organization_id == "other"))
    assert audit.verify(engine) == audit.AuditVerdict(entries=2, broken_at=None)


def test_an_untouched_chain_holds(engine: Engine) -> None:
    assert audit.verify(engine) == audit.AuditVerdict(entries=0, broken_at=None)
    for _ in range(3):
        _append(engine, "view")
    assert audit.verify(engine) == audit.AuditVerdict(entries=3, broken_at=None)


@pytest.mark.parametrize(
    "change",
    [
        update(audit_log).where(audit_log.c.action == "delete").values(actor="user-2"),
        update(audit_log).where(audit_log.c.action == "delete").values(at=seconds_later(1)),
        update(audit_log).where(audit_log.c.action == "delete").values(code="x"),
        delete(audit_log).where(audit_log.c.action == "delete"),
    ],
)
def test_a_changed_or_missing_entry_breaks_the_chain(engine: Engine, change: object) -> None:
    for action in ("login", "delete", "view", "view"):
        _append(engine, action)
    with writing(engine) as connection:
        connection.execute(change)  # type: ignore[call-overload]
    assert audit.verify(engine).broken_at is not None


def test_writers_at_once_make_one_chain(engine: Engine) -> None:
    threads = [
        threading.Thread(target=lambda: [_append(engine, "view") for _ in range(10)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert audit.verify(engine) == audit.AuditVerdict(entries=40, broken_at=None)


def test_an_entry_of_a_failed_transaction_is_not_kept(engine: Engine) -> None:
    def fail() -> None:
        with writing(engine) as connection:
            audit.append(
                connection,
                organization_id="demo",
                actor="user-1",
                action="upload",
                upload_id=None,
                outcome="ok",
                now=NOW,
            )
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert audit.verify(engine).entries == 0
