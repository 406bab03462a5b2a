"""The channel `x12`: 276 inquiries out, TA1, 999 and 277 back, as files of a clearinghouse."""

from claims_pipeline.payers.x12.channel import CHANNEL

__all__ = ["CHANNEL"]
