"""Removes all that Dagster keeps of a run, also what its own `delete_run` leaves (1.13)."""

import shutil
from contextlib import suppress
from pathlib import Path

import dagster as dg
from sqlalchemy import delete

# `delete_run` clears events and tags, but neither check executions nor a run's own SQLite file
# (dagster 1.13), and there is no public way. Dagster's storage takes a third of a second to import,
# which no run but the purge's has to pay.


def remove_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Remove a run that has ended, with its events, checks, logs and files; again is no error."""
    _remove_check_executions(instance, run_id)
    instance.compute_log_manager.delete_logs(prefix=[run_id, "compute_logs"])
    instance.delete_run(run_id)
    _remove_files(instance, run_id)


def _remove_check_executions(instance: dg.DagsterInstance, run_id: str) -> None:
    storage = instance.event_log_storage
    # One of a unified storage is wrapped.
    storage = getattr(storage, "_event_log_storage", storage)
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable  # noqa: PLC0415
    from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage  # noqa: PLC0415

    if isinstance(storage, SqlEventLogStorage):
        with storage.index_connection() as connection:
            connection.execute(
                delete(AssetCheckExecutionsTable).where(
                    AssetCheckExecutionsTable.c.run_id == run_id
                )
            )


def _remove_files(instance: dg.DagsterInstance, run_id: str) -> None:
    """On SQLite each run has a database of its own; wherever it is stored, it has a folder."""
    storage = instance.event_log_storage
    storage = getattr(storage, "_event_log_storage", storage)
    from dagster._core.storage.event_log.sqlite.sqlite_event_log import (  # noqa: PLC0415
        SqliteEventLogStorage,
    )

    if isinstance(storage, SqliteEventLogStorage):
        database = Path(storage.path_for_shard(run_id))
        for path in (database, *database.parent.glob(f"{database.name}-*")):
            path.unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        shutil.rmtree(Path(instance.storage_directory()) / run_id)
