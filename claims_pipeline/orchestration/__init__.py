"""What Dagster sees: thin shells that pass ids, never data."""
