"""Followed claims for callers: what there is to work, and what may be changed about it."""
