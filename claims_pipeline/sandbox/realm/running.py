"""Start the realm: in this process for good or in a thread, on loopback or not at all."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address

import uvicorn

from claims_pipeline.errors import SettingsError
from claims_pipeline.sandbox.realm.directory import CLIENTS, REALM
from claims_pipeline.sandbox.realm.server import RealmApp
from claims_pipeline.settings import Settings

PAGE_CLIENT = "claims-page"
_STOP_WITHIN_S = 10


def require_sandbox_place(settings: Settings, *, host: str, port: int) -> str:
    """The address of a sandbox realm that may be served there, without a slash at its end.

    Raises:
        SettingsError: `realm_in_production`, `realm_not_on_loopback`, or `keycloak_configured`
            when the settings name another place to sign in at.

    """
    if settings.environment == "production":
        raise SettingsError(
            "realm_in_production",
            "The sandbox realm lets everybody in and does not run with "
            "CLAIMS_ENVIRONMENT=production.",
        )
    if not _is_loopback(host):
        raise SettingsError(
            "realm_not_on_loopback",
            "The sandbox realm lets everybody in and listens on loopback only, such as 127.0.0.1.",
        )
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    if settings.keycloak_url is not None and settings.keycloak_url.rstrip("/") != url:
        raise SettingsError(
            "keycloak_configured",
            "CLAIMS_KEYCLOAK_URL names a Keycloak, so there is no need for the sandbox realm. "
            "Unset it to use the sandbox realm.",
        )
    return url


def make_server(url: str) -> uvicorn.Server:
    """Return a server that is not yet running; it takes the sockets it is run with."""
    return _server_of(RealmApp(url))


def _server_of(app: RealmApp) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        ws="none",
        lifespan="off",
        # Addresses hold codes.
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def page_settings(url: str) -> dict[str, str]:
    """Environment variables with which the upload service signs people in at the realm."""
    return {
        "CLAIMS_KEYCLOAK_URL": url,
        "CLAIMS_KEYCLOAK_REALM": REALM,
        "CLAIMS_KEYCLOAK_CLIENT_ID": PAGE_CLIENT,
        "CLAIMS_KEYCLOAK_CLIENT_SECRET": CLIENTS[PAGE_CLIENT].secret or "",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRealm:
    """A realm that is running; `url` has no slash at its end."""

    url: str
    app: RealmApp

    def settings(self) -> dict[str, str]:
        """As `page_settings`."""
        return page_settings(self.url)


@contextmanager
def running_realm() -> Iterator[SandboxRealm]:
    """Run a realm on a free port of this machine, in a thread, while the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Whoever connects before the loop runs waits in the listener's queue.
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = RealmApp(url)
        server = _server_of(app)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="sandbox realm", daemon=True
        )
        thread.start()
        try:
            yield SandboxRealm(url=url, app=app)
        finally:
            server.should_exit = True
            thread.join(timeout=_STOP_WITHIN_S)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
