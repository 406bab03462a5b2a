"""Who a caller is: the token's user, in one organization, with roles."""

from claims_pipeline_tests.upload_api.api import Api
from claims_pipeline_tests.upload_api.keycloak.issuer import ABSENT

LIST = "/api/v1/claims/csv-jobs/"


def test_a_good_token_is_let_in(api: Api) -> None:
    assert api.get(LIST, token=api.issuer.token()).status_code == 200


def test_anonymous_gets_401(api: Api) -> None:
    answer = api.get(LIST)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_user_without_an_organization_gets_403(api: Api) -> None:
    answer = api.get(LIST, token=api.issuer.token(organization=ABSENT))
    assert (answer.status_code, answer.json()["code"]) == (403, "organization_missing")
