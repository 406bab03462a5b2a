"""UnitedHealthcare as a channel: one payer, asked directly."""

from claims_pipeline.model import ListedPayer
from claims_pipeline.payers.channel import Channel, Connection, Wiring
from claims_pipeline.payers.environment import PayerEnvironment
from claims_pipeline.payers.token import TokenSource
from claims_pipeline.payers.uhc.adapter import CAPABILITIES, UhcPayer, can_ask
from claims_pipeline.settings import Settings

_NAME = "uhc"
LABEL = "UnitedHealthcare"
# What files call it: names that begin so, and the ids that its search knows beside the usual one.
_ALIASES = ("UHC*", "UnitedHealthcare*", "United HC*")
_PAYER_IDS = ("87726", "03432", "96385", "95467", "86050", "86047", "95378", "37602")
# None is documented; the usual name, to be found again in its and any gateway's logs.
_CORRELATION = "X-Correlation-ID"


def _connect(wiring: Wiring) -> Connection:
    api_url, token_url, client_id, client_secret = wiring.settings.texts(
        _NAME, "api_url", "token_url", "client_id", "client_secret"
    )
    environment = PayerEnvironment(api_url, token_url, is_production=wiring.is_production)
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
    payer = UhcPayer(
        api_url=api_url, transport=transport, authorization=tokens, environment=environment
    )

    def fetch_a_token() -> None:
        tokens.current()

    return Connection(payer=payer, try_credentials=fetch_a_token)


def _listed(settings: Settings) -> tuple[ListedPayer, ...]:
    return (
        ListedPayer(
            payer=_NAME,
            payer_id=settings.uhc.payer_id,
            name=LABEL,
            aliases=(*_ALIASES, *_PAYER_IDS),
            channel=_NAME,
        ),
    )


CHANNEL = Channel(
    name=_NAME,
    label=LABEL,
    capabilities=CAPABILITIES,
    settings=lambda settings: settings.uhc,
    can_ask=can_ask,
    connect=_connect,
    listed=_listed,
    words_in_headers=("uhc", "united", "unitedhealthcare", "umr", "optum"),
)
