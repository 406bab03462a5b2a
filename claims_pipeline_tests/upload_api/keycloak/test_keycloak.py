"""Sign-in by a real Keycloak with the development realm, as people, pages and programs do it."""

import re
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from keycloak import KeycloakAuthenticationError, KeycloakPostError

from claims_pipeline.settings import load_settings
from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.keycloak.memberships import Membership
from claims_pipeline.upload_api.keycloak.principal import Role
from claims_pipeline.upload_api.keycloak.tokens import TokenVerifier
from claims_pipeline_tests.keycloak import PASSWORD, Keycloak, Realm
from claims_pipeline_tests.upload_api.api import Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer

# The server may have to be fetched, and takes minutes to start on a busy machine.
pytestmark = [pytest.mark.keycloak, pytest.mark.timeout(1200)]

LIST = "/api/v1/claims/csv-jobs/"
PAGE = "http://localhost:8000/sign-in/callback"
PAGE_SECRET = "development-only-page-secret"
_SECRET_OF_PKCE = "a-verifier-of-this-test-of-forty-three-letters-or-more"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture(scope="module")
def realm(keycloak: Keycloak) -> Iterator[Realm]:
    """A copy of the development realm for the tests of this module that change it."""
    with keycloak.realm() as copy:
        yield copy


@pytest.fixture(scope="module")
def signed_in_api(
    keycloak: Keycloak,
    issuer: Issuer,
    tmp_path_factory: pytest.TempPathFactory,
    migrated_sqlite_file: Path,
) -> Iterator[Api]:
    """An API that trusts the realm as it was imported."""
    home = tmp_path_factory.mktemp("home")
    shutil.copyfile(migrated_sqlite_file, home / "claims.sqlite")
    with running_api(home, issuer, settings=keycloak.imported.settings()) as api:
        yield api


def verifier_of(realm: Realm, clock: Clock | None = None) -> TokenVerifier:
    return TokenVerifier(load_settings(realm.settings()), clock=clock or Clock())


@pytest.mark.parametrize(
    ("username", "alias", "roles"),
    [
        ("analyst-a", "demo", {Role.ANALYST}),
        ("operator-a", "demo", {Role.OPERATOR, Role.AUDITOR}),
        ("analyst-b", "other", {Role.ANALYST}),
    ],
)
def test_a_user_of_the_realm_has_an_organization_with_its_id_and_roles(
    keycloak: Keycloak, username: str, alias: str, roles: set[Role]
) -> None:
    user = verifier_of(keycloak.imported).verify(keycloak.imported.token(username))
    assert user.roles == roles
    assert user.email == f"{username}@{alias}.example.org"
    (membership,) = user.memberships
    assert membership.alias == alias
    assert membership.identity_id is not None


def test_a_user_of_no_organization_gets_403(signed_in_api: Api, keycloak: Keycloak) -> None:
    answer = signed_in_api.get(LIST, token=keycloak.imported.token("nobody"))
    assert (answer.status_code, answer.json()["code"]) == (403, "organization_missing")


def test_a_token_of_one_organization_never_reaches_another(
    signed_in_api: Api, keycloak: Keycloak
) -> None:
    operator = keycloak.imported.token("operator-a")
    stranger = keycloak.imported.token("analyst-b")
    path = f"{LIST}{signed_in_api.add_upload(organization_id='demo').id}/"
    assert signed_in_api.get(path, token=operator).status_code == 200
    assert signed_in_api.get(path, token=stranger).status_code == 404
    assert signed_in_api.get(LIST, token=operator).json()["count"] == 1
    assert signed_in_api.get(LIST, token=stranger).json()["count"] == 0
    disguised = signed_in_api.get(LIST, token=stranger, headers={"X-Organization": "demo"})
    assert (disguised.status_code, disguised.json()["code"]) == (403, "organization_unknown")


def test_a_program_signs_in_for_its_organization(keycloak: Keycloak) -> None:
    service = keycloak.imported.client("claims-service", "development-only-service-secret")
    answer = service.token(grant_type="client_credentials")
    user = verifier_of(keycloak.imported).verify(answer["access_token"])
    assert [membership.alias for membership in user.memberships] == ["demo"]
    assert user.roles == {Role.OPERATOR}


def test_the_page_signs_people_in_by_code_and_pkce(signed_in_api: Api, keycloak: Keycloak) -> None:
    code = signed_in_code(keycloak.imported, "analyst-a")
    page = keycloak.imported.client("claims-page", PAGE_SECRET)
    with pytest.raises(KeycloakPostError):
        page.token(
            grant_type="authorization_code",
            code=signed_in_code(keycloak.imported, "analyst-a"),
            redirect_uri=PAGE,
            code_verifier="another-verifier-of-forty-three-letters-or-more",
        )
    answer = page.token(
        grant_type="authorization_code",
        code=code,
        redirect_uri=PAGE,
        code_verifier=_SECRET_OF_PKCE,
    )
    assert signed_in_api.get(LIST, token=answer["access_token"]).status_code == 200
    for kind in ("id_token", "refresh_token"):
        assert signed_in_api.get(LIST, token=answer[kind]).status_code == 401


