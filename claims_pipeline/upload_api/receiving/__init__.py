"""A form and its file on their way in: fields, bytes, idempotency, upload or check."""
