"""Signing in and out, and the session on the server between the two."""
