"""Answers as they look, for the OpenAPI document. Nobody has these names."""

from typing import Any

_UPLOAD_ID = "4f6c1c9e-8d0a-4e55-9b0c-6b1f6d9f2a10"
_RUN_ID = "b1b5a6c8-31f5-4d5e-8f0b-0f5b2f8f3c77"

_PROGRESS: dict[str, Any] = {
    "id": _UPLOAD_ID,
    "job_id": _UPLOAD_ID,
    "status": "PROCESSING",
    "status_display": "Processing",
    "total_rows": 200,
    "processed_rows": 120,
    "success_count": 98,
    "failure_count": 22,
    "found_count": 95,
    "not_found_count": 15,
    "ambiguous_count": 3,
    "rejected_count": 7,
    "failed_count": 0,
    "unprocessed_count": 0,
    "progress_percentage": 60.0,
    "success_rate": 81.7,
    "eta_seconds": 28,
    "attempt": 1,
    "celery_status": "STARTED",
    "processing_started_at": "2026-03-04T12:00:06Z",
    "processing_completed_at": None,
    "processing_duration": 40.2,
    "updated_at": "2026-03-04T12:00:46Z",
    "waiting_reason": None,
    "next_try_at": None,
    "error_code": None,
    "error_message": None,
    "error_log": None,
}
_UPLOAD: dict[str, Any] = {
    **_PROGRESS,
    "filename": "worklist.csv",
    "original_filename": "worklist.csv",
    "file_size": 14208,
    "file_size_display": "13.9 KB",
    "provider": "uhc",
    "run_id": _RUN_ID,
    "run_url": None,
    "celery_task_id": _RUN_ID,
    "user": "6a0f3c52-5a30-4a0e-9a0a-3c8b3f0b9a11",
    "user_email": "analyst@example.org",
    "organization": "acme",
    "organization_name": "Acme Billing",
    "created_at": "2026-03-04T12:00:01Z",
    "duplicate_of": None,
}
_COUNTS = (name for name in _UPLOAD if name.endswith("_count"))
_NEW: dict[str, Any] = {
    **_UPLOAD,
    **dict.fromkeys((*_COUNTS, "processed_rows"), 0),
    **dict.fromkeys(("progress_percentage", "success_rate"), 0.0),
    **dict.fromkeys(("run_id", "celery_task_id", "eta_seconds", "processing_started_at")),
    "processing_duration": None,
    "celery_status": "PENDING",
    "status": "PENDING",
    "status_display": "Pending",
}
_COLUMNS = ["claim_number", "first_name", "last_name", "date_of_birth"]
_RESULT: dict[str, Any] = {
    "row_number": 1,
    "line_number": 2,
    "cells": ["FH00000001", "Ada", "Example", "05/10/1975"],
    "outcome": "found",
    "success": True,
    "claim_status": "PAID",
    "next_action": "post_payment",
    "next_action_text": "Post the payment.",
    "matched_by": "claim_number",
    "match_note": None,
    "tin": "070000001",
    "payer_id": "87726",
    "searched_from": "2026-01-26",
    "searched_to": "2026-02-09",
    "search": "sweep",
    "error_code": None,
    "error_message": None,
    "payer_environment": "sandbox",
    "checked_at": "2026-03-04T12:00:09Z",
    "claims": [
        {
            "status": "PAID",
            "next_action": "post_payment",
            "primary": True,
            "open_amount": "0.00",
            "denial_category": None,
            "denials": [],
            "note": None,
            "same_claim_as_row": None,
            "claim": {
                "payer_id": "87726",
                "tin": "070000001",
                "claim_number": "FH00000001",
                "service_from": "2026-02-02",
                "service_to": "2026-02-02",
                "total_charged": "150.00",
                "total_paid": "99.95",
            },
        }
    ],
}
_REJECTED = {
    "row_number": 7,
    "line_number": 8,
    "column": "date_of_birth",
    "code": "required",
    "message": "Fill in the date of birth.",
}


def _page(result: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"count": 1, "next": None, "previous": None, **fields, "results": [result]}


# By operation id.
EXAMPLES: dict[str, dict[str, Any]] = {
    "get_job": _UPLOAD,
    "cancel_job": {**_UPLOAD, "status": "CANCELLING", "status_display": "Cancelling"},
    "upload_csv": _NEW,
    "retry_job": {**_NEW, "attempt": 2},
    **dict.fromkeys(("list_jobs", "search_jobs"), _page(_UPLOAD)),
    "get_progress": {**_PROGRESS, "rows_per_second": 2.84},
    **dict.fromkeys(
        ("list_results", "search_results"), _page(_RESULT, claims=None, columns=_COLUMNS)
    ),
    "get_rejected_rows": _page(
        {**_REJECTED, "cells": ["FH00000007", "Ben", "Example", ""]}, columns=_COLUMNS
    ),
    "verify_csv": {
        "total_rows": 200,
        "accepted_rows": 193,
        "rejected_rows": 7,
        "duplicate_rows": 4,
        "file_error": None,
        "columns": [{"header": "DOB", "read_as": "date_of_birth", "may_be": None}],
        "left_out": [{"line_number": 202, "reason": "total"}],
        "left_out_lines": 1,
        "errors": [{**_REJECTED, "header": "DOB"}],
        "error_groups": [
            {
                "code": _REJECTED["code"],
                "column": _REJECTED["column"],
                "header": "DOB",
                "message": _REJECTED["message"],
                "rows": 7,
                "line_numbers": [12, 40, 41, 77, 103, 150, 188],
            }
        ],
        "warnings": [],
        "payers": [{"payer": "uhc", "channel": "uhc", "rows": 193, "calls": 41, "price": 0.0}],
        "plan": {
            "queries": 61,
            "estimated_calls": 66,
            "least_calls": 66,
            "most_calls": 66,
            "one_per_row_calls": 189,
            "sweep_calls": 66,
            "detail_calls": 174,
            "minutes": 2.5,
            "least_minutes": 0.5,
            "reasons": {"one search for the whole practice takes fewer calls": 61},
        },
        "duplicate_of": None,
    },
    "list_payers": {
        "count": 1,
        "results": [
            {
                "id": "uhc",
                "payer_id": "87726",
                "name": "UnitedHealthcare",
                "aliases": ["UHC*"],
                "channel": "uhc",
                "timezone": "America/Chicago",
                "active": True,
                "connected": True,
            }
        ],
    },
    "list_all_practices": {
        "count": 1,
        "results": [
            {
                "id": "1",
                "name": "Sample Family Practice",
                "tin": "070000001",
                "npi": "1234567893",
                "payer_id": None,
                "is_default": True,
            }
        ],
    },
    "list_audit_entries": _page(
        {
            "id": 42,
            "at": "2026-03-04T12:01:00Z",
            "actor": "6a0f3c52-5a30-4a0e-9a0a-3c8b3f0b9a11",
            "action": "download",
            "upload_id": _UPLOAD_ID,
            "outcome": "ok",
            "code": None,
        }
    ),
}
