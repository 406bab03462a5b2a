"""PostgreSQL's row-level security, as migrations put it on each table of an organization's rows.

Migrations that have run call this, so what it gives for the same arguments does not change.
"""

from collections.abc import Iterator, Sequence

_NAMED = "current_setting('claims.organization_id', true)"


def statements_to_secure(
    table: str,
    *,
    column: str = "organization_id",
    commands: Sequence[str] = ("ALL",),
    is_found_before_its_organization: bool = False,
) -> Iterator[str]:
    """SQL that shows the table by organization to all who do not own it.

    Such a role sees the rows of the organization that its transaction names in
    `claims.organization_id`, and reads those of all when it names `*`. The owner passes by a
    policy, so that the security can be forced; a role with BYPASSRLS passes without, and only such
    a one may COPY.

    Args:
        table: Its name.
        column: The column that says whose a row is.
        commands: What may be done with rows of one's own: `ALL`, or some of `SELECT`, `INSERT`.
        is_found_before_its_organization: Whoever names `*` may write as well: such a row is made,
            and looked for, before it is known whose it is.

    """
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    # By the owner's id, so that a backup may be restored by an owner of another name.
    owner = f"SELECT relowner FROM pg_class WHERE oid = '{table}'::regclass"  # noqa: S608
    yield f"CREATE POLICY owner ON {table} USING (pg_has_role(({owner}), 'USAGE'))"
    yield f"CREATE POLICY reads_all ON {table} FOR SELECT USING ({_NAMED} = '*')"
    is_own = f"{column} = {_NAMED}"
    if is_found_before_its_organization:
        is_own = f"{is_own} OR {_NAMED} = '*'"
    for command in commands:
        condition = "WITH CHECK" if command == "INSERT" else "USING"
        yield (
            f"CREATE POLICY own_{command.lower()} ON {table} FOR {command} {condition} ({is_own})"
        )
