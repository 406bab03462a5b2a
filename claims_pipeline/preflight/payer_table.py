"""An organization's payers, joined with what can be asked here: channels that have an adapter."""

from collections.abc import Sequence
from dataclasses import dataclass

from claims_pipeline.errors import InputError
from claims_pipeline.model import AUTO, ListedPayer
from claims_pipeline.payers import registry
from claims_pipeline.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerTable:
    """The payers that an organization's files may name."""

    payers: tuple[ListedPayer, ...]

    @classmethod
    def of(cls, listed: Sequence[ListedPayer], settings: Settings) -> "PayerTable":
        """The organization's own list; while it has none, the payers that have a channel alone."""
        return cls(payers=tuple(listed) or registry.built_in_payers(settings))

    @property
    def connected(self) -> tuple[ListedPayer, ...]:
        """Those that can be asked."""
        return tuple(payer for payer in self.payers if is_connected(payer))

    @property
    def providers(self) -> tuple[str, ...]:
        """What a file may be handed in for: each connected payer, or as the file says.

        A list of all claims is welcome where one payer is connected, too: what is not asked is
        counted by payer.
        """
        return (*(payer.payer for payer in self.connected), AUTO)

    def channel_of(self, provider: str) -> str:
        """The first of `channels_of`."""
        return self.channels_of(provider)[0]

    def channels_of(self, provider: str) -> tuple[str, ...]:
        """Through which channels an upload for `provider` may be asked, each once.

        Raises:
            InputError: `payer_unknown`, or `payer_not_connected` when nobody can ask it.

        """
        found = [payer for payer in self.payers if provider in {payer.payer, AUTO}]
        if not found:
            names = ", ".join(payer.payer for payer in self.payers)
            raise InputError("payer_unknown", f"Choose one of these payers: {names}.")
        channels = tuple(dict.fromkeys(payer.channel for payer in found if is_connected(payer)))
        if not channels:
            raise InputError(
                "payer_not_connected",
                "This payer cannot be asked here yet: no way to ask it is connected.",
            )
        return channels


def folder_names(connected: Sequence[str] | None, settings: Settings) -> tuple[str, ...]:
    """An organization's folders in the watched folder: those of its connected payers, and auto.

    While it has no list of its own, which is None here, they are those of `PayerTable.of`.
    """
    if connected is None:
        connected = [payer.payer for payer in registry.built_in_payers(settings)]
    return (*connected, AUTO)


def is_connected(payer: ListedPayer) -> bool:
    """Whether the payer can be asked: it is active, and its channel has an adapter."""
    return payer.active and payer.channel in registry.channel_names()
