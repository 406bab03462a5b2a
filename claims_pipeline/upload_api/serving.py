"""Runs the API with uvicorn, as `claims-pipeline api serve` does.

One process, or several that share the port. The first process also serves the internal port, with
its own view of the store, so that metrics of the store are counted once.
"""

import logging
import logging.config
import os
import secrets
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from claims_pipeline.errors import SettingsError
from claims_pipeline.settings import Settings, load_settings
from claims_pipeline.upload_api.app import create_app
from claims_pipeline.upload_api.http.logs import log_what_nobody_caught, logging_config
from claims_pipeline.upload_api.http.metrics import MULTIPROCESS_FOLDER
from claims_pipeline.upload_api.internal import create_internal_app
from claims_pipeline.upload_api.services import open_services

# Uploads under way get this long to end when the process is asked to; orchestrators wait 30 s.
_DRAIN_S = 25
# Longer than proxies keep a connection, so that none is closed as a request comes.
_KEEP_ALIVE_S = 75
_INTERNAL_STOP_S = 5
_SESSION_KEY = "CLAIMS_API_SESSION_KEY"
# A worker that imports on a busy machine is slow to say that it lives.
_WORKER_STARTS_WITHIN_S = 60
_LOGGER = logging.getLogger(__name__)


def serve(*, host: str, port: int, workers: int) -> None:
    """Serve until SIGTERM or SIGINT, then let what is under way end.

    Raises:
        SettingsError: a setting is missing or wrong, or a port cannot be had.

    """
    settings = load_settings()
    services = open_services(settings)
    logging.config.dictConfig(logging_config())
    log_what_nobody_caught()
    with ExitStack() as stack:
        stack.callback(services.engine.dispose)
        if workers > 1:
            _share_session_key(settings)
            os.environ[MULTIPROCESS_FOLDER] = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="claims-metrics-")
            )
        listener = stack.enter_context(_listening(host, port))
        if settings.api_internal_port is not None:
            internal = stack.enter_context(_listening(host, settings.api_internal_port))
            stack.enter_context(_in_a_thread(create_internal_app(services), internal))
        _LOGGER.info("listening on port %d", listener.getsockname()[1])
        _run(listener, workers)
        _LOGGER.info("stopped")


def served_app() -> FastAPI:
    """The app of a process that `serve` runs."""
    log_what_nobody_caught()
    return create_app()


def _share_session_key(settings: Settings) -> None:
    """Give all workers one key, so that each knows the sessions of the others."""
    if settings.api_session_key is None:
        os.environ[_SESSION_KEY] = secrets.token_urlsafe(32)


def _run(listener: socket.socket, workers: int) -> None:
    config = uvicorn.Config(
        f"{__name__}:{served_app.__name__}",
        factory=True,
        workers=workers,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=logging_config(),
        access_log=False,
        # Believed only from CLAIMS_API_TRUSTED_PROXIES, by a middleware of the app.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_worker_healthcheck=_WORKER_STARTS_WITHIN_S,
        timeout_graceful_shutdown=_DRAIN_S,
    )
    if workers > 1:
        Multiprocess(config, sockets=[listener]).run()
        return
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        # uvicorn has shut down in order and raises the signal once more.
        return


@contextmanager
def _in_a_thread(app: FastAPI, listener: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="internal", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=_INTERNAL_STOP_S)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError:
        raise SettingsError("port_unusable", f"Cannot listen on port {port}.") from None
