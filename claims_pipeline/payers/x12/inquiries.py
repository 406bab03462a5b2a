"""What one inquiry asks, in values that any separators leave whole."""

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import DateWindow
from claims_pipeline.names import wire_name, without_accents
from claims_pipeline.payers.x12.segments import Separators

_ORGANIZATION_CHARACTERS = re.compile(r"[^A-Z0-9 .&'-]")
_NUMBER = re.compile(r"[A-Za-z0-9 ._/-]+")
_SPACES = re.compile(r"\s+")
_GENDERS = frozenset({"M", "F"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person; `id` is the subscriber's, and `gender` M, F or None."""

    last_name: str = field(repr=False)
    first_name: str = field(repr=False)
    date_of_birth: date | None = field(default=None, repr=False)
    gender: str | None = field(default=None, repr=False)
    id: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Who asks for the status: `npi` if it has one, else its `tin`."""

    name: str
    tin: str
    npi: str | None = None

    @property
    def qualifier(self) -> str:
        """NM108: XX for an NPI, FI for a tax id."""
        return "XX" if self.npi else "FI"

    @property
    def id(self) -> str:
        """NM109."""
        return self.npi or self.tin


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPayer:
    """The payer, as the clearinghouse knows it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """One TRN loop. `trace` is its key: unique, of letters and digits, 50 at most.

    With a `dependent` the patient is that one. What narrows the search (numbers, charge) is left
    out unless it is known to help: payers match the more strictly, the more they are told.
    """

    trace: str
    payer: AskedPayer
    provider: Provider
    subscriber: Member
    dependent: Member | None = None
    window: DateWindow
    payer_claim_number: str = field(default="", repr=False)
    account_number: str = field(default="", repr=False)
    charged: Decimal | None = field(default=None, repr=False)


class Wording:
    """How values go on the wire of one partner: no separator of its own is in any of them."""

    def __init__(self, separators: Separators) -> None:
        self._separators = separators
        characters = (
            separators.element,
            separators.component,
            separators.repetition,
            separators.terminator,
        )
        self._none_of = {ord(one): None for one in characters if one}

    def person(self, name: str, most: int) -> str:
        """A person's name: A to Z, blank, hyphen and apostrophe.

        Raises:
            PayerError: `name_not_askable` when nothing of it is left.

        """
        text = wire_name(name).translate(self._none_of)[:most].strip(" -'")
        if not text:
            raise PayerError(
                ErrorClass.FIX_INPUT,
                "name_not_askable",
                "The name has no letter that a file for this payer can carry.",
            )
        return text

    def organization(self, name: str, most: int = 60) -> str:
        """A practice's or payer's name: capital letters, digits and a few signs; never empty."""
        plain = _ORGANIZATION_CHARACTERS.sub(" ", without_accents(name)).translate(self._none_of)
        return _SPACES.sub(" ", plain)[:most].strip() or "UNKNOWN"

    def number(self, value: str, most: int) -> str:
        """An id as it is: one that would have to be changed cannot be sent.

        Raises:
            PayerError: `id_not_sendable`.

        """
        text = value.strip()
        if not text or len(text) > most or not self.is_sendable(text):
            raise PayerError(
                ErrorClass.FIX_INPUT,
                "id_not_sendable",
                "An id of this row cannot stand in a file for this payer. Check the row's ids.",
            )
        return text

    def is_sendable(self, text: str) -> bool:
        """Whether an id can stand in a file as it is."""
        return bool(_NUMBER.fullmatch(text)) and text.translate(self._none_of) == text


def gender(member: Member) -> str:
    """DMG03; empty for what the transaction has no code for."""
    return member.gender if member.gender in _GENDERS else ""
