"""The payers there are, and how to connect to one.

What can be said about a payer without asking it (name, capabilities, payer id) needs no
credentials: a file can be checked before anybody has any.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from claims_pipeline.errors import InputError, SettingsError
from claims_pipeline.model import AUTO, ListedPayer
from claims_pipeline.payers.base import Capabilities, Limiter, OnCall, Payer
from claims_pipeline.payers.environment import PayerEnvironment
from claims_pipeline.payers.limiter import LocalLimiter
from claims_pipeline.payers.policy import CallPolicy, Clockwork
from claims_pipeline.payers.token import TokenSource
from claims_pipeline.payers.transport import Transport
from claims_pipeline.payers.uhc import adapter
from claims_pipeline.payers.uhc.adapter import UhcPayer
from claims_pipeline.settings import Settings

# UHC documents none; the usual name, to be found again in its and any gateway's logs.
_UHC_CORRELATION = "X-Correlation-ID"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wiring:
    """What every adapter is built from."""

    settings: Settings
    limiter: Limiter
    on_call: OnCall
    stop: threading.Event
    policy: CallPolicy
    clockwork: Clockwork
    correlation_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Connection:
    """Addresses and credentials of a payer, ready to be used."""

    api_url: str
    environment: PayerEnvironment
    transport: Transport
    tokens: TokenSource


@dataclass(frozen=True, slots=True, kw_only=True)
class _Registered:
    label: str
    capabilities: Capabilities
    listed: Callable[[Settings], ListedPayer]
    connection: Callable[[_Wiring], _Connection]
    connect: Callable[[_Wiring], Payer]


def payer_names() -> tuple[str, ...]:
    """The short names, as they stand in folders, forms and tables."""
    return tuple(_PAYERS)


def payer_label(payer: str) -> str:
    """The payer's name for people; that of a payer without an adapter is its short name."""
    if payer == AUTO:
        return "As the file says"
    registered = _PAYERS.get(payer)
    return registered.label if registered else payer


def capabilities_of(payer: str) -> Capabilities:
    """What the payer's search can do."""
    return _registered(payer).capabilities


def listed_payer(payer: str, settings: Settings) -> ListedPayer:
    """How files name the payer; its id serves rows and practices that name none."""
    return _registered(payer).listed(settings)


def connect(
    payer: str,
    *,
    settings: Settings,
    limiter: Limiter,
    on_call: OnCall,
    stop: threading.Event,
    policy: CallPolicy | None = None,
    clockwork: Clockwork | None = None,
    correlation_id: str | None = None,
) -> Payer:
    """Make a payer ready to be asked; no call is made yet.

    Args:
        payer: its short name, such as `uhc`.
        settings: the payer's addresses and credentials, and whether this is production.
        limiter: the caps that hold for it.
        on_call: told of every HTTP exchange, in the thread that made it.
        stop: once set, no further exchange is begun.
        policy: time-outs and tries, when not the usual ones.
        clockwork: time and chance, when not the real ones.
        correlation_id: opaque id of what asked for it all, told the payer with every call.

    Raises:
        InputError: `payer_unknown`.
        SettingsError: `setting_missing` naming every missing one, or what is wrong with an
            address; calls raise it too: `sandbox_in_production`.

    """
    wiring = _Wiring(
        settings=settings,
        limiter=limiter,
        on_call=on_call,
        stop=stop,
        policy=policy or CallPolicy(),
        clockwork=clockwork or Clockwork(wait=stop.wait),
        correlation_id=correlation_id,
    )
    return _registered(payer).connect(wiring)


def environment_of(payer: str, settings: Settings) -> str:
    """What the settings alone tell of who answers: `sandbox` or `production`.

    Raises:
        SettingsError: as `connect`.

    """
    return _registered(payer).connection(_wiring_for_a_look(settings)).environment.name


def fetch_token(payer: str, settings: Settings) -> None:
    """Ask the payer for a token and throw it away: its credentials are good.

    Raises:
        PayerError: `auth` when they are refused; else why the payer could not be asked.
        SettingsError: as `connect`.

    """
    _registered(payer).connection(_wiring_for_a_look(settings)).tokens.current()


def _wiring_for_a_look(settings: Settings) -> _Wiring:
    stop = threading.Event()
    return _Wiring(
        settings=settings,
        limiter=LocalLimiter(max_concurrency=1),
        on_call=lambda _call: None,
        stop=stop,
        policy=CallPolicy(),
        clockwork=Clockwork(wait=stop.wait),
        correlation_id=None,
    )


def _registered(payer: str) -> _Registered:
    registered = _PAYERS.get(payer)
    if registered is None:
        raise InputError("payer_unknown", f"Choose one of these payers: {', '.join(_PAYERS)}.")
    return registered


def _connect_uhc(wiring: _Wiring) -> Payer:
    connection = _uhc_connection(wiring)
    return UhcPayer(
        api_url=connection.api_url,
        transport=connection.transport,
        authorization=connection.tokens,
        environment=connection.environment,
    )


def _listed_uhc(settings: Settings) -> ListedPayer:
    return ListedPayer(
        payer="uhc",
        payer_id=settings.uhc_payer_id,
        name=adapter.LABEL,
        aliases=(*adapter.ALIASES, *adapter.PAYER_IDS),
        channel="uhc",
    )


def _uhc_connection(wiring: _Wiring) -> _Connection:
    api_url, token_url, client_id, client_secret = _required(
        wiring.settings, "uhc_api_url", "uhc_token_url", "uhc_client_id", "uhc_client_secret"
    )
    environment = PayerEnvironment(
        api_url, token_url, is_production=wiring.settings.environment == "production"
    )
    transport = Transport(
        limiter=wiring.limiter,
        on_call=wiring.on_call,
        stop=wiring.stop,
        environment=environment,
        policy=wiring.policy,
        clockwork=wiring.clockwork,
        headers={_UHC_CORRELATION: wiring.correlation_id} if wiring.correlation_id else {},
    )
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
    return _Connection(api_url=api_url, environment=environment, transport=transport, tokens=tokens)


def _required(settings: Settings, *names: str) -> tuple[str, ...]:
    """The settings' values; all that are missing are named at once."""
    values: list[str] = []
    problems: list[str] = []
    for name in names:
        try:
            values.append(settings.required(name))
        except SettingsError as error:
            problems.append(error.message)
    if problems:
        raise SettingsError("setting_missing", " ".join(problems))
    return tuple(values)


_PAYERS = {
    "uhc": _Registered(
        label=adapter.LABEL,
        capabilities=adapter.CAPABILITIES,
        listed=_listed_uhc,
        connection=_uhc_connection,
        connect=_connect_uhc,
    )
}
