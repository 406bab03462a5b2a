"""Everything that can be looked at without Dagster, in one go."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from claims_pipeline.operations.doctor.configuration import examine_credentials, examine_settings
from claims_pipeline.operations.doctor.findings import Finding
from claims_pipeline.operations.doctor.folders import (
    examine_disk,
    examine_folders,
    examine_secret_files,
    examine_waiting_files,
    folders_of,
)
from claims_pipeline.operations.doctor.partners import examine_partners
from claims_pipeline.operations.doctor.stores import examine_database, examine_files
from claims_pipeline.settings import Settings


def examine(
    settings: Settings, environ: Mapping[str, str], *, ask_payers: bool
) -> Iterator[Finding]:
    """Look at settings, folders, secrets, file store and database.

    `ask_payers` also asks each payer for a token. Nothing is changed but a small file that is
    written and removed.
    """
    yield from examine_settings(settings)
    yield from examine_secret_files(environ)
    yield from examine_folders(folders_of(settings))
    yield examine_waiting_files(settings.resolved_inbox, datetime.now(UTC))
    yield from examine_files(settings)
    yield from examine_database(settings)
    yield from examine_partners(settings, datetime.now(UTC))
    yield examine_disk(settings.resolved_home)
    if ask_payers:
        yield from examine_credentials(settings)
