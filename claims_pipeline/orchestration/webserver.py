"""Dagster's webserver, which takes changes from its own pages and from programs only.

    python -m claims_pipeline.orchestration.webserver --host 127.0.0.1 --port 3000 --workspace FILE

Dagster's own executes a mutation that stands in the address of a GET, whoever's page sent the
browser there, and under any host name, so that a link can start or end runs. In front of it stands
a guard; the rest, arguments included, is Dagster's.
"""

import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from dagster_webserver import app, cli

from claims_pipeline.settings import load_settings

_Scope = Mapping[str, Any]
_Receive = Callable[[], Awaitable[Any]]
_Send = Callable[[Mapping[str, Any]], Awaitable[None]]
_App = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

# Versions only; orchestrators ask for it under a pod's address.
_PROBE = "/server_info"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
# What a browser says of a request that its own user typed, or that one of our pages made.
_OWN = frozenset({"same-origin", "none"})


class Guard:
    """Refuses HTTP requests for other hosts, from other sites' pages, and operations by GET.

    `hosts` are names without ports.
    """

    def __init__(self, app: _App, *, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Pass on what is allowed; the rest is answered here, in words."""
        refusal = self._refusal(scope) if scope["type"] in {"http", "websocket"} else None
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _answer(send, *refusal)

    def _refusal(self, scope: _Scope) -> tuple[int, str] | None:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        host = headers.get("host", "")
        if scope["path"] == _PROBE:
            return None
        if _name_of(f"//{host}") not in self._hosts:
            return (
                421,
                "This host name is not served here. Operators list it in CLAIMS_DAGSTER_HOSTS.",
            )
        method = scope.get("method", "GET")
        is_operation = scope["path"].endswith("/graphql") and (
            method not in _READING or "query" in parse_qs(scope["query_string"].decode("latin-1"))
        )
        if scope["type"] == "http" and method in _READING:
            return (405, "Send GraphQL operations by POST.") if is_operation else None
        origin = headers.get("origin")
        if headers.get("sec-fetch-site", "none") not in _OWN or (
            origin is not None and urlsplit(origin).netloc != host
        ):
            return 403, "Changes are taken from this server's own pages only."
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if scope["type"] == "http" and content_type != "application/json":
            # A form of another site may be sent without asking; JSON may not.
            return 415, "Send JSON."
        return None


def hosts_of(listed: str) -> frozenset[str]:
    """The host names of a list with commas, in which whole addresses may stand too."""
    named = (
        _name_of(entry if "://" in entry else f"//{entry}")
        for entry in (part.strip() for part in listed.split(","))
        if entry
    )
    return frozenset(name for name in named if name)


def _name_of(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


async def _answer(send: _Send, status: int, sentence: str) -> None:
    body = f"{sentence}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main(arguments: list[str] | None = None) -> None:
    """Serve until told to stop; `arguments` are those of `dagster-webserver`."""
    make_app = app.create_app_from_workspace_process_context
    hosts = hosts_of(load_settings().dagster_hosts)

    def make_guarded_app(*positional: Any, **named: Any) -> Any:
        made = make_app(*positional, **named)
        made.add_middleware(Guard, hosts=hosts)
        return made

    # Dagster has no public way to add to its app (1.13).
    cli.create_app_from_workspace_process_context = make_guarded_app  # type: ignore[attr-defined]
    cli.dagster_webserver.main(arguments, prog_name="webserver")


if __name__ == "__main__":
    main(sys.argv[1:])
