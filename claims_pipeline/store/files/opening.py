"""Opens the file store that the settings name."""

from pathlib import Path

from claims_pipeline.errors import SettingsError
from claims_pipeline.settings import Settings
from claims_pipeline.store.files.base import FileStore
from claims_pipeline.store.files.folder import FolderFileStore

_OBJECT_STORAGE = "s3://"


def file_store_of(settings: Settings) -> FileStore:
    """The file store that the settings name; nothing is connected or made yet.

    Raises:
        SettingsError: `files_unsupported` for an address of another kind.

    """
    url = settings.resolved_files
    if not url.startswith(_OBJECT_STORAGE):
        return open_file_store(url)
    # Importing s3fs takes half a second, which each process of a run would pay for.
    from claims_pipeline.store.files.bucket import open_object_files  # noqa: PLC0415

    return open_object_files(settings)


def open_file_store(url: str) -> FileStore:
    """The file store in the folder `url`, which is made when the first file is written.

    Raises:
        SettingsError: `files_unsupported` for an address of another kind.

    """
    path = url.removeprefix("file://")
    if "://" in path or not path:
        raise SettingsError(
            "files_unsupported",
            "CLAIMS_FILES must be the path of a folder or s3://<bucket>/<prefix>.",
        )
    return FolderFileStore(Path(path).expanduser().absolute())
