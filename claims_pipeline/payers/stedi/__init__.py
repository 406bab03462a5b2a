"""Stedi's real-time claim status: JSON, answered at once, billed by the answer."""

from claims_pipeline.payers.stedi.channel import CHANNEL

__all__ = ["CHANNEL"]
