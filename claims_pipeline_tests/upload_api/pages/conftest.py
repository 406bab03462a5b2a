"""A running API with pages for the tests of this room."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from claims_pipeline_tests.upload_api.api import Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer

PAGE_SETTINGS = {
    "CLAIMS_KEYCLOAK_CLIENT_ID": "claims-page",
    "CLAIMS_KEYCLOAK_CLIENT_SECRET": "development-only-page-secret",
    "CLAIMS_DAGSTER_UI_URL": "http://dagster.test",
}


@pytest.fixture
def page_api(tmp_path: Path, issuer: Issuer, migrated_sqlite_file: Path) -> Iterator[Api]:
    """An API with pages on an empty store of its own, with the organizations `demo` and `other`."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(migrated_sqlite_file, home / "claims.sqlite")
    with running_api(home, issuer, settings=PAGE_SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def shared_page_api(
    tmp_path_factory: pytest.TempPathFactory, issuer: Issuer, migrated_sqlite_file: Path
) -> Iterator[Api]:
    """As `page_api`, for the tests of a module that each make uploads of their own."""
    home = tmp_path_factory.mktemp("home")
    shutil.copyfile(migrated_sqlite_file, home / "claims.sqlite")
    with running_api(home, issuer, settings=PAGE_SETTINGS) as running:
        yield running
