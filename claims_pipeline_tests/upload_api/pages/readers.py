"""People who are signed in at the page, over real HTTP without a browser."""

import re
from html import unescape

import requests

from claims_pipeline_tests.upload_api.api import Api
from claims_pipeline_tests.upload_api.pages.session.sessions import signed_in_client


class Reader:
    """Somebody who is signed in; `claims` go into the token, an analyst of `demo` unless given."""

    def __init__(self, api: Api, **claims: object) -> None:
        self._api = api
        token = api.issuer.token(**{"sub": "analyst-1", **claims})
        self._client = signed_in_client(api, token=token)

    def get(self, path: str, **options: object) -> requests.Response:
        """GET; follows no redirect."""
        return self._client.get(f"{self._api.url}{path}", allow_redirects=False, **options)

    def post(self, path: str, **options: object) -> requests.Response:
        """POST of a form; follows no redirect."""
        return self._client.post(f"{self._api.url}{path}", allow_redirects=False, **options)

    def page(self, path: str) -> str:
        """The HTML of a page that is there."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def words(self, path: str) -> str:
        """What that page says."""
        return words_of(self.page(path))


def words_of(html: str) -> str:
    """What a page says, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())
