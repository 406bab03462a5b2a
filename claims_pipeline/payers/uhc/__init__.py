"""UnitedHealthcare: its adapter, and all that is known of it without asking."""

from claims_pipeline.payers.uhc.channel import CHANNEL

__all__ = ["CHANNEL"]
