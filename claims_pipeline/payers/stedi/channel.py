"""Stedi as a channel: a clearinghouse with a key, through which many payers are asked."""

from claims_pipeline.payers.api_key import ApiKey
from claims_pipeline.payers.channel import Channel, Connection, Wiring
from claims_pipeline.payers.environment import PayerEnvironment
from claims_pipeline.payers.stedi.adapter import CAPABILITIES, StediPayer
from claims_pipeline.payers.stedi.inquiry import can_ask

_NAME = "stedi"


def _connect(wiring: Wiring) -> Connection:
    api_url, api_key = wiring.settings.texts(_NAME, "api_url", "api_key")
    environment = PayerEnvironment(api_url, is_production=wiring.is_production)
    payer = StediPayer(
        api_url=api_url,
        transport=wiring.transport(environment),
        authorization=ApiKey(api_key, wiring.stop),
        environment=environment,
    )
    return Connection(payer=payer, try_credentials=payer.try_credentials)


CHANNEL = Channel(
    name=_NAME,
    label="Stedi",
    capabilities=CAPABILITIES,
    settings=lambda settings: settings.stedi,
    can_ask=can_ask,
    connect=_connect,
)
