"""Asks Dagster over GraphQL: launch a run, find it again, end it, say how its daemons are."""

from claims_pipeline.settings import Settings


class DagsterClient:
    """One Dagster webserver; safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
