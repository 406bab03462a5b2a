"""Optum Real's Claim Inquiry: GraphQL, by practice or patient, paging by a header."""

from claims_pipeline.payers.optum.channel import CHANNEL

__all__ = ["CHANNEL"]
