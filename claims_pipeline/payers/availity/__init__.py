"""Availity's claim statuses: submitted as a form, answered later."""

from claims_pipeline.payers.availity.channel import CHANNEL

__all__ = ["CHANNEL"]
