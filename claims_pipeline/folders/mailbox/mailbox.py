"""A partner's mailbox: where its folders are, and what is left alone in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from claims_pipeline.folders.untaken import is_left_alone
from claims_pipeline.payers.x12.partner import Partner
from claims_pipeline.store.files import make_folder

# In the incoming folder: files at work, files that were read, and files that are not for us.
TAKEN, READ, KEPT_OUT = ".taken", ".read", ".kept-out"
# In the outgoing folder: files that the courier has sent.
SENT = ".sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """One partner's two folders."""

    organization_id: str
    partner: Partner
    base: Path

    @property
    def outgoing(self) -> Path:
        """Where files for the clearinghouse are put."""
        return self.base / self.partner.outgoing

    @property
    def incoming(self) -> Path:
        """Where the clearinghouse's files arrive."""
        return self.base / self.partner.incoming

    def prepare(self) -> None:
        """Make both folders, where they are not there."""
        for folder in (self.outgoing, self.incoming):
            make_folder(folder)


def is_wanted(name: str) -> bool:
    """Whether a name is that of a file that is whole: not temporary, and not hidden."""
    return not is_left_alone(name) and not name.lower().endswith((".filepart", ".partial"))


def done_files(mailbox: Mailbox) -> Iterator[Path]:
    """Files that were sent or read, or are not for us: kept for a while, then removed."""
    yield from (mailbox.outgoing / SENT).glob("*")
    for folder in (READ, KEPT_OUT):
        yield from (mailbox.incoming / folder).glob("*")
