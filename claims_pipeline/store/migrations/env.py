"""What Alembic runs; `claims_pipeline.store.migrating` hands it an open connection."""

from alembic import context

from claims_pipeline.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    # SQLite's schema changes are transactional too, because we begin transactions ourselves.
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
