"""What lies in a file store."""

from datetime import UTC, datetime, timedelta

from claims_pipeline.store.files import FileStore


def keys_of(files: FileStore, below: str = "") -> list[str]:
    """The keys of all complete files, or of those below a prefix, in order."""
    prefix = f"{below}/" if below else ""
    everything = files.written_before(datetime.now(UTC) + timedelta(days=1))
    return sorted(key for key in everything if key.startswith(prefix))
