"""Where uploads and results are kept as files: in a folder of this machine, or in a bucket."""

from claims_pipeline.store.files.base import FileStore, StoredFile
from claims_pipeline.store.files.folder import make_folder
from claims_pipeline.store.files.opening import file_store_of, open_file_store

__all__ = ["FileStore", "StoredFile", "file_store_of", "make_folder", "open_file_store"]
