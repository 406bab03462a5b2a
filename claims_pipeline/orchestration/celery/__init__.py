"""Lanes on Celery workers: executor, worker, application, shutdown."""
