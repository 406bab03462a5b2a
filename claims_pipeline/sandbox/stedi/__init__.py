"""Stedi's part of the sandbox: one address, JSON both ways."""

from claims_pipeline.sandbox.stedi.part import PART

__all__ = ["PART"]
