"""Optum Real's part of the sandbox: a GraphQL server that really reads queries."""

from claims_pipeline.sandbox.optum.part import PART

__all__ = ["PART"]
