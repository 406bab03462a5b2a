"""276 and 277 files as a channel: the payers behind an organization's partners."""

from claims_pipeline.errors import SettingsError
from claims_pipeline.payers.channel import Channel, Connection, Wiring
from claims_pipeline.payers.environment import PRODUCTION
from claims_pipeline.payers.x12.adapter import CAPABILITIES, X12Payer
from claims_pipeline.payers.x12.questions import can_ask


def _connect(wiring: Wiring) -> Connection:
    postbox = wiring.postbox
    if postbox is not None and not postbox.has_partners:
        raise SettingsError(
            "partner_missing",
            "No clearinghouse is set up: claims-pipeline x12 partners import FILE.",
        )
    if postbox is not None and wiring.is_production and postbox.environment != PRODUCTION:
        raise SettingsError(
            "sandbox_in_production",
            "The partner takes test files, and CLAIMS_ENVIRONMENT is production.",
        )
    return Connection(payer=X12Payer(postbox, on_call=wiring.on_call), try_credentials=None)


CHANNEL = Channel(
    name="x12",
    label="276/277 files",
    capabilities=CAPABILITIES,
    settings=lambda settings: settings.x12,
    can_ask=can_ask,
    connect=_connect,
    awaits="awaiting_277",
)
