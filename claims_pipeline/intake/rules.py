r"""What is wrong with the text of a cell, as patterns: a value that one of them finds is refused.

The patterns are read by RE2, which has classes such as `\PL` (no letter) and no look-around.
The first that fits gives the code.
"""

from dataclasses import dataclass

SCIENTIFIC_NOTATION = r"^[0-9]+(?:[.,][0-9]+)?[eE][+-][0-9]+$|^[0-9][.,][0-9]+[eE][0-9]+$"


@dataclass(frozen=True, slots=True)
class Rule:
    """Text in which `pattern` is found is refused with `code`."""

    code: str
    pattern: str


_DAMAGE = (
    Rule("formula_text", r"^[=+@＝＋＠]"),
    Rule("unreadable_character", r"[\x{1}-\x{8}\x{E}-\x{1F}\x{7F}\x{FFFD}]"),
    Rule("unclosed_quote", r'^"[^"]*$'),
)
# Signs that no name holds: letters of one code page read in another, a question mark in place of a
# letter, accents that have lost theirs.
_NO_SIGN_OF_A_NAME = (
    r"[\x{80}-\x{9F}¡¢£¤¥¦§¨©«¬®¯°±²³¶¸¹»¼½¾¿×÷ƒ†‡•…‰™€„‚‹›˜ˆ√∫◊∞≠≤≥∂∑∏π]|\pL\?|\?\pL"
)
_ANY_NAME = (
    *_DAMAGE,
    Rule("unreadable_character", _NO_SIGN_OF_A_NAME),
    Rule("value_too_long", r"(?s)^.{101}"),
)
_NAME = (Rule("required", r"^$"), *_ANY_NAME, Rule("name_without_letters", r"^\PL*$"))
_IDENTIFIER = (
    *_DAMAGE,
    Rule("amount_in_identifier", r"^\$|^[0-9][0-9,]*\.[0-9]{2}$"),
    Rule("value_too_long", r"(?s)^.{81}"),
)

TEXT_RULES: dict[str, tuple[Rule, ...]] = {
    "claim_number": (
        Rule("scientific_notation", SCIENTIFIC_NOTATION),
        Rule("several_numbers", r"[0-9].*[;,|&].*[0-9]"),
        *_IDENTIFIER,
    ),
    "patient_account_number": _IDENTIFIER,
    "first_name": _NAME,
    "last_name": _NAME,
    "subscriber_id": _IDENTIFIER,
    "subscriber_first_name": _ANY_NAME,
    "subscriber_last_name": _ANY_NAME,
    "payer_id": (
        Rule("scientific_notation", SCIENTIFIC_NOTATION),
        Rule("payer_id_invalid", r"[^A-Za-z0-9]|^.{33}"),
    ),
}
