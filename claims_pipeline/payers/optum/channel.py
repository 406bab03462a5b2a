"""Optum Real as a channel: an API in front of the insurers that let Optum answer for them."""

from urllib.parse import urlsplit

from claims_pipeline.payers.channel import Channel, Connection, Wiring
from claims_pipeline.payers.environment import SANDBOX, SANDBOX_HEADER, PayerEnvironment
from claims_pipeline.payers.optum.adapter import CAPABILITIES, OptumPayer, can_ask
from claims_pipeline.payers.token import TokenSource

_NAME = "optum"
_CORRELATION = "x-optum-consumer-correlation-id"
# Optum's own sandbox, where answers are made up unless a TIN is associated.
_SANDBOX_HOST = "sandbox-"


def _connect(wiring: Wiring) -> Connection:
    api_url, token_url, client_id, client_secret = wiring.settings.texts(
        _NAME, "api_url", "token_url", "client_id", "client_secret"
    )
    environment = PayerEnvironment(api_url, token_url, is_production=wiring.is_production)
    if (urlsplit(api_url).hostname or "").startswith(_SANDBOX_HOST):
        environment.observe({SANDBOX_HEADER: SANDBOX})
    transport = wiring.transport(environment, correlation_header=_CORRELATION)
    tokens = TokenSource(
        transport,
        url=token_url,
        form={
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
        },
        clockwork=wiring.clockwork,
    )
    payer = OptumPayer(
        api_url=api_url, transport=transport, authorization=tokens, environment=environment
    )

    def fetch_a_token() -> None:
        tokens.current()

    return Connection(payer=payer, try_credentials=fetch_a_token)


CHANNEL = Channel(
    name=_NAME,
    label="Optum Real",
    capabilities=CAPABILITIES,
    settings=lambda settings: settings.optum,
    can_ask=can_ask,
    connect=_connect,
)
