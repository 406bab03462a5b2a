"""People of the development realm, as a browser or a script signs them in."""

import html
import re
from http.cookiejar import Cookie
from typing import Any

import requests
from requests.cookies import RequestsCookieJar

# Of docker/keycloak/realm.json; good for development only.
PASSWORD = "development-only"
_TIMEOUT_S = 60
_FORMS = 2
_FORM_ACTION = re.compile(r'<form[^>]*action="([^"]+)"')


def access_token(keycloak: str, username: str) -> str:
    """A token by the password grant of the realm's client for development."""
    answer = requests.post(
        f"{keycloak}/realms/claims/protocol/openid-connect/token",
        data={
            "grant_type": "password",
            "client_id": "claims-dev",
            "username": username,
            "password": PASSWORD,
            "scope": "openid profile email",
        },
        timeout=_TIMEOUT_S,
    )
    answer.raise_for_status()
    token: str = answer.json()["access_token"]
    return token


class _JarOfLocalhost(RequestsCookieJar):
    """Sends secure cookies over plain HTTP too, as browsers do for localhost."""

    def set_cookie(self, cookie: Cookie, *arguments: Any, **keywords: Any) -> None:
        cookie.secure = False
        super().set_cookie(cookie, *arguments, **keywords)


class Visitor:
    """A browser without scripts."""

    def __init__(self, username: str) -> None:
        self.session = requests.Session()
        self.session.cookies = _JarOfLocalhost()
        self._username = username

    def sign_in(self, site: str) -> int:
        """Open the site, fill in Keycloak's forms, follow it back; the last page's status.

        A realm with organizations asks for the name first and for the password then.
        """
        browser = {"Accept": "text/html"}
        page = self.session.get(site, headers=browser, timeout=_TIMEOUT_S)
        for _ in range(_FORMS):
            form = _FORM_ACTION.search(page.text)
            if form is None:
                break
            page = self.session.post(
                html.unescape(form.group(1)),
                data={"username": self._username, "password": PASSWORD},
                headers=browser,
                timeout=_TIMEOUT_S,
            )
        return page.status_code
