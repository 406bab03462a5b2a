"""What the verifier reads of a good token, and that it survives whatever else it is shown."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims_pipeline.errors import SettingsError
from claims_pipeline.settings import load_settings
from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.keycloak.memberships import Membership
from claims_pipeline.upload_api.keycloak.principal import Role
from claims_pipeline.upload_api.keycloak.tokens import TokenVerifier
from claims_pipeline_tests.upload_api.keycloak.issuer import ABSENT, Issuer


def verifier_of(issuer: Issuer, **settings: str) -> TokenVerifier:
    return TokenVerifier(load_settings({**issuer.settings(), **settings}))


@pytest.fixture(scope="module")
def verifier(issuer: Issuer) -> TokenVerifier:
    return verifier_of(issuer)


def test_a_token_says_who_its_user_is(verifier: TokenVerifier, issuer: Issuer) -> None:
    user = verifier.verify(
        issuer.token(sub="someone", organization={"acme": {"id": "1"}}, exp=4102444800)
    )
    assert user.user_id == "someone"
    assert user.email == "someone@example.org"
    assert user.memberships == (Membership(alias="acme", identity_id="1"),)
    assert user.roles == {Role.ANALYST}
    assert user.expires_at == datetime(2100, 1, 1, tzinfo=UTC)


def test_an_email_is_not_shown_where_the_token_is_printed(
    verifier: TokenVerifier, issuer: Issuer
) -> None:
    assert "@" not in repr(verifier.verify(issuer.token()))


@pytest.mark.parametrize("changes", [{"email": ABSENT}, {"email": None}, {"azp": ABSENT}])
def test_what_a_token_may_lack(
    verifier: TokenVerifier, issuer: Issuer, changes: dict[str, object]
) -> None:
    assert verifier.verify(issuer.token(**changes)).user_id == "analyst-1"  # type: ignore[arg-type]


@pytest.mark.parametrize("audience", ["claims-api", ["claims-api"], ["account", "claims-api"]])
def test_an_audience_may_be_one_or_several(
    verifier: TokenVerifier, issuer: Issuer, audience: object
) -> None:
    verifier.verify(issuer.token(aud=audience))


def test_a_client_may_be_allowed_instead_of_the_audience(issuer: Issuer) -> None:
    verifier = verifier_of(issuer, CLAIMS_KEYCLOAK_ALLOWED_CLIENTS="older-scripts, claims-dev")
    verifier.verify(issuer.token(aud="account", azp="claims-dev"))
    with pytest.raises(ApiError):
        verifier.verify(issuer.token(aud="account", azp="another"))
    with pytest.raises(ApiError):
        verifier.verify(issuer.token(aud="account", azp=""))


def test_roles_count_from_the_realm_and_from_our_client_only(issuer: Issuer) -> None:
    token = issuer.token(
        roles=["claims-auditor", "lead"],
        resource_access={
            "claims-api": {"roles": ["claims-analyst"]},
            "another": {"roles": ["claims-operator"]},
        },
    )
    assert verifier_of(issuer).verify(token).roles == {Role.AUDITOR, Role.ANALYST}


def test_a_realms_own_role_names_are_mapped(issuer: Issuer) -> None:
    verifier = verifier_of(issuer, CLAIMS_ROLE_MAP="lead=claims-operator, billing = claims-analyst")
    assert verifier.verify(issuer.token(roles=["lead"])).roles == {Role.OPERATOR}
    assert verifier.verify(issuer.token(roles=["billing"])).roles == {Role.ANALYST}
    assert verifier.verify(issuer.token(roles=["claims-auditor"])).roles == {Role.AUDITOR}


@pytest.mark.parametrize("text", ["lead", "lead=boss", "=claims-analyst", "a=claims-analyst;b"])
def test_a_role_map_that_cannot_be_read_is_an_error_that_names_it(
    issuer: Issuer, text: str
) -> None:
    with pytest.raises(SettingsError, match="CLAIMS_ROLE_MAP"):
        verifier_of(issuer, CLAIMS_ROLE_MAP=text)


@pytest.mark.parametrize("missing", ["CLAIMS_KEYCLOAK_URL", "CLAIMS_KEYCLOAK_REALM"])
def test_a_missing_setting_is_named(issuer: Issuer, missing: str) -> None:
    settings = {name: value for name, value in issuer.settings().items() if name != missing}
    with pytest.raises(SettingsError, match=missing):
        TokenVerifier(load_settings(settings))


@given(st.text())
def test_no_text_is_a_token(verifier: TokenVerifier, text: str) -> None:
    with pytest.raises(ApiError) as caught:
        verifier.verify(text)
    assert caught.value.status == 401


@given(st.lists(st.text(alphabet="eyJhbGci0_-=. \n"), min_size=3, max_size=5))
def test_no_parts_make_a_token(verifier: TokenVerifier, parts: list[str]) -> None:
    with pytest.raises(ApiError) as caught:
        verifier.verify(".".join(parts))
    assert caught.value.status == 401


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(
    st.sampled_from(["exp", "nbf", "iat", "aud", "azp", "typ", "sub", "iss", "jti", "email"])
    | st.sampled_from(["organization", "realm_access", "resource_access", "cnf", "scope"]),
    _JSON,
)
def test_whatever_a_claim_holds_it_is_read_or_refused(
    verifier: TokenVerifier, issuer: Issuer, name: str, value: object
) -> None:
    token = issuer.token(**{name: value})  # type: ignore[arg-type]
    assert status_of(verifier, token) in {200, 401}


@given(st.dictionaries(st.sampled_from(["typ", "kid", "crit", "jku", "jwk", "b64", "zip"]), _JSON))
def test_whatever_a_header_holds_it_is_read_or_refused(
    verifier: TokenVerifier, issuer: Issuer, header: dict[str, object]
) -> None:
    assert status_of(verifier, issuer.token(header=header)) in {200, 401}


def status_of(verifier: TokenVerifier, token: str) -> int:
    try:
        verifier.verify(token)
    except ApiError as error:
        return error.status
    return 200
