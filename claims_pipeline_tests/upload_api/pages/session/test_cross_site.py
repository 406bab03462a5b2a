"""Other sites cannot act in a signed-in person's name, on any route of the page."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
from fastapi.routing import iter_route_contexts

from claims_pipeline.upload_api.pages.router import page_router
from claims_pipeline_tests.upload_api.api import Api
from claims_pipeline_tests.upload_api.pages.session.sessions import signed_in_client

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PATCHED = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": None},
    {"Origin": None, "Referer": "https://evil.example/page"},
    {"Origin": None, "Referer": "http://127.0.0.1.evil.example/"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
)


@dataclass(frozen=True, slots=True, order=True)
class PageRoute:
    """A method and an address of the page."""

    method: str
    path: str

    def url(self, api: Api) -> str:
        filled = self.path.replace("{change}", "cancel")
        while "{" in filled:
            before, _, rest = filled.partition("{")
            filled = f"{before}00000000-0000-4000-8000-000000000000{rest.partition('}')[2]}"
        return f"{api.url}{filled}"


def page_routes() -> list[PageRoute]:
    """Every route of the page, a new one too."""
    return sorted(
        PageRoute(method, str(route.path))
        for route in iter_route_contexts(page_router().routes)
        for method in route.methods or ()
    )


UNSAFE = [route for route in page_routes() if route.method not in SAFE]


@pytest.fixture
def page_api(shared_page_api: Api) -> Api:
    """None of these changes anything."""
    return shared_page_api


@pytest.fixture
def client(page_api: Api) -> Iterator[requests.Session]:
    with signed_in_client(page_api, token=page_api.issuer.token()) as signed_in:
        yield signed_in


def test_there_are_routes_that_change_something() -> None:
    assert PageRoute("POST", "/sign-out") in UNSAFE


@pytest.mark.parametrize("route", UNSAFE, ids=lambda route: f"{route.method} {route.path}")
def test_a_post_from_elsewhere_is_refused(
    page_api: Api, client: requests.Session, route: PageRoute
) -> None:
    for headers in PATCHED:
        answer = client.request(
            route.method, route.url(page_api), headers=headers, allow_redirects=False
        )
        assert answer.status_code == 403, headers
        assert "The request came from another site" in answer.text
        by_script = client.request(
            route.method,
            route.url(page_api),
            headers={**headers, "X-Requested-With": "claims-page"},
            allow_redirects=False,
        )
        assert (by_script.status_code, by_script.json()["code"]) == (403, "cross_site")
    # Nobody was signed out by any of them.
    assert client.get(f"{page_api.url}/signed-in").status_code == 200


@pytest.mark.parametrize("route", UNSAFE, ids=lambda route: f"{route.method} {route.path}")
def test_a_post_of_our_own_page_reaches_its_route(page_api: Api, route: PageRoute) -> None:
    for headers in (
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": None, "Referer": f"{page_api.url}/uploads"},
    ):
        # Signing out is one of them.
        with signed_in_client(page_api, token=page_api.issuer.token()) as client:
            answer = client.request(
                route.method,
                route.url(page_api),
                headers={**headers, "X-Requested-With": "claims-page"},
                allow_redirects=False,
            )
        is_json = "json" in answer.headers.get("Content-Type", "")
        reached = (answer.status_code, answer.json()["code"] if is_json else "")
        assert reached == OWN_ANSWERS.get(route.path)


def test_every_page_has_the_headers_that_hold_it_together(
    page_api: Api, client: requests.Session
) -> None:
    for route in page_routes():
        if route.method not in SAFE or "{" in route.path:
            continue
        answer = client.request(route.method, route.url(page_api), allow_redirects=False)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, route
        assert "frame-ancestors 'none'" in policy, route
        assert "unsafe" not in policy, route
        assert "http" not in policy, route
        assert answer.headers["X-Content-Type-Options"] == "nosniff", route
        assert answer.headers["Referrer-Policy"] == "same-origin", route
        assert answer.headers["Cache-Control"] == "no-store", route


@pytest.mark.parametrize("route", page_routes(), ids=lambda route: f"{route.method} {route.path}")
def test_nobody_sees_anything_without_signing_in(page_api: Api, route: PageRoute) -> None:
    if route.path in OPEN or route in WAYS_BACK:
        return
    answer = requests.request(
        route.method,
        route.url(page_api),
        headers={"Origin": page_api.url, "X-Requested-With": "claims-page"},
        allow_redirects=False,
        timeout=30,
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")


# What is there for people who are not signed in, and tells nothing.
OPEN = frozenset(
    {"/static/{digest}/{name}", "/sign-in", "/sign-in/callback", "/sign-out", "/signed-out"}
)
# They lead to pages that ask who is there, and tell nothing on the way.
WAYS_BACK = frozenset(
    PageRoute("GET", path) for path in ("/uploads/search", "/uploads/verify", "/work/search")
)
# What each route says by itself to an empty form, about an upload that is not there.
OWN_ANSWERS = {
    "/organization": (403, "organization_unknown"),
    "/sign-out": (303, ""),
    "/uploads": (415, "multipart_required"),
    "/uploads/search": (303, ""),
    "/uploads/verify": (415, "multipart_required"),
    "/uploads/verify/rejected": (415, "multipart_required"),
    "/uploads/{upload_id}/change/{change}": (404, "upload_unknown"),
    "/uploads/{upload_id}/picked-lines.csv": (404, "upload_unknown"),
    "/uploads/{upload_id}/picked.csv": (404, "upload_unknown"),
    "/uploads/{upload_id}/picked.txt": (404, "upload_unknown"),
    "/uploads/{upload_id}/results": (404, "upload_unknown"),
    "/work/change": (422, ""),
    "/work/search": (303, ""),
    "/work/{claim_id}/change": (404, "claim_unknown"),
}
