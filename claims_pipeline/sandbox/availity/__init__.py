"""Availity's part of the sandbox: tokens by scope, inquiries that are answered later."""

from claims_pipeline.sandbox.availity.part import PART

__all__ = ["PART"]
