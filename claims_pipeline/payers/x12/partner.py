"""A trading partner: how a clearinghouse wants its files, and where they lie."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from claims_pipeline.payers.x12.segments import Separators

# Those that interchanges use: tax id, D-U-N-S, health industry and carrier numbers, as agreed.
QUALIFIERS = frozenset({"01", "14", "20", "27", "28", "29", "30", "33", "ZZ"})
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,13}[A-Za-z0-9]|[A-Za-z0-9]{1,2}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_ORGANIZATION_NAME = re.compile(r"[A-Z0-9][A-Z0-9 .&'-]{0,59}")
_SUBMITTER_ID = re.compile(r"[A-Za-z0-9]{2,80}")
# Signs that stand in our own values (names, ids, ranges of days) separate nothing.
_SEPARATOR = re.compile(r"[!\"#$%()*+,:;<=>?@\[\\\]^`{|}~\x1c-\x1f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A mailbox at a clearinghouse, as the row of `x12 partners import` describes it.

    Sender and receiver are ISA05 to ISA08 from our side; `application_sender` and
    `application_receiver` are GS02 and GS03. `submitter_id` is the id (ETIN) in 2100B. `payers` are
    the short names that are asked through it, none meaning all of channel x12. `usage` is P for
    production and T for test. `deadline_days` counts business days. An inquiry that met a payer
    whose system was down is sent again after `resend_minutes`. Folders may be relative: they are
    below `$CLAIMS_HOME/x12/`.
    """

    name: str
    sender_qualifier: str
    sender_id: str
    receiver_qualifier: str
    receiver_id: str
    application_sender: str
    application_receiver: str
    submitter_id: str
    submitter_name: str
    usage: Literal["T", "P"]
    separators: Separators = field(default_factory=Separators)
    wants_ta1: bool = True
    line_ends: bool = False
    claims_per_set: int = 99
    sets_per_file: int = 50
    max_file_bytes: int = 5_000_000
    deadline_days: int = 2
    resend_minutes: int = 60
    outgoing: str
    incoming: str
    payers: tuple[str, ...] = ()
    active: bool = True

    @property
    def environment(self) -> str:
        """What results say of who answered: `sandbox` for test files."""
        return "production" if self.usage == "P" else "sandbox"


def problems_of(partner: Partner) -> Iterator[str]:
    """What is wrong with a partner's row, each as the end of a sentence; nothing if it is good."""
    yield from _problems_of_ids(partner)
    if partner.usage not in {"T", "P"}:
        yield "needs T (test) or P (production) in usage"
    if not _are_separators(partner.separators):
        yield "needs four different separators: no letter, digit, blank or one of . - ' & / _"
    sizes = (partner.claims_per_set, partner.sets_per_file, partner.deadline_days)
    if min(sizes) < 1 or partner.max_file_bytes < 2_000:
        yield "needs sizes and a deadline of 1 at least, and files of 2000 bytes at least"
    if partner.claims_per_set > 5_000 or partner.deadline_days > 60 or partner.resend_minutes < 0:
        yield "needs at most 5000 claims in a set, and at most 60 days until the deadline"
    if not partner.outgoing or not partner.incoming or partner.outgoing == partner.incoming:
        yield "needs two folders, outgoing and incoming"


def _problems_of_ids(partner: Partner) -> Iterator[str]:
    if not _NAME.fullmatch(partner.name):
        yield "needs a name of small letters, digits and hyphens"
    if not {partner.sender_qualifier, partner.receiver_qualifier} <= QUALIFIERS:
        yield f"needs qualifiers that are one of {', '.join(sorted(QUALIFIERS))}"
    ids = (
        partner.sender_id,
        partner.receiver_id,
        partner.application_sender,
        partner.application_receiver,
    )
    if not all(_ID.fullmatch(one) for one in ids):
        yield "needs sender and receiver ids of 1 to 15 letters and digits"
    if not _SUBMITTER_ID.fullmatch(partner.submitter_id):
        yield "needs a submitter_id of 2 to 80 letters and digits"
    if not _ORGANIZATION_NAME.fullmatch(partner.submitter_name):
        yield "needs a submitter_name of at most 60 capital letters"


def _are_separators(separators: Separators) -> bool:
    characters = (
        separators.element,
        separators.component,
        separators.repetition,
        separators.terminator,
    )
    return len(set(characters)) == 4 and all(_SEPARATOR.fullmatch(one) for one in characters)
