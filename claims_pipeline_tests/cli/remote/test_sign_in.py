"""Signing in from the command line at a real Keycloak, as a person and as a program."""

import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

from claims_pipeline.cli.remote.sign_in import SignInError, Tokens
from claims_pipeline.settings import load_settings
from claims_pipeline.upload_api.keycloak.principal import Role
from claims_pipeline.upload_api.keycloak.tokens import AccessToken, TokenVerifier
from claims_pipeline_tests.keycloak import PASSWORD, Keycloak

# The server may have to be fetched, and takes minutes to start on a busy machine.
pytestmark = [pytest.mark.keycloak, pytest.mark.timeout(1200)]

SERVICE = {
    "CLAIMS_CLI_CLIENT_ID": "claims-service",
    "CLAIMS_CLI_CLIENT_SECRET": "development-only-service-secret",
}


def verified(keycloak: Keycloak, token: str) -> AccessToken:
    return TokenVerifier(load_settings(keycloak.imported.settings())).verify(token)


def sign_in_as(username: str, line: str, *, consent: bool = True) -> None:
    """Open the address that the line shows, as a browser does, and fill in what is asked."""
    address = re.search(r"http\S+", line)
    assert address is not None
    with requests.Session() as browser:
        answer = opened(browser, "GET", address[0])
        while form := re.search(r'<form[^>]*action="([^"]+)"', answer.text):
            filled = {"username": username, "password": PASSWORD}
            if 'name="accept"' in answer.text:
                filled = {"accept": "Yes"} if consent else {"cancel": "No"}
            hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', answer.text)
            action = urljoin(answer.url, unescape(form[1]))
            answer = opened(browser, "POST", action, data={**dict(hidden), **filled})


def opened(browser: requests.Session, method: str, url: str, **body: Any) -> requests.Response:
    """The page to which an exchange leads, over all redirects."""
    answer = browser.request(method, url, allow_redirects=False, timeout=60, **body)
    for cookie in browser.cookies:
        # Browsers send it to this machine without TLS too.
        cookie.secure = False
    if answer.is_redirect:
        return opened(browser, "GET", urljoin(url, answer.headers["Location"]))
    assert answer.ok, "the sign-in page refuses"
    return answer


def test_a_person_signs_in_by_a_browser_elsewhere(tmp_path: Path, keycloak: Keycloak) -> None:
    said: list[str] = []

    def tell(line: str) -> None:
        said.append(line)
        sign_in_as("analyst-a", line)

    settings = load_settings(keycloak.imported.settings())
    now_s = [0.0]
    state_file = tmp_path / "token.json"
    tokens = Tokens(
        settings,
        tell=tell,
        state_file=state_file,
        clock=lambda: now_s[0],
    )
    user = verified(keycloak, tokens.access_token())
    assert user.roles == {Role.ANALYST}
    assert [membership.alias for membership in user.memberships] == ["demo"]

    # Minutes later, by another command: renewed without asking.
    now_s[0] += 3600
    again = Tokens(settings, tell=tell, state_file=state_file, clock=lambda: now_s[0])
    assert verified(keycloak, again.access_token()).user_id == user.user_id
    assert len(said) == 1


def test_a_person_who_declines_gets_no_token(tmp_path: Path, keycloak: Keycloak) -> None:
    tokens = Tokens(
        load_settings(keycloak.imported.settings()),
        tell=lambda line: sign_in_as("analyst-a", line, consent=False),
        state_file=tmp_path / "token.json",
    )
    with pytest.raises(SignInError) as error:
        tokens.access_token()
    assert error.value.code == "sign_in_refused"
    assert not (tmp_path / "token.json").exists()


def test_a_program_signs_in_with_its_secret(tmp_path: Path, keycloak: Keycloak) -> None:
    tokens = Tokens(
        load_settings({**keycloak.imported.settings(), **SERVICE}),
        tell=pytest.fail,
        state_file=tmp_path / "token.json",
    )
    assert verified(keycloak, tokens.access_token()).roles == {Role.OPERATOR}
    assert not (tmp_path / "token.json").exists()
