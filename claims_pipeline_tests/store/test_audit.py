"""The audit log is a chain: nothing in it can be changed or taken out unnoticed."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, Executable, RowMapping, delete, select, update

from claims_pipeline.errors import SettingsError
from claims_pipeline.store import audit
from claims_pipeline.store.audit.seals import with_audit_keys
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.tables import audit_heads, audit_log
from claims_pipeline.store.tenants.practices import ensure_organization
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
    verdict = audit.verify(engine)
    assert (verdict.entries, verdict.is_whole) == (4, True)
    assert {head.organization_id: head.entries for head in verdict.heads} == {"demo": 2, "other": 2}


def test_an_untouched_chain_holds(engine: Engine) -> None:
    assert audit.verify(engine) == audit.AuditVerdict(entries=0, broken_at=None)
    for number in range(3):
        _append(engine, "view", after=number)
    verdict = audit.verify(engine)
    assert (verdict.entries, verdict.is_whole) == (3, True)
    assert verdict.newest == seconds_later(2)


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


KEY, LATER_KEY = b"k" * 32, b"l" * 32


def _rows(engine: Engine) -> list[RowMapping]:
    with reading(engine) as connection:
        return list(connection.execute(select(audit_log).order_by(audit_log.c.id)).mappings())


def _run(engine: Engine, *statements: Executable) -> None:
    with writing(engine) as connection:
        for statement in statements:
            connection.execute(statement)


def _last_is_cut(engine: Engine) -> None:
    _run(engine, delete(audit_log).where(audit_log.c.id == _rows(engine)[-1]["id"]))


def _most_are_cut(engine: Engine) -> None:
    _run(engine, delete(audit_log).where(audit_log.c.id > _rows(engine)[0]["id"]))


def _an_organizations_are_gone(engine: Engine) -> None:
    _run(engine, delete(audit_log).where(audit_log.c.organization_id == "other"))


def _beginning_is_cut(engine: Engine) -> None:
    _run(engine, delete(audit_log).where(audit_log.c.id == _rows(engine)[0]["id"]))


def _all_is_written_anew(engine: Engine) -> None:
    """By somebody who has the database, knows this code, and lacks the key."""
    told = _rows(engine)
    _run(engine, delete(audit_log), delete(audit_heads))
    for number, row in enumerate(told):
        organization_id = row["organization_id"]
        _append(engine, "view", organization_id=organization_id, after=number)


def _all_is_gone(engine: Engine) -> None:
    _run(engine, delete(audit_log), delete(audit_heads))


def _set_back(engine: Engine) -> None:
    """To what a backup held, the head too."""
    _run(engine, delete(audit_log), delete(audit_heads))
    sealed = with_audit_keys(engine, [KEY])
    _append(sealed, "login")


ATTACKS = (
    _last_is_cut,
    _most_are_cut,
    _an_organizations_are_gone,
    _beginning_is_cut,
    _all_is_written_anew,
)
SEEN_BY_COPIES = (_all_is_gone, _set_back)


@pytest.fixture
def sealed(engine: Engine) -> Engine:
    """A log of two organizations, from a time before there were keys and after."""
    _append(engine, "login")
    keyed = with_audit_keys(engine, [KEY])
    for number, organization_id in enumerate(["demo", "other", "demo", "other", "demo"], start=1):
        _append(keyed, "view", organization_id=organization_id, after=number)
    verdict = audit.verify(keyed)
    assert (verdict.entries, verdict.is_whole) == (6, True)
    return keyed


@pytest.mark.parametrize("attack", [*ATTACKS, *SEEN_BY_COPIES])
def test_what_is_cut_off_set_back_or_written_anew_is_seen(
    engine: Engine, sealed: Engine, attack: Callable[[Engine], None]
) -> None:
    heads = audit.verify(sealed).heads
    attack(engine)
    if attack in ATTACKS:
        assert not audit.verify(sealed).is_whole
    assert not audit.verify(sealed, heads).is_whole


def test_a_copy_of_a_head_that_has_gone_on_is_no_fault(sealed: Engine) -> None:
    heads = audit.verify(sealed).heads
    _append(sealed, "view")
    assert audit.verify(sealed, heads).is_whole


def test_the_end_is_seen_without_a_key_too(engine: Engine) -> None:
    for _ in range(3):
        _append(engine, "view")
    _last_is_cut(engine)
    assert audit.verify(engine).faults == ("demo: 1 entries are missing",)


def test_nobody_goes_on_with_a_sealed_chain_without_its_key(engine: Engine, sealed: Engine) -> None:
    with pytest.raises(SettingsError) as caught:
        _append(engine, "view")
    assert caught.value.code == "audit_key_missing"
    assert audit.verify(sealed).is_whole


def test_a_key_may_be_changed(engine: Engine, sealed: Engine) -> None:
    both = with_audit_keys(engine, [LATER_KEY, KEY])
    _append(both, "view")
    assert audit.verify(both).is_whole
    with pytest.raises(SettingsError):
        audit.verify(sealed)


def test_a_log_from_before_there_was_a_key_is_sealed_once(engine: Engine) -> None:
    for organization_id in ("demo", "other"):
        ensure_organization(engine, organization_id, organization_id, [])
        _append(engine, "login", organization_id=organization_id)
    # As a database is that was brought up to date: without heads.
    _run(engine, delete(audit_heads).where(audit_heads.c.organization_id == "other"))
    keyed = with_audit_keys(engine, [KEY])
    assert not audit.verify(keyed).is_whole
    assert audit.seal_heads(keyed, known={}) == 2
    verdict = audit.verify(keyed)
    assert (verdict.entries, verdict.is_whole) == (2, True)
    # A head that is known elsewhere and is gone is not made anew.
    _run(engine, delete(audit_heads))
    _last_is_cut(engine)
    known = {head.organization_id: head for head in verdict.heads}
    assert audit.seal_heads(keyed, known=known) == 1
    assert not audit.verify(keyed, known.values()).is_whole


def test_what_retention_removed_is_known_and_told(sealed: Engine) -> None:
    heads = audit.verify(sealed).heads
    assert audit.count_old(sealed, seconds_later(3)) == 3
    assert audit.remove_old(sealed, seconds_later(3), now=seconds_later(9)) == 3
    verdict = audit.verify(sealed, heads)
    # Each of the two chains says that something was removed.
    assert (verdict.entries, verdict.is_whole) == (5, True)
    assert [row["action"] for row in _rows(sealed)][-2:] == ["purge", "purge"]
    assert sum(head.purged for head in verdict.heads) == 3


def test_writers_at_once_make_one_chain(engine: Engine) -> None:
    threads = [
        threading.Thread(target=lambda: [_append(engine, "view") for _ in range(10)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = audit.verify(engine)
    assert (verdict.entries, verdict.is_whole) == (40, True)


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
