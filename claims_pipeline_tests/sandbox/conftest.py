"""A running sandbox, and a client that speaks to it as the payer's contract says."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
import requests

from claims_pipeline.sandbox.running import Sandbox, running_sandbox

TODAY = date(2026, 3, 18)
TIN = "070000001"
ADA = {"ptntFn": "ADA", "ptntLn": "EXAMPLE", "ptntDob": "05/10/1975"}
SUMMARY = "/Claims/api/claim/summary/byprovider/v2.0"


def us_date(day: date) -> str:
    return day.strftime("%m/%d/%Y")


def days_ago(days: int) -> str:
    return us_date(TODAY - timedelta(days=days))


@dataclass
class Client:
    """Asks one sandbox with a token of its own."""

    sandbox: Sandbox
    session: requests.Session = field(default_factory=requests.Session)

    def new_token(self, **form: str) -> requests.Response:
        """Ask for a token with the right credentials, but for what `form` says."""
        form = {
            "grant_type": "client_credentials",
            "client_id": "sandbox",
            "client_secret": "sandbox",
            **form,
        }
        answer = self.session.post(f"{self.sandbox.url}/v1/oauthtoken", data=form, timeout=5)
        if answer.ok:
            token = answer.json()["access_token"]
            self.session.headers["Authorization"] = f"Bearer {token}"
        return answer

    def summary(self, first: int, last: int, **headers: str | None) -> requests.Response:
        """Search from `first` to `last` days ago; a header of None is left out."""
        sent: dict[str, Any] = {
            "tin": TIN,
            "payerId": "87726",
            "firstServiceDt": days_ago(first),
            "lastServiceDt": days_ago(last),
            "getStandardError": "true",
            **headers,
        }
        url = self.sandbox.url + SUMMARY
        return self.session.get(
            url, headers={name: value for name, value in sent.items() if value}, timeout=5
        )

    def about(self, kind: str, **headers: str) -> requests.Response:
        url = f"{self.sandbox.url}/Claims/api/claim/{kind}/v2.0"
        return self.session.get(url, headers={"getStandardError": "true", **headers}, timeout=5)


def code_of(answer: requests.Response) -> str:
    return str(answer.json()["errors"][0]["code"])


@pytest.fixture(scope="package")
def running() -> Iterator[Sandbox]:
    with running_sandbox(seed=7, today=lambda: TODAY) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    client = Client(sandbox)
    with client.session:
        assert client.new_token().status_code == 200
        yield client
