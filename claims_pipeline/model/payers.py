"""The payers that rows may name."""

from dataclasses import dataclass

# In place of a payer's short name: each row is asked at the payer that it names.
AUTO = "auto"
# Whom a file without a word about payers is for: older clients and commands name none.
DEFAULT_PAYER = "uhc"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPayer:
    """An entry of an organization's payer table: `payer` is the short name in folders and forms.

    `aliases` are further names and payer ids; one that ends in `*` stands for every name that
    begins with its words. `channel` is the way it is asked, `channel_payer_id` its id there where
    that is another one, `timezone` (IANA) where its days begin. One that is not `active` is not
    asked.
    """

    payer: str
    payer_id: str
    name: str
    aliases: tuple[str, ...] = ()
    channel: str
    channel_payer_id: str | None = None
    timezone: str | None = None
    active: bool = True
