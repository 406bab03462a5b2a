"""The payers that rows may name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPayer:
    """A payer as files name it: `payer` is its short name in folders and forms.

    `aliases` are further names and payer ids; one that ends in `*` stands for every name that
    begins with its words.
    """

    payer: str
    payer_id: str
    name: str
    aliases: tuple[str, ...] = ()
