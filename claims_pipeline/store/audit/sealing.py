"""Sealing the heads of chains that were written before there was a key."""

from collections.abc import Mapping

from sqlalchemy import Connection, Engine, exists, select

from claims_pipeline.store import tables
from claims_pipeline.store.audit.heads import Head, head_of, is_sealed, keep_head
from claims_pipeline.store.audit.log import lock_chain
from claims_pipeline.store.audit.seals import audit_keys_of
from claims_pipeline.store.database import reading, writing


def seal_heads(engine: Engine, *, known: Mapping[str, Head]) -> int:
    """Seal what has no seal of a key, unless another head is `known` of the chain; how many."""
    if not audit_keys_of(engine):
        return 0
    log, heads, organizations = (
        tables.audit_log.c,
        tables.audit_heads.c,
        tables.organizations.c,
    )
    # By organization, so that each is one look into an index: this is asked every few seconds.
    unsealed = select(organizations.id).where(
        organizations.id.not_in(select(heads.organization_id).where(heads.key_id.is_not(None))),
        exists().where(log.organization_id == organizations.id),
    )
    with reading(engine) as connection:
        found = list(connection.execute(unsealed).scalars())
    sealed = 0
    for organization_id in found:
        with writing(engine) as connection:
            sealed += _seal(connection, organization_id, known.get(organization_id))
    return sealed


def _seal(connection: Connection, organization_id: str, known: Head | None) -> bool:
    lock_chain(connection, organization_id)
    heads = tables.audit_heads
    query = select(heads).where(heads.c.organization_id == organization_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is not None and (row["key_id"] is not None or not is_sealed(row, ())):
        return False
    head = head_of(connection, organization_id)
    if head is None or known not in (None, head):
        return False
    keep_head(connection, head)
    return True
