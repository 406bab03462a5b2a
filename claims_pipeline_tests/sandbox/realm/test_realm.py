"""The sandbox realm: tokens as the development realm's, and no place where it could do harm."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakAuthenticationError, KeycloakPostError

from claims_pipeline.cli.remote.sign_in import Tokens
from claims_pipeline.errors import SettingsError
from claims_pipeline.sandbox.realm.directory import (
    CLIENTS,
    DEMO,
    OTHER,
    PASSWORD,
    REALM,
    SERVICE_USER,
    USERS,
)
from claims_pipeline.sandbox.realm.running import (
    SandboxRealm,
    require_sandbox_place,
    running_realm,
)
from claims_pipeline.settings import load_settings
from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.keycloak.tokens import TokenVerifier
from claims_pipeline_tests.keycloak import REALM_FILE

OLDER_SCOPE = "openid profile email"
BACK = "http://localhost:8000/sign-in/callback"
TIMEOUT_S = 30


@pytest.fixture(scope="module")
def realm() -> Iterator[SandboxRealm]:
    with running_realm() as running:
        yield running


def client(realm: SandboxRealm, client_id: str) -> KeycloakOpenID:
    return KeycloakOpenID(
        server_url=f"{realm.url}/",
        realm_name=REALM,
        client_id=client_id,
        client_secret_key=CLIENTS[client_id].secret,
        timeout=TIMEOUT_S,
    )


def verifier(realm: SandboxRealm) -> TokenVerifier:
    return TokenVerifier(load_settings(realm.settings()))


def auth(realm: SandboxRealm, **changes: str) -> requests.Response:
    parameters = {
        "client_id": "claims-page",
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": OLDER_SCOPE,
        "state": "state",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    return requests.get(
        f"{realm.url}/realms/{REALM}/protocol/openid-connect/auth",
        params={name: value for name, value in {**parameters, **changes}.items() if value},
        allow_redirects=False,
        timeout=TIMEOUT_S,
    )


def test_it_knows_whom_and_what_the_development_realm_knows() -> None:
    content: dict[str, Any] = json.loads(REALM_FILE.read_text(encoding="utf-8"))
    organizations = {item["alias"]: item for item in content["organizations"]}
    for organization in (DEMO, OTHER):
        assert organizations.pop(organization.alias)["id"] == organization.id
    assert organizations == {}
    known = {**USERS, SERVICE_USER.username: SERVICE_USER}
    assert {user["username"] for user in content["users"]} == set(known)
    for theirs in content["users"]:
        ours = known[theirs["username"]]
        assert set(theirs["realmRoles"]) - {"default-roles-claims"} == set(ours.roles)
        if "email" in theirs:
            assert (theirs["email"], theirs["firstName"], theirs["lastName"]) == (
                ours.email,
                ours.first_name,
                ours.last_name,
            )
        members = {
            organization["alias"]
            for organization in content["organizations"]
            for member in organization["members"]
            if member["username"] == ours.username
        }
        assert members == ({ours.organization.alias} if ours.organization else set())
    secrets = {item["clientId"]: item.get("secret") for item in content["clients"]}
    # The proxy in front of Dagster is not there where this realm is.
    del secrets["claims-proxy"]
    assert secrets == {name: client.secret for name, client in CLIENTS.items()}


@pytest.mark.parametrize("username", sorted(USERS))
def test_a_password_gets_a_token_that_the_api_verifies_as_any_other(
    realm: SandboxRealm, username: str
) -> None:
    answer = client(realm, "claims-dev").token(username, PASSWORD, scope=OLDER_SCOPE)
    token = verifier(realm).verify(answer["access_token"])
    user = USERS[username]
    assert (token.user_id, token.email) == (user.id, user.email)
    assert {role.value for role in token.roles} == set(user.roles)
    assert [(one.alias, one.identity_id) for one in token.memberships] == (
        [(user.organization.alias, user.organization.id)] if user.organization else []
    )
    assert answer["expires_in"] == 300


def test_a_wrong_password_gets_none(realm: SandboxRealm) -> None:
    with pytest.raises(KeycloakAuthenticationError):
        client(realm, "claims-dev").token("analyst-a", "guessed")


def test_only_access_tokens_are_access_tokens(realm: SandboxRealm) -> None:
    answer = client(realm, "claims-dev").token("analyst-a", PASSWORD, scope=OLDER_SCOPE)
    for kind in ("id_token", "refresh_token"):
        with pytest.raises(ApiError):
            verifier(realm).verify(answer[kind])


def test_keys_are_made_at_each_start(realm: SandboxRealm) -> None:
    with running_realm() as other:
        foreign = client(other, "claims-dev").token("analyst-a", PASSWORD)["access_token"]
    with pytest.raises(ApiError):
        verifier(realm).verify(foreign)


def test_the_page_takes_no_passwords_and_needs_its_secret(realm: SandboxRealm) -> None:
    with pytest.raises(KeycloakPostError):
        client(realm, "claims-page").token("analyst-a", PASSWORD)
    without = client(realm, "claims-service")
    without.client_secret_key = "guessed"
    with pytest.raises(KeycloakAuthenticationError):
        without.token(grant_type="client_credentials")


def test_a_program_gets_a_token_by_its_secret(realm: SandboxRealm) -> None:
    answer = client(realm, "claims-service").token(grant_type="client_credentials")
    assert [one.alias for one in verifier(realm).verify(answer["access_token"]).memberships] == [
        "demo"
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
        {"response_type": "token"},
    ],
)
def test_nobody_signs_in_without_pkce_s256(realm: SandboxRealm, change: dict[str, str]) -> None:
    answer = auth(realm, **change)
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["error"] == ["invalid_request"]


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "http://evil.example/"},
        {"redirect_uri": "http://localhost@evil.example/"},
        {"redirect_uri": "https://localhost.evil.example/"},
        {"redirect_uri": ""},
        {"client_id": "claims-cli"},
        {"client_id": "unknown"},
    ],
)
def test_no_browser_is_sent_off_this_machine(realm: SandboxRealm, change: dict[str, str]) -> None:
    answer = auth(realm, **change)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_a_name_that_leads_to_this_machine_is_not_this_machine(realm: SandboxRealm) -> None:
    answer = requests.post(
        f"{realm.url}/realms/{REALM}/protocol/openid-connect/token",
        data={
            "client_id": "claims-dev",
            "grant_type": "password",
            "username": "analyst-a",
            "password": PASSWORD,
        },
        headers={"Host": "rebound.evil.example"},
        timeout=TIMEOUT_S,
    )
    assert answer.status_code == 400
    assert "token" not in answer.text


def test_a_refresh_token_works_until_its_session_is_ended(realm: SandboxRealm) -> None:
    dev = client(realm, "claims-dev")
    answer = dev.token("analyst-a", PASSWORD, scope=OLDER_SCOPE)
    again = dev.refresh_token(answer["refresh_token"])
    assert again["access_token"] != answer["access_token"]
    dev.logout(again["refresh_token"])
    with pytest.raises(KeycloakPostError):
        dev.refresh_token(answer["refresh_token"])


def test_a_refresh_token_is_its_clients_own(realm: SandboxRealm) -> None:
    answer = client(realm, "claims-dev").token("analyst-a", PASSWORD, scope=OLDER_SCOPE)
    with pytest.raises(KeycloakPostError):
        client(realm, "claims-cli").refresh_token(answer["refresh_token"])


def test_the_command_line_signs_in_by_device_flow(realm: SandboxRealm, tmp_path: Path) -> None:
    told = threading.Event()
    lines: list[str] = []

    def tell(line: str) -> None:
        lines.append(line)
        told.set()

    def choose() -> None:
        told.wait(TIMEOUT_S)
        address = lines[0].splitlines()[1]
        form = {"username": "operator-a", "password": PASSWORD}
        requests.post(address, data=form, timeout=TIMEOUT_S).raise_for_status()

    person = threading.Thread(target=choose)
    person.start()
    tokens = Tokens(load_settings(realm.settings()), tell=tell, state_file=tmp_path / "token.json")
    user = verifier(realm).verify(tokens.access_token())
    person.join()
    assert user.user_id == USERS["operator-a"].id


@pytest.mark.parametrize(
    ("settings", "host", "code"),
    [
        ({"CLAIMS_ENVIRONMENT": "production"}, "127.0.0.1", "realm_in_production"),
        ({}, "0.0.0.0", "realm_not_on_loopback"),  # noqa: S104 - what is refused
        ({}, "192.0.2.1", "realm_not_on_loopback"),
        ({}, "::", "realm_not_on_loopback"),
        ({}, "localhost.evil.example", "realm_not_on_loopback"),
        ({"CLAIMS_KEYCLOAK_URL": "https://sign-in.example"}, "127.0.0.1", "keycloak_configured"),
        ({"CLAIMS_KEYCLOAK_URL": "http://127.0.0.1:8080"}, "127.0.0.1", "keycloak_configured"),
    ],
)
def test_it_refuses_to_run_where_it_could_do_harm(
    settings: dict[str, str], host: str, code: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        require_sandbox_place(load_settings(settings), host=host, port=8710)
    assert refusal.value.code == code


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_it_runs_on_loopback_also_when_it_is_the_realm_that_is_set(host: str) -> None:
    url = require_sandbox_place(load_settings({}), host=host, port=8710)
    again = load_settings({"CLAIMS_KEYCLOAK_URL": f"{url}/"})
    assert require_sandbox_place(again, host=host, port=8710) == url
