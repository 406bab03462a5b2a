"""People who go through the sign-in pages as a browser does, without a window.

with Person(api) as person:
    answer = person.sign_in("analyst-a")
"""

import re
from html import unescape
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import requests

from claims_pipeline_tests.keycloak import PASSWORD
from claims_pipeline_tests.upload_api.api import Api
from claims_pipeline_tests.upload_api.pages.session.sessions import COOKIE

_TIMEOUT_S = 60
_FORM = re.compile(r'<form[^>]*action="([^"]*)"')
_MOST_STEPS = 12


class Person:
    """One browser; `seen` has every address it was at, and every answer it got."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.browser = requests.Session()
        self.seen: list[requests.Response] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.browser.close()

    @property
    def cookie(self) -> str | None:
        """The value of the session's cookie."""
        return self.browser.cookies.get(COOKIE)

    def get(self, path: str, **headers: str) -> requests.Response:
        """Look at a page of ours; redirects are not followed."""
        return self._asked("GET", f"{self.api.url}{path}", headers=headers)

    def post(self, path: str, data: dict[str, str] | None = None) -> requests.Response:
        """Send a form of ours; redirects are not followed."""
        return self._asked(
            "POST", f"{self.api.url}{path}", data=data, headers={"Origin": self.api.url}
        )

    def leave_for_sign_in(self, place: str | None = None) -> requests.Response:
        """Follow the way to the realm's form, or back where it asks nothing."""
        query = f"?next={place}" if place else ""
        return self.followed(self.get(f"/sign-in{query}"))

    def sign_in(self, username: str, place: str | None = None) -> requests.Response:
        """Sign in by the realm's form; the page of ours where that ends."""
        answer = self.leave_for_sign_in(place)
        if answer.url.startswith(self.api.url):
            return answer
        return self.followed(self.get(self.way_back(username)))

    def way_back(self, username: str) -> str:
        """Where the realm sends the browser that is at its form, once somebody has signed in."""
        answer = self.seen[-1]
        # One form for both, or one after the other where organizations sign in by address.
        while answer.status_code == 200:
            form = _FORM.search(answer.text)
            assert form is not None, "there is no form to sign in by"
            answer = self._asked(
                "POST",
                urljoin(answer.url, unescape(form[1])),
                data={"username": username, "password": PASSWORD},
            )
        place = answer.headers["Location"]
        assert place.startswith(f"{self.api.url}/sign-in/callback?")
        return place.removeprefix(self.api.url)

    def followed(self, answer: requests.Response) -> requests.Response:
        """Go where an answer sends the browser, to the end."""
        for _ in range(_MOST_STEPS):
            place = answer.headers.get("Location")
            if place is None:
                return answer
            answer = self._asked("GET", urljoin(answer.url, place))
        raise AssertionError("the redirects do not end")

    def _asked(
        self,
        method: str,
        url: str,
        *,
        data: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> requests.Response:
        for cookie in self.browser.cookies:
            # Browsers send Keycloak's to this machine without TLS too.
            cookie.secure = False
        answer = self.browser.request(
            method, url, data=data, headers=headers, allow_redirects=False, timeout=_TIMEOUT_S
        )
        self.seen.append(answer)
        return answer
