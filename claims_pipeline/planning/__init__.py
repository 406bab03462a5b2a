"""Requests to the fewest queries: which days a row needs, and who is asked for them how.

Everything here is pure: values in, values out, no store, no payer and no clock.
"""
