"""The channels there are, one line each, and how to connect to the payers behind them."""

import threading
from collections.abc import Callable

from claims_pipeline.errors import InputError
from claims_pipeline.model import AUTO, ListedPayer, Patient
from claims_pipeline.payers import availity, optum, stedi, uhc, x12
from claims_pipeline.payers.base import Capabilities, Limiter, OnCall, Payer
from claims_pipeline.payers.channel import Channel, Connection, Wiring
from claims_pipeline.payers.limiter import LocalLimiter
from claims_pipeline.payers.policy import CallPolicy, Clockwork
from claims_pipeline.payers.x12.postbox import Postbox
from claims_pipeline.settings import Settings
from claims_pipeline.settings.channels import ChannelSettings

CHANNELS: dict[str, Channel] = {
    channel.name: channel
    for channel in (
        uhc.CHANNEL,
        availity.CHANNEL,
        optum.CHANNEL,
        stedi.CHANNEL,
        x12.CHANNEL,
    )
}  # fmt: skip


def channel_names() -> tuple[str, ...]:
    """The short names, as they stand in payer tables and settings."""
    return tuple(CHANNELS)


def built_in_payers(settings: Settings) -> tuple[ListedPayer, ...]:
    """The payers of an organization that has no payer table of its own."""
    return tuple(payer for channel in CHANNELS.values() for payer in channel.listed(settings))


def words_in_headers() -> tuple[str, ...]:
    """What exports put before words such as "member id" in a column's name."""
    return tuple(word for channel in CHANNELS.values() for word in channel.words_in_headers)


def payer_label(payer: str) -> str:
    """The payer's name for people; that of a payer without a channel of its own is its short name.

    A channel that is one payer's has its name.
    """
    if payer == AUTO:
        return "As the file says"
    channel = CHANNELS.get(payer)
    return channel.label if channel else payer


def channel_label(channel: str) -> str:
    """The channel's name for people."""
    return _registered(channel).label


def capabilities_of(channel: str) -> Capabilities:
    """What its search can do."""
    return _registered(channel).capabilities


def settings_of(channel: str, settings: Settings) -> ChannelSettings:
    """The channel's own settings."""
    return _registered(channel).settings(settings)


def max_concurrency_of(channel: str, settings: Settings) -> int:
    """Calls at the same time: as many as are set, and no more than the channel bears."""
    most = _registered(channel).capabilities.max_in_flight
    wanted = settings_of(channel, settings).max_concurrency
    return wanted if most is None else min(most, wanted)


def awaits_of(channel: str) -> str:
    """What an upload waits for whose answers come later, as a code."""
    return _registered(channel).awaits


def can_ask_of(channel: str) -> Callable[[Patient], bool]:
    """Whether a single can ask for a patient there."""
    return _registered(channel).can_ask


def connect(
    channel: str,
    *,
    settings: Settings,
    limiter: Limiter,
    on_call: OnCall,
    stop: threading.Event,
    policy: CallPolicy | None = None,
    clockwork: Clockwork | None = None,
    correlation_id: str | None = None,
    postbox: Postbox | None = None,
) -> Payer:
    """Make the payers of a channel ready to be asked; no call is made yet.

    Args:
        channel: its short name.
        settings: addresses and credentials, and whether this is production.
        limiter: the caps that hold for it.
        on_call: told of every HTTP exchange, in the thread that made it.
        stop: once set, no further exchange is begun.
        policy: time-outs and tries, when not the usual ones.
        clockwork: time and chance, when not the real ones.
        correlation_id: opaque id of what asked for it all, told the payer with every call.
        postbox: where a channel whose answers come by files keeps what it asks.

    Raises:
        InputError: `payer_unknown`.
        SettingsError: `setting_missing` naming every missing one, or what is wrong with an
            address; calls raise it too: `sandbox_in_production`.

    """
    registered = _registered(channel)
    wiring = Wiring(
        settings=registered.settings(settings),
        is_production=settings.environment == "production",
        limiter=limiter,
        on_call=on_call,
        stop=stop,
        policy=policy or CallPolicy(),
        clockwork=clockwork or Clockwork(wait=stop.wait),
        correlation_id=correlation_id,
        postbox=postbox,
    )
    return registered.connect(wiring).payer


def environment_of(channel: str, settings: Settings) -> str:
    """What the settings alone tell of who answers: `sandbox` or `production`.

    Raises:
        SettingsError: as `connect`.

    """
    return _for_a_look(channel, settings).payer.environment


def try_credentials(channel: str, settings: Settings) -> bool:
    """Find out whether the channel accepts its credentials; False where it cannot be tried.

    Raises:
        PayerError: `auth` when they are refused; else why the payer could not be asked.
        SettingsError: as `connect`.

    """
    connection = _for_a_look(channel, settings)
    if connection.try_credentials is None:
        return False
    connection.try_credentials()
    return True


def _for_a_look(channel: str, settings: Settings) -> Connection:
    stop = threading.Event()
    registered = _registered(channel)
    return registered.connect(
        Wiring(
            settings=registered.settings(settings),
            is_production=settings.environment == "production",
            limiter=LocalLimiter(max_concurrency=1),
            on_call=lambda _call: None,
            stop=stop,
            policy=CallPolicy(),
            clockwork=Clockwork(wait=stop.wait),
            correlation_id=None,
        )
    )


def _registered(channel: str) -> Channel:
    registered = CHANNELS.get(channel)
    if registered is None:
        raise InputError("payer_unknown", f"Choose one of these payers: {', '.join(CHANNELS)}.")
    return registered
