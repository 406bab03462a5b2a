"""What each channel's part of the sandbox brings, so that the server only has to list them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Protocol
from urllib.parse import parse_qs

from claims_pipeline.sandbox.reply import Reply
from claims_pipeline.sandbox.world.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request; header names are in lower case.

    `in_flight` counts the channel's calls that are being answered, this one included.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    query: str = field(default="", repr=False)
    body: bytes = field(default=b"", repr=False)
    in_flight: int = 1

    def form(self) -> dict[str, str]:
        """The fields of a form in the body; of one that is repeated, the first."""
        fields = parse_qs(self.body.decode("latin-1"), keep_blank_values=True)
        return {name: values[0] for name, values in fields.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """What fault scripts may ask of a call; None where the call does not say."""

    kind: str
    tin: str | None = None
    patient_last_name: str | None = None
    further_page: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerOptions:
    """How the payer behaves.

    `token_lifetime_s` is sent as `expires_in` and obeyed; `transaction_lifetime_s` is how long a
    page's token works. `token_on_last_page` is False for the payer that leaves the transaction id
    away when there is no further page; detail and payment then do not ask for one. What is answered
    later is answered after `answers_after_s`.
    """

    token_lifetime_s: float = 3600.0
    transaction_lifetime_s: float = 24 * 3600.0
    token_on_last_page: bool = True
    answers_after_s: float = 0.5


class SandboxPart(Protocol):
    """A channel's part: its paths, its answers, its way to say no. For one event loop."""

    @property
    def name(self) -> str:
        """The channel's short name."""
        ...

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of calls that are counted; `token` is that of tokens."""
        ...

    def kind_of(self, method: str, path: str) -> str | None:
        """The kind of a call to this address; None for one that is not of this channel."""
        ...

    def facts(self, kind: str, call: Call) -> CallFacts:
        """What fault scripts may ask of the call."""
        ...

    def answer(self, kind: str, call: Call) -> Reply:
        """The answer of a channel at which nothing goes wrong."""
        ...

    def error(self, code: str, call: Call) -> Reply:
        """The channel's own way to say that something of this code went wrong."""
        ...

    def strangers(self, claims: list[bytes]) -> list[bytes]:
        """The entries of a page, with claims of others among them."""
        ...

    def unreadable(self, claims: list[bytes]) -> list[bytes]:
        """The entries of a page, with some among them that nobody can read."""
        ...

    def expire_tokens(self) -> None:
        """No token given so far is good any longer."""
        ...


class WorldOfToday:
    """The world of today, made once a day for all channels: a large one takes seconds."""

    def __init__(self, make_world: Callable[[date], World], today: Callable[[], date]) -> None:
        self.on = lru_cache(maxsize=2)(make_world)
        self.today = today

    def __call__(self) -> World:
        """The world of today."""
        return self.on(self.today())


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPart:
    """How a channel's part is made, whom it plays, and the variables that lead to it.

    `payer` is the short name in the demo's payer table. `settings` takes the address of the
    sandbox, without a slash at its end.
    """

    payer: str
    make: Callable[[WorldOfToday, PayerOptions], SandboxPart]
    settings: Callable[[str], dict[str, str]]
