"""Who is there: by a cookie whose session lies in the store, and by nothing else."""

from urllib.parse import quote

import pytest

from claims_pipeline_tests.upload_api.api import Api
from claims_pipeline_tests.upload_api.issuer import ABSENT
from claims_pipeline_tests.upload_api.pages.sessions import (
    client_with_cookie,
    new_session,
    signed_in_client,
)

AGAIN = "/signed-in"
BY_SCRIPT = {"X-Requested-With": "claims-page"}


def test_a_signed_in_person_sees_a_page(page_api: Api) -> None:
    with signed_in_client(page_api, token=page_api.issuer.token()) as client:
        answer = client.get(f"{page_api.url}{AGAIN}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")


def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(page_api: Api) -> None:
    answer = page_api.get(AGAIN)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/sign-in?next={quote(AGAIN, safe='')}"


def test_the_script_of_a_page_gets_401_and_can_keep_what_is_on_the_screen(page_api: Api) -> None:
    answer = page_api.get(AGAIN, headers=BY_SCRIPT)
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_cookie_that_was_tampered_with_is_nobody(page_api: Api) -> None:
    value = new_session(page_api, token=page_api.issuer.token())
    other = ("A" if value[0] != "A" else "B") + value[1:]
    for tampered in (other, value[:-1], value + "A", "", "x" * 5000):
        with client_with_cookie(page_api, tampered) as client:
            answer = client.get(f"{page_api.url}{AGAIN}", headers=BY_SCRIPT)
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("token", "title"),
    [
        ({"organization": ABSENT}, "You belong to no organization"),
        ({"organization": "nowhere"}, "Your organization is not set up here"),
        ({"roles": []}, "You have no role here"),
    ],
)
def test_who_may_not_work_here_is_told_whom_to_ask(
    page_api: Api, token: dict[str, object], title: str
) -> None:
    with signed_in_client(page_api, token=page_api.issuer.token(**token)) as client:  # type: ignore[arg-type]
        answer = client.get(f"{page_api.url}{AGAIN}")
    assert answer.status_code == 403
    assert title in answer.text
    assert "Ask " in answer.text
    assert 'action="/sign-out"' in answer.text


def test_a_cookie_means_nothing_to_the_api(page_api: Api) -> None:
    with signed_in_client(page_api, token=page_api.issuer.token()) as client:
        answer = client.get(f"{page_api.url}/api/v1/claims/csv-jobs/")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")


def test_a_token_means_nothing_to_a_page(page_api: Api) -> None:
    answer = page_api.get(AGAIN, token=page_api.issuer.token(), headers=BY_SCRIPT)
    assert answer.status_code == 401
