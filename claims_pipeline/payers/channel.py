"""What a channel brings: one value in its folder that says all there is to know of it.

What can be said without asking (name, capabilities, what a name on the wire may hold) needs no
credentials: a file can be checked before anybody has any.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claims_pipeline.model import ListedPayer, Patient
from claims_pipeline.payers.base import Capabilities, Limiter, OnCall, Payer
from claims_pipeline.payers.environment import PayerEnvironment
from claims_pipeline.payers.policy import CallPolicy, Clockwork
from claims_pipeline.payers.transport import Transport
from claims_pipeline.settings import Settings
from claims_pipeline.settings.channels import ChannelSettings

if TYPE_CHECKING:
    # That channel's own folder imports this module.
    from claims_pipeline.payers.x12.postbox import Postbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What every adapter is built from.

    `settings` are the channel's; `postbox` is there where what is asked for one attempt may be
    kept. `correlation_id` is an opaque id of what asked for it all.
    """

    settings: ChannelSettings
    is_production: bool
    limiter: Limiter
    on_call: OnCall
    stop: threading.Event
    policy: CallPolicy
    clockwork: Clockwork
    correlation_id: str | None
    postbox: "Postbox | None" = None

    def transport(
        self, environment: PayerEnvironment, *, correlation_header: str | None = None
    ) -> Transport:
        """Tries, time-outs and caps; every call tells `correlation_id` in the header named."""
        headers = (
            {correlation_header: self.correlation_id}
            if correlation_header and self.correlation_id
            else {}
        )
        return Transport(
            limiter=self.limiter,
            on_call=self.on_call,
            stop=self.stop,
            environment=environment,
            policy=self.policy,
            clockwork=self.clockwork,
            headers=headers,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A payer ready to be asked, and how its credentials are tried without asking it anything.

    `try_credentials` raises `PayerError` when they are refused or nobody answers; None where the
    channel has no way to try them alone.
    """

    payer: Payer
    try_credentials: Callable[[], None] | None


def no_payers(_settings: Settings) -> tuple[ListedPayer, ...]:
    """Of a channel that leads to many payers: an organization lists its own."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A way to ask payers.

    `name` is the short name in tables and settings, `label` its name for people. `settings` picks
    the channel's own. `awaits` says what an upload waits for whose answers come later. `can_ask`
    says whether a single can ask for the patient: whether anything is left of the name in what the
    wire holds. `connect` makes no call. `listed` are the payers that an organization without a
    payer table of its own has through it. `words_in_headers` are names,
    a word each in lower case, that exports put before "member id" and the like.
    """

    name: str
    label: str
    capabilities: Capabilities
    settings: Callable[[Settings], ChannelSettings]
    can_ask: Callable[[Patient], bool]
    connect: Callable[[Wiring], Connection]
    awaits: str = "awaiting_answers"
    listed: Callable[[Settings], tuple[ListedPayer, ...]] = no_payers
    words_in_headers: tuple[str, ...] = ()
