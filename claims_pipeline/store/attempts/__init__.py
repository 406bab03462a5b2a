"""Everything that may happen to an attempt, under one name; each part has a module of its own.

`launching` hands out tickets, a run acquires the attempt and keeps it by heartbeats (`holding`),
`ending` gives every open row a result, and only a retry (`retrying`) begins a new attempt. What may
follow what is decided in `lifecycle`; `records` has attempts as values, `alerts` what operators are
told, `launch_tags` the names that launches share with Dagster's definitions.
"""

from claims_pipeline.store.attempts.ending import (
    ask_to_cancel,
    finish,
    payer_is_back,
    request_cancel,
    wait_for_payer,
)
from claims_pipeline.store.attempts.holding import (
    acquire,
    heartbeat,
    held_by,
    release_step,
    verify_hold,
)
from claims_pipeline.store.attempts.launching import (
    issue_ticket,
    mark_files_written,
    pending_attempts,
    relaunch,
    void_ticket,
    watched_attempts,
)
from claims_pipeline.store.attempts.lifecycle import NoBusiness
from claims_pipeline.store.attempts.records import (
    Attempt,
    AttemptRun,
    Hold,
    WatchedAttempt,
    attempt_runs_of,
    attempts_of,
    get_attempt,
    latest_attempt,
)
from claims_pipeline.store.attempts.retrying import ask_to_retry, request_retry, rows_in_scope

__all__ = [
    "Attempt", "AttemptRun", "Hold", "NoBusiness", "WatchedAttempt", "acquire", "ask_to_cancel",
    "ask_to_retry", "attempt_runs_of", "attempts_of", "finish", "get_attempt", "heartbeat",
    "held_by", "issue_ticket", "latest_attempt", "mark_files_written", "payer_is_back",
    "pending_attempts", "relaunch", "release_step", "request_cancel", "request_retry",
    "rows_in_scope", "verify_hold", "void_ticket", "wait_for_payer", "watched_attempts",
]  # fmt: skip
