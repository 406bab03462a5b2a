"""Sensors, each a shell over a decision, and the decisions."""
