"""Everything that may happen to an attempt, under one name; each part has a module of its own.

Launching hands out tickets, a run takes the attempt and holds it by heartbeats, ending gives every
open row a result, and only a retry begins a new attempt.
"""

from claims_pipeline.store.attempts.ending import (
    ask_to_cancel,
    finish,
    payer_is_back,
    request_cancel,
    wait_for_payer,
)
from claims_pipeline.store.attempts.holding import (
    heartbeat,
    held_by,
    hold_step,
    release_step,
    take,
    verify_hold,
)
from claims_pipeline.store.attempts.launching import (
    finished_without_files,
    issue_ticket,
    mark_files_written,
    open_attempts,
    pending_attempts,
    relaunch,
    void_ticket,
)
from claims_pipeline.store.attempts.records import (
    Attempt,
    AttemptRun,
    Hold,
    attempt_runs_of,
    attempts_of,
    get_attempt,
    latest_attempt,
)
from claims_pipeline.store.attempts.retrying import ask_to_retry, request_retry, rows_in_scope

__all__ = [
    "Attempt",
    "AttemptRun",
    "Hold",
    "ask_to_cancel",
    "ask_to_retry",
    "attempt_runs_of",
    "attempts_of",
    "finish",
    "finished_without_files",
    "get_attempt",
    "heartbeat",
    "held_by",
    "hold_step",
    "issue_ticket",
    "latest_attempt",
    "mark_files_written",
    "open_attempts",
    "payer_is_back",
    "pending_attempts",
    "relaunch",
    "release_step",
    "request_cancel",
    "request_retry",
    "rows_in_scope",
    "take",
    "verify_hold",
    "void_ticket",
    "wait_for_payer",
]
