"""The sign-in endpoints of a realm: device flow, refresh, client credentials.

Its access tokens are those of a test issuer, so an API that trusts the issuer takes them.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from claims_pipeline_tests.upload_api.keycloak.issuer import REALM, Issuer

SECRET = "synthetic-secret"


class SignInServer:
    """Answers the two addresses that a command asks; `asked` has the grants, in order.

    A token is for the organization that its scope asks for. `refusals` are given instead of the
    next tokens, as Keycloak's error codes.
    """

    def __init__(self, url: str, issuer: Issuer) -> None:
        self.url = url
        self.asked: list[str] = []
        self.refusals: list[str] = []
        self.lifetime_s = 300
        self._issuer = issuer
        self._scope = ""

    def settings(self) -> dict[str, str]:
        return {"CLAIMS_KEYCLOAK_URL": self.url, "CLAIMS_KEYCLOAK_REALM": REALM}

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        if path.endswith("/auth/device"):
            self._scope = form["scope"]
            return 200, {
                "device_code": "device",
                "user_code": "WXYZ",
                "verification_uri": f"{self.url}/device",
                "verification_uri_complete": f"{self.url}/device?user_code=WXYZ",
                "expires_in": 600,
                "interval": 0,
            }
        self.asked.append(form["grant_type"])
        if self.refusals:
            return 400, {"error": self.refusals.pop(0)}
        if form["grant_type"] == "client_credentials" and form.get("client_secret") != SECRET:
            return 401, {"error": "invalid_client"}
        named = [part[13:] for part in self._scope.split() if part.startswith("organization:")]
        return 200, {
            "access_token": self._issuer.token(
                roles=["claims-operator"], organization=named or ["demo"]
            ),
            "expires_in": self.lifetime_s,
            "refresh_token": "refresh",
        }


@contextmanager
def running_sign_in_server(issuer: Issuer) -> Iterator[SignInServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            status, content = signs_in.answer(
                self.path, {name: values[0] for name, values in form.items()}
            )
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    signs_in = SignInServer(f"http://127.0.0.1:{server.server_port}", issuer)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield signs_in
    finally:
        server.shutdown()
        server.server_close()
