"""The parts of the sandbox, one line for each channel, all of them about one world."""

from claims_pipeline.sandbox import availity, stedi, uhc
from claims_pipeline.sandbox.part import ChannelPart

PARTS: tuple[ChannelPart, ...] = (
    uhc.PART,
    availity.PART,
    stedi.PART,
)  # fmt: skip


def payer_settings(url: str) -> dict[str, str]:
    """Environment variables with which the pipeline asks a sandbox; `url` ends without a slash."""
    return {name: value for part in PARTS for name, value in part.settings(url).items()}
