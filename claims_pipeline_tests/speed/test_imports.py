"""What every process that Dagster starts for us has to import."""

import json
import subprocess
import sys

import pytest

# Each is used by some deployments or commands only, and takes 50 to 500 ms of every run.
SELDOM_USED = (
    "alembic",
    "boto3",
    "celery",
    "fastapi",
    "fsspec",
    "keycloak",
    "psycopg",
    "psycopg2",
    "s3fs",
)


@pytest.fixture(scope="module")
def imported() -> set[str]:
    program = (
        "import json, sys, claims_pipeline.definitions; json.dump(list(sys.modules), sys.stdout)"
    )
    done = subprocess.run(
        (sys.executable, "-c", program), capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("package", SELDOM_USED)
def test_the_code_location_does_without(package: str, imported: set[str]) -> None:
    assert package not in imported
