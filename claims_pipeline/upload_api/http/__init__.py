"""HTTP itself: problems, middleware, parameters, attachments, logs, metrics."""
