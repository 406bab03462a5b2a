"""The real API over real HTTP: uvicorn in a thread on loopback, a real store, a small issuer.

with running_issuer() as issuer, running_api(tmp_path, issuer) as api:
    answer = api.get("/api/v1/claims/csv-jobs/", token=issuer.token())
"""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine

from claims_pipeline.cli.local.local_store import demo_practices
from claims_pipeline.settings import Settings, load_settings
from claims_pipeline.store import uploads
from claims_pipeline.store.database import open_engine
from claims_pipeline.store.files import FileStore, open_file_store
from claims_pipeline.store.migrating import upgrade
from claims_pipeline.store.tenants.practices import ensure_organization
from claims_pipeline.store.uploads import Upload
from claims_pipeline.upload_api.app import create_app
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer

# Both have the sandbox's practices.
ORGANIZATION = "demo"
OTHER_ORGANIZATION = "other"
_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """An API that is running; `url` has no slash at its end."""

    url: str
    app: FastAPI
    issuer: Issuer
    settings: Settings
    engine: Engine
    files: FileStore

    def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = _TIMEOUT_S,
        **options: Any,
    ) -> requests.Response:
        """One HTTP exchange; `options` as `requests.request` takes them. Follows no redirect."""
        shown = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return requests.request(
            method,
            f"{self.url}{path}",
            headers={**shown, **(headers or {})},
            allow_redirects=False,
            timeout=timeout,
            **options,
        )

    def get(self, path: str, **options: Any) -> requests.Response:
        """GET, as `call`."""
        return self.call("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        """POST, as `call`."""
        return self.call("POST", path, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        """DELETE, as `call`."""
        return self.call("DELETE", path, **options)

    def add_upload(
        self,
        content: bytes = b"claim_number,first_name,last_name,date_of_birth\n",
        *,
        organization_id: str = ORGANIZATION,
        user_id: str = "analyst-1",
        file_name: str = "worklist.csv",
        now: datetime | None = None,
        **fields: Any,
    ) -> Upload:
        """An upload in the store that the API did not take; `fields` as `NewUpload`."""
        upload_id = str(uuid4())
        key = f"{organization_id}/{upload_id}/upload.csv"
        stored = self.files.write(key, [content], max_bytes=self.settings.max_file_bytes)
        new = uploads.NewUpload(
            **{
                "id": upload_id,
                "organization_id": organization_id,
                "payer": "uhc",
                "source": "api",
                "file_name": file_name,
                "file_key": key,
                "file_size": stored.size,
                "file_sha256": stored.sha256,
                "user_id": user_id,
                "user_email": f"{user_id}@example.org",
                **fields,
            },
        )
        return uploads.create_upload(self.engine, new, now=now or datetime.now(UTC))


@contextmanager
def running_api(
    home: Path,
    issuer: Issuer,
    *,
    settings: Mapping[str, str] | None = None,
    store_url: str | None = None,
) -> Iterator[Api]:
    """Run the API on a free port of this machine while the block lasts, with `home` for its store.

    `settings` are environment variables; nothing of the tester's own is taken over. A stack's home
    may be given too. `store_url` is the database's address for the test, where the API's own role
    may do less.
    """
    used = load_settings({"CLAIMS_HOME": str(home), **issuer.settings(), **(settings or {})})
    home.mkdir(parents=True, exist_ok=True)
    engine = open_engine(store_url or used.resolved_database_url)
    if store_url is None:
        upgrade(engine)
    for organization in (ORGANIZATION, OTHER_ORGANIZATION):
        ensure_organization(engine, organization, organization.title(), demo_practices())
    app = create_app(used)
    try:
        with _served(app) as url:
            yield Api(
                url=url,
                app=app,
                issuer=issuer,
                settings=used,
                engine=engine,
                files=open_file_store(used.resolved_files),
            )
    finally:
        engine.dispose()


@contextmanager
def _served(app: FastAPI) -> Iterator[str]:
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            # As `claims_pipeline.upload_api.serving` runs it.
            proxy_headers=False,
            timeout_graceful_shutdown=2,
        )
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="api", daemon=True
        )
        thread.start()
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the API did not start; its log says why")
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=_TIMEOUT_S)
