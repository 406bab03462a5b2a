"""What comes back in a clearinghouse's files, as values."""

from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum

from claims_pipeline.payers.x12.segments import ReadTally


@dataclass(frozen=True, slots=True, kw_only=True)
class SetKey:
    """Where something stood: control numbers of its interchange, group and transaction set."""

    interchange: str
    group: str
    set: str


class Verdict(StrEnum):
    """What an acknowledgement says: taken, taken with errors noted, or not taken."""

    TAKEN = "taken"
    NOTED = "noted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class InterchangeAck:
    """A TA1: of our interchange with that control number. `note` is its code."""

    interchange: str
    verdict: Verdict
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetError:
    """One complaint of a 999 about a segment: never with the data it complains about.

    `traces` are the inquiries that it names by their TRN02.
    """

    segment: str
    code: str
    traces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAck:
    """A 999's word about one of our transaction sets, or with `set` None about the whole group."""

    group: str
    set: str | None
    verdict: Verdict
    errors: tuple[SetError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A composite of an STC: 507 category, 508 status, entity; `code_list` is RX for NCPDP's."""

    category: str
    code: str
    entity: str = ""
    code_list: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusLine:
    """One STC: up to three statuses, and on a claim's first the amounts."""

    statuses: tuple[Status, ...]
    effective: date | None = None
    charged: Decimal | None = None
    paid: Decimal | None = None
    decided: date | None = None
    remitted: date | None = None
    payment_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonName:
    """A person or organization of an NM1."""

    last: str = field(default="", repr=False)
    first: str = field(default="", repr=False)
    middle: str = field(default="", repr=False)
    id: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStatus:
    """A service line (2220), as the payer reports it."""

    procedure: str | None = None
    modifiers: tuple[str, ...] = ()
    revenue_code: str | None = None
    charged: Decimal | None = None
    paid: Decimal | None = None
    units: str | None = None
    control_number: str | None = None
    service_from: date | None = None
    service_to: date | None = None
    statuses: tuple[StatusLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimReply:
    """A 2200D or 2200E: one claim, or one error, for the inquiry of that trace."""

    key: SetKey
    trace: str
    provider_id: str = ""
    subscriber: PersonName = field(default_factory=PersonName, repr=False)
    dependent: PersonName | None = field(default=None, repr=False)
    statuses: tuple[StatusLine, ...] = ()
    payer_claim_number: str = field(default="", repr=False)
    account_number: str = field(default="", repr=False)
    clearinghouse_number: str = field(default="", repr=False)
    voucher: str = field(default="", repr=False)
    bill_type: str = ""
    service_from: date | None = None
    service_to: date | None = None
    lines: tuple[LineStatus, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverReply:
    """A 2200B: the receiver's statuses, for the whole set with that reference (its BHT03)."""

    key: SetKey
    reference: str
    statuses: tuple[StatusLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderReply:
    """A 2200C: statuses of one provider. `reference` is the BHT03 of the set it stands in."""

    key: SetKey
    reference: str
    provider_id: str = field(repr=False)
    statuses: tuple[StatusLine, ...] = ()


Reply = InterchangeAck | SetAck | ReceiverReply | ProviderReply | ClaimReply


@dataclass(slots=True, kw_only=True)
class FileTally:
    """What a file held, as counts: for operators, with nobody's data in it.

    `claim_replies` are claims and claim-level errors. `sets_277ca`, `sets_other` are recognized and
    kept out. `without_trace`: claim-level statuses that name no inquiry. `wrong_counts`: trailers
    whose counts or control numbers do not agree. `unreadable_values`: dates and amounts that are
    none.
    `unfinished_interchanges` have no end; the answers of the last inquiry in them are kept out
    (`cut_answers`), since more of them may be missing.
    """

    bytes: ReadTally = field(default_factory=ReadTally)
    interchanges: int = 0
    sets_277: int = 0
    sets_999: int = 0
    sets_277ca: int = 0
    sets_other: int = 0
    interchange_acks: int = 0
    claim_replies: int = 0
    without_trace: int = 0
    wrong_counts: int = 0
    unreadable_values: int = 0
    unknown_segments: int = 0
    unfinished_interchanges: int = 0
    cut_answers: int = 0

    @property
    def is_cut_off(self) -> bool:
        """Whether the file ends before its end: it was copied in part, or is still written."""
        return self.bytes.cut_off or self.unfinished_interchanges > 0

    @property
    def is_x12(self) -> bool:
        """Whether there is anything of X12 in it."""
        return self.interchanges > 0

    def counts(self) -> dict[str, int]:
        """Everything that was counted, by name."""
        own = {
            field.name: getattr(self, field.name) for field in fields(self) if field.name != "bytes"
        }
        unreadable = {
            "junk_bytes": self.bytes.junk_bytes,
            "too_long_segments": self.bytes.too_long,
            "unreadable_headers": self.bytes.headers_unreadable,
            "cut_off_files": int(self.is_cut_off),
        }
        return own | unreadable
