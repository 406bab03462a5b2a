"""The operations of the app, as its routes tell them: a new route is tested by being there."""

import http.client
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from claims_pipeline_tests.upload_api.api import Api

# Whoever needs no token says so here: the API's document, where to sign in, whether it is alive.
PUBLIC = frozenset(
    {"/api/v1/openapi.json", "/.well-known/oauth-protected-resource", "/healthz", "/readyz"}
)


@dataclass(frozen=True, slots=True, order=True)
class Operation:
    """A method and a path, in which `{upload_id}` stands for an id."""

    method: str
    path: str

    def path_of(self, upload_id: str | None = None) -> str:
        """The path for an upload; for one that is not there unless an id is given."""
        return self.path.replace("{upload_id}", upload_id or str(uuid4()))


def protected_operations(app: FastAPI) -> list[Operation]:
    """Every operation that needs a caller."""
    return sorted(
        Operation(method, str(route.path))
        for route in iter_route_contexts(app.routes)
        if route.path not in PUBLIC
        for method in route.methods or ()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, as far as these tests look at it."""

    status: int
    challenge: str | None
    content_type: str | None
    body: bytes


class Caller:
    """Sends headers as they are, twice the same too; one connection for all that it asks."""

    def __init__(self, api: Api) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(api.url).netloc, timeout=30)

    def close(self) -> None:
        self._connection.close()

    def ask(
        self, operation: Operation, headers: Sequence[tuple[str, str]], *, query: str = ""
    ) -> Answer:
        """One HTTP exchange without a body."""
        self._connection.putrequest(operation.method, operation.path_of() + query)
        for name, value in headers:
            self._connection.putheader(name, value)
        self._connection.putheader("Content-Length", "0")
        self._connection.endheaders()
        answer = self._connection.getresponse()
        return Answer(
            status=answer.status,
            challenge=answer.headers["WWW-Authenticate"],
            content_type=answer.headers["Content-Type"],
            body=answer.read(),
        )
