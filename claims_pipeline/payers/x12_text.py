"""What is read out of the text of a 277: further statuses that JSON leaves out.

Tolerant: what is not understood is left out, and separators are those that the text itself uses.
Only the layout of segments is known here; who wrote the text decides what it is good for.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from claims_pipeline.model import StatusCode

# An ISA has a fixed width: its separators stand at these places.
_ISA_LENGTH = 106
_COMPONENT_AT = 104
_TERMINATOR_AT = 105
_MOST_CHARACTERS = 4_000_000

Segment = list[str]


@dataclass(slots=True, kw_only=True)
class ClaimLoop:
    """One claim of a 277: its trace, the payer's number, every status of the claim as a whole."""

    trace: str | None
    claim_number: str | None = None
    statuses: list[StatusCode] = field(default_factory=list)


def segments(text: str) -> Iterator[Segment]:
    """The segments as lists of elements, the name first."""
    text = text[:_MOST_CHARACTERS].strip()
    element, terminator = "*", "~"
    if text.startswith("ISA") and len(text) >= _ISA_LENGTH:
        element, terminator = text[3], text[_TERMINATOR_AT]
    elif len(text) > len("ST*") and not text[2].isalnum():
        element = text[2]
    for segment in text.split(terminator):
        if segment := segment.strip():
            yield segment.split(element)


def is_acknowledgement(text: str) -> bool:
    """Whether the text is a 999 or a TA1 instead of an answer."""
    for segment in segments(text):
        if segment[0] == "TA1":
            return True
        if segment[0] == "ST":
            return _element(segment, 1) == "999"
    return False


def claim_loops(text: str) -> list[ClaimLoop]:
    """The claims of a 277, each with its statuses in their order; lines are left out."""
    component = text.strip()[_COMPONENT_AT] if text.strip().startswith("ISA") else ":"
    loops: list[ClaimLoop] = []
    is_in_claim = False
    for segment in segments(text):
        match segment[0]:
            case "TRN":
                loops.append(ClaimLoop(trace=_element(segment, 2)))
                is_in_claim = True
            case "SVC" | "HL":
                # What follows is about a line, or about somebody else.
                is_in_claim = False
            case "STC" if is_in_claim:
                composites = (_element(segment, at) for at in (1, 10, 11))
                loops[-1].statuses += [
                    status
                    for composite in composites
                    if composite and (status := _status(composite, component))
                ]
            case "REF" if is_in_claim and _element(segment, 1) == "1K":
                loops[-1].claim_number = _element(segment, 2)
    return loops


def _status(composite: str, component: str) -> StatusCode | None:
    category, _, rest = composite.partition(component)
    status = rest.partition(component)[0]
    if not category.isalnum():
        return None
    return StatusCode(category_code=category, status_code=status or None)


def _element(segment: Segment, at: int) -> str | None:
    return segment[at] or None if at < len(segment) else None
