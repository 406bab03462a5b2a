"""The watched folder that files come in by, and the outbox that results leave by."""
