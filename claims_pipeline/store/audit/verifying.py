"""Whether the audit log is whole: each chain, its head, and copies of heads kept elsewhere."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Engine, RowMapping, select

from claims_pipeline.store import tables
from claims_pipeline.store.audit.heads import BEFORE_THE_FIRST, Head, is_sealed
from claims_pipeline.store.audit.log import digest_of
from claims_pipeline.store.audit.seals import Keys, audit_keys_of, key_named
from claims_pipeline.store.database import reading

_ENTRIES_AT_ONCE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """Whether the log is whole, and what was looked at.

    `broken_at` is the id of the first entry that does not fit the ones before it; `faults` says in
    words what else is wrong. `newest` is the time of the last entry.
    """

    entries: int
    broken_at: int | None
    faults: tuple[str, ...] = ()
    newest: datetime | None = None
    heads: tuple[Head, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return self.broken_at is None and not self.faults


@dataclass(slots=True)
class _Chain:
    """What is seen of one organization's entries."""

    previous: str | None = None
    anchor: str | None = None
    is_keyed: bool = False
    first_id: int = 0
    last_id: int = 0
    hashes: dict[int, str] = field(default_factory=dict)


def verify(engine: Engine, copies: Iterable[Head] = ()) -> AuditVerdict:
    """Recompute every chain, and compare its end with its head and with copies of heads.

    What retention has removed from the beginning is not missed: heads say how much that is.

    Raises:
        SettingsError: `audit_key_missing`.

    """
    keys = audit_keys_of(engine)
    kept = list(copies)
    wanted = {copy.last_id for copy in kept}
    with reading(engine) as connection:
        rows = connection.execute(select(tables.audit_heads)).mappings().all()
        counted: Counter[str] = Counter()
        chains: dict[str, _Chain] = {}
        newest: datetime | None = None
        broken_at: int | None = None
        for entry in _entries(connection):
            chain = chains.setdefault(entry["organization_id"], _Chain())
            if not _fits(chain, entry, keys):
                broken_at = entry["id"]
                break
            _take(chain, entry, is_wanted=entry["id"] in wanted)
            counted[entry["organization_id"]] += 1
            newest = entry["at"] if newest is None else max(newest, entry["at"])
    heads = {row["organization_id"]: Head.of(row) for row in rows}
    faults: list[str] = []
    if broken_at is None:
        faults = [
            *_faults_of_heads(rows, chains, counted, keys),
            *_faults_of_copies(kept, heads, chains),
        ]
    return AuditVerdict(
        entries=counted.total(),
        broken_at=broken_at,
        faults=tuple(faults),
        newest=newest,
        heads=tuple(heads.values()),
    )


def _entries(connection: Connection) -> Iterable[RowMapping]:
    last_id = 0
    while True:
        query = (
            select(tables.audit_log)
            .where(tables.audit_log.c.id > last_id)
            .order_by(tables.audit_log.c.id)
            .limit(_ENTRIES_AT_ONCE)
        )
        chunk = connection.execute(query).mappings().all()
        if not chunk:
            return
        yield from chunk
        last_id = chunk[-1]["id"]


def _fits(chain: _Chain, entry: RowMapping, keys: Keys) -> bool:
    follows = chain.previous is None or entry["previous_hash"] == chain.previous
    # Once a chain is sealed nobody without the key can go on with it.
    lost_its_key = chain.is_keyed and entry["key_id"] is None
    return (
        follows
        and not lost_its_key
        and bool(entry["hash"] == digest_of(entry, key_named(keys, entry["key_id"])))
    )


def _take(chain: _Chain, entry: RowMapping, *, is_wanted: bool) -> None:
    if chain.previous is None:
        chain.anchor, chain.first_id = entry["previous_hash"], entry["id"]
    chain.previous, chain.last_id = entry["hash"], entry["id"]
    chain.is_keyed = entry["key_id"] is not None
    if is_wanted:
        chain.hashes[entry["id"]] = entry["hash"]


def _faults_of_heads(
    rows: Iterable[RowMapping],
    chains: dict[str, _Chain],
    counted: Counter[str],
    keys: Keys,
) -> Iterable[str]:
    with_heads = set()
    for row in rows:
        head, organization = Head.of(row), row["organization_id"]
        with_heads.add(organization)
        chain = chains.get(organization, _Chain())
        if not is_sealed(row, keys) or (keys and row["key_id"] is None):
            yield f"{organization}: the head is not sealed with the key"
            continue
        missing = head.entries - head.purged - counted[organization]
        if missing > 0:
            yield f"{organization}: {missing:,} entries are missing"
        elif missing < 0 or (chain.previous or head.hash) != head.hash:
            yield f"{organization}: the last entry is not the one that the head names"
        elif (chain.anchor or head.anchor) != head.anchor:
            yield f"{organization}: the first entry is not the one that was left at the last purge"
    for organization, chain in chains.items():
        if organization not in with_heads and (chain.is_keyed or keys):
            yield f"{organization}: the head is missing"


def _faults_of_copies(
    copies: Iterable[Head], heads: dict[str, Head], chains: dict[str, _Chain]
) -> Iterable[str]:
    told = set()
    for copy in copies:
        head = heads.get(copy.organization_id)
        chain = chains.get(copy.organization_id, _Chain())
        if head is None or head.entries < copy.entries or head.purged < copy.purged:
            fault = "the head was set back"
        elif copy.entries <= head.purged or copy.hash == BEFORE_THE_FIRST:
            continue
        elif chain.hashes.get(copy.last_id) != copy.hash:
            fault = "an entry is not the one that a copy of the head names"
        else:
            continue
        if (copy.organization_id, fault) not in told:
            told.add((copy.organization_id, fault))
            yield f"{copy.organization_id}: {fault} (kept elsewhere)"