@pytest.mark.parametrize(
    "challenge", [{}, {"code_challenge": "x" * 43, "code_challenge_method": "plain"}]
)
def test_the_page_cannot_sign_in_without_pkce_s256(
    keycloak: Keycloak, challenge: dict[str, str]
) -> None:
    answer = requests.get(
        f"{keycloak.imported.url}/protocol/openid-connect/auth",
        params={**page_query(), **challenge},
        allow_redirects=False,
        timeout=60,
    )
    refusal = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert refusal["error"] == ["invalid_request"]


def test_an_access_token_lives_five_minutes_at_most(keycloak: Keycloak) -> None:
    before = datetime.now(UTC)
    user = verifier_of(keycloak.imported).verify(keycloak.imported.token("analyst-a"))
    assert user.expires_at <= before + timedelta(minutes=5, seconds=5)


def test_a_disabled_user_gets_no_further_token(realm: Realm) -> None:
    realm.token("analyst-b")
    admin = realm.admin
    admin.update_user(admin.get_user_id("analyst-b"), {"enabled": False})
    with pytest.raises((KeycloakAuthenticationError, KeycloakPostError)):
        realm.token("analyst-b")


@pytest.mark.parametrize(
    ("scope", "aliases"),
    [
        ("openid profile email", set()),
        ("openid organization:*", {"demo", "other"}),
        ("openid organization:other", {"other"}),
    ],
)
def test_a_user_of_two_organizations_names_them_in_the_scope(
    realm: Realm, scope: str, aliases: set[str]
) -> None:
    admin = realm.admin
    other = next(item for item in admin.get_organizations() if item["alias"] == "other")
    user_id = admin.get_user_id("operator-a")
    if not any(user["id"] == user_id for user in admin.get_organization_members(other["id"])):
        admin.organization_user_add(user_id, other["id"])
    user = verifier_of(realm).verify(realm.token("operator-a", scope=scope))
    assert {membership.alias for membership in user.memberships} == aliases
    if aliases:
        assert Membership(alias="other", identity_id=other["id"]) in user.memberships


def test_a_new_key_is_accepted_within_30_seconds_and_a_removed_one_refused_within_5_minutes(
    keycloak: Keycloak,
) -> None:
    clock = Clock()
    with keycloak.realm() as realm:
        verifier = verifier_of(realm, clock)
        old_token = realm.token("analyst-a")
        verifier.verify(old_token)
        add_key(realm, name="new", priority=200)
        new_token = realm.token("analyst-a")
        clock.now_s += 30
        verifier.verify(new_token)
        verifier.verify(old_token)
        remove_keys_but(realm, "new")
        clock.now_s += 290
        verifier.verify(new_token)
        with pytest.raises(ApiError, match="not valid"):
            verifier.verify(old_token)


def add_key(realm: Realm, *, name: str, priority: int) -> None:
    realm.admin.create_component(
        {
            "name": name,
            "providerId": "rsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "config": {"priority": [str(priority)], "algorithm": ["RS256"]},
        }
    )


def remove_keys_but(realm: Realm, name: str) -> None:
    query = {"type": "org.keycloak.keys.KeyProvider"}
    for component in realm.admin.get_components(query):
        if component["providerId"] == "rsa-generated" and component["name"] != name:
            realm.admin.delete_component(component["id"])


def page_query() -> dict[str, str]:
    return {
        "client_id": "claims-page",
        "redirect_uri": PAGE,
        "response_type": "code",
        "scope": "openid profile email",
        "state": "state-of-this-test",
    }


def signed_in_code(realm: Realm, username: str) -> str:
    """Go through the sign-in pages as a browser does; the code that the page is sent."""
    digest = sha256(_SECRET_OF_PKCE.encode()).digest()
    challenge = urlsafe_b64encode(digest).decode().rstrip("=")
    with requests.Session() as browser:
        answer = browser.get(
            f"{realm.url}/protocol/openid-connect/auth",
            params={
                **page_query(),
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            },
            timeout=60,
        )
        # One form for both, or one after the other where organizations sign in by address.
        while answer.status_code == 200:
            for cookie in browser.cookies:
                # Browsers send it to this machine without TLS too.
                cookie.secure = False
            form = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
            assert form is not None, "there is no form to sign in by"
            answer = browser.post(
                unescape(form[1]),
                data={"username": username, "password": PASSWORD},
                allow_redirects=False,
                timeout=60,
            )
        address = urlsplit(answer.headers["Location"])
    assert address._replace(query="").geturl() == PAGE
    (code,) = parse_qs(address.query)["code"]
    return code
