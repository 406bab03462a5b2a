"""The command `claims-pipeline`."""
