"""Queries to claims: one adapter per payer behind one protocol."""
