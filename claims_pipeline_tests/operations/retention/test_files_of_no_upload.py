import os
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from claims_pipeline.operations.retention import remove_files_of_no_upload
from claims_pipeline_tests.operations.retention.builders import Keeping
from claims_pipeline_tests.store.builders import NOW, ORGANIZATION
from claims_pipeline_tests.store.files.listing import keys_of

AN_HOUR = timedelta(hours=1)


def stored(keeping: Keeping, *, hours_ago: float) -> str:
    """A file that never became an upload: its API was killed before the row."""
    key = f"{ORGANIZATION}/{uuid4()}/upload.csv"
    keeping.files.write(key, [b"first_name\nAda\n"], max_bytes=100)
    age(keeping, key, hours_ago)
    return key


def age(keeping: Keeping, key: str, hours: float) -> None:
    then = (NOW - hours * AN_HOUR).timestamp()
    os.utime(Path(keeping.files.location(key)), (then, then))


def test_a_file_of_no_upload_goes_after_an_hour_and_others_stay(keeping: Keeping) -> None:
    orphan, fresh = stored(keeping, hours_ago=2), stored(keeping, hours_ago=0.5)
    upload = keeping.ended()
    of_upload = keys_of(keeping.files, f"{ORGANIZATION}/{upload.id}")
    assert len(of_upload) > 1
    for key in of_upload:
        age(keeping, key, 48)

    removed = remove_files_of_no_upload(keeping.engine, keeping.files, before=NOW - AN_HOUR)

    assert removed == 1
    assert keys_of(keeping.files) == sorted([fresh, *of_upload])
    assert not Path(keeping.files.location(orphan)).parent.exists()
