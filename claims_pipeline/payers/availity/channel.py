"""Availity as a channel: a clearinghouse with tokens, through which many payers are asked."""

from claims_pipeline.payers.availity.adapter import CAPABILITIES, AvailityPayer
from claims_pipeline.payers.availity.inquiry import can_ask
from claims_pipeline.payers.channel import Channel, Connection, Wiring
from claims_pipeline.payers.environment import PayerEnvironment
from claims_pipeline.payers.token import TokenSource

_NAME = "availity"
# The one mark of a canned answer: the host is that of production.
_MOCK_MARK = ("x-api-mock-response", "true")


def _connect(wiring: Wiring) -> Connection:
    settings = wiring.settings
    api_url, token_url, client_id, client_secret, scope = settings.texts(
        _NAME, "api_url", "token_url", "client_id", "client_secret", "scope"
    )
    environment = PayerEnvironment(
        api_url, token_url, is_production=wiring.is_production, further_mark=_MOCK_MARK
    )
    transport = wiring.transport(environment)
    tokens = TokenSource(
        transport,
        url=token_url,
        form={
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "scope": scope,
        },
        clockwork=wiring.clockwork,
    )
    payer = AvailityPayer(
        api_url=api_url,
        transport=transport,
        authorization=tokens,
        environment=environment,
        submitter_id=getattr(settings, "submitter_id", None),
        now=wiring.clockwork.now,
    )

    def fetch_a_token() -> None:
        tokens.current()

    return Connection(payer=payer, try_credentials=fetch_a_token)


CHANNEL = Channel(
    name=_NAME,
    label="Availity",
    capabilities=CAPABILITIES,
    settings=lambda settings: settings.availity,
    can_ask=can_ask,
    connect=_connect,
)
