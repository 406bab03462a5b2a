"""A running API for the tests of this room."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from claims_pipeline_tests.upload_api.api import Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer


@pytest.fixture
def api(tmp_path: Path, issuer: Issuer, migrated_sqlite_file: Path) -> Iterator[Api]:
    """An API on an empty store of its own, with the organizations `demo` and `other`."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(migrated_sqlite_file, home / "claims.sqlite")
    with running_api(home, issuer) as running:
        yield running


@pytest.fixture(scope="module")
def shared_api(
    tmp_path_factory: pytest.TempPathFactory, issuer: Issuer, migrated_sqlite_file: Path
) -> Iterator[Api]:
    """As `api`, for the tests of a module that each make uploads of their own."""
    home = tmp_path_factory.mktemp("home")
    shutil.copyfile(migrated_sqlite_file, home / "claims.sqlite")
    with running_api(home, issuer) as running:
        yield running
