"""The parts of the sandbox, one line for each channel, all of them about one world."""

from claims_pipeline.sandbox import availity, optum, stedi, uhc
from claims_pipeline.sandbox.part import ChannelPart

PARTS: tuple[ChannelPart, ...] = (
    uhc.PART,
    availity.PART,
    optum.PART,
    stedi.PART,
)  # fmt: skip


def sandbox_payers() -> tuple[str, ...]:
    """Short names of the payers that the sandbox plays, as they stand in the demo's payer table."""
    return tuple(part.payer for part in PARTS)


def payer_settings(url: str) -> dict[str, str]:
    """Environment variables with which the pipeline asks a sandbox; `url` ends without a slash."""
    return {name: value for part in PARTS for name, value in part.settings(url).items()}
