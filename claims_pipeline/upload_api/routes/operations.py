"""All operations that need a caller, joined under their addresses."""

from fastapi import APIRouter

from claims_pipeline.upload_api.http.paths import BULK, CLAIMS, JOBS, JOBS_ALIAS, PROVIDERS
from claims_pipeline.upload_api.routes import (
    audit,
    changes,
    claim_changes,
    directory,
    events,
    jobs,
    results,
    upload,
    verify,
    work,
)

_OF_ONE_UPLOAD = (jobs.router, events.router, results.router, changes.router)
_OF_ALL_UPLOADS = (upload.router, verify.router)


def operations() -> APIRouter:
    """One router with every operation of `routes` but those about the service's health."""
    joined = APIRouter()
    for router in _OF_ALL_UPLOADS:
        joined.include_router(router, prefix=BULK, tags=["uploads"])
    for prefix in (JOBS, JOBS_ALIAS):
        for router in _OF_ONE_UPLOAD:
            joined.include_router(router, prefix=prefix, tags=["uploads"])
    joined.include_router(audit.router, prefix=CLAIMS, tags=["audit"])
    for router in (work.router, claim_changes.router):
        joined.include_router(router, prefix=CLAIMS, tags=["follow-up"])
    joined.include_router(directory.payers_router, prefix=CLAIMS, tags=["directory"])
    for prefix in (CLAIMS, PROVIDERS):
        joined.include_router(directory.practices_router, prefix=prefix, tags=["directory"])
    return joined
