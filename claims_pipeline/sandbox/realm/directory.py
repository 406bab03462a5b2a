"""Who and what the sandbox realm knows: the same as `docker/keycloak/realm.json`."""

from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

REALM = "claims"
PASSWORD = "development-only"  # noqa: S105 - everybody knows it
AUDIENCE = "claims-api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """An organization as tokens name it."""

    alias: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody to sign in as; `organization` is None for who belongs to none."""

    username: str
    first_name: str
    last_name: str
    organization: Organization | None
    roles: tuple[str, ...]

    @property
    def id(self) -> str:
        """The `sub` of the user's tokens: the same at every start, so that uploads stay theirs."""
        return str(uuid5(NAMESPACE_URL, f"claims-sandbox-realm/{self.username}"))

    @property
    def email(self) -> str:
        """An address where nobody reads."""
        domain = f"{self.organization.alias}.example.org" if self.organization else "example.org"
        return f"{self.username}@{domain}"

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What may ask for tokens: by which grants, and with which secret, if it has one."""

    client_id: str
    secret: str | None
    grants: frozenset[str]


DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

DEMO = Organization(alias="demo", id="0a3c7d52-52f4-4b4e-9d3f-0d5b7a6e1a01")
OTHER = Organization(alias="other", id="0a3c7d52-52f4-4b4e-9d3f-0d5b7a6e1b02")

USERS = {
    user.username: user
    for user in (
        User(
            username="analyst-a",
            first_name="Ann",
            last_name="Analyst",
            organization=DEMO,
            roles=("claims-analyst",),
        ),
        User(
            username="operator-a",
            first_name="Otto",
            last_name="Operator",
            organization=DEMO,
            roles=("claims-operator", "claims-auditor"),
        ),
        User(
            username="analyst-b",
            first_name="Bea",
            last_name="Analyst",
            organization=OTHER,
            roles=("claims-analyst",),
        ),
        User(
            username="nobody",
            first_name="Nobody",
            last_name="Nowhere",
            organization=None,
            roles=("claims-analyst",),
        ),
    )
}
SERVICE_USER = User(
    username="service-account-claims-service",
    first_name="Service",
    last_name="Account",
    organization=DEMO,
    roles=("claims-operator",),
)
CLIENTS = {
    client.client_id: client
    for client in (
        Client(
            client_id="claims-page",
            secret="development-only-page-secret",  # noqa: S106
            grants=frozenset({"authorization_code", "refresh_token"}),
        ),
        Client(
            client_id="claims-cli",
            secret=None,
            grants=frozenset({DEVICE_GRANT, "refresh_token"}),
        ),
        Client(
            client_id="claims-dev",
            secret=None,
            grants=frozenset({"password", "refresh_token"}),
        ),
        Client(
            client_id="claims-service",
            secret="development-only-service-secret",  # noqa: S106
            grants=frozenset({"client_credentials"}),
        ),
    )
}
