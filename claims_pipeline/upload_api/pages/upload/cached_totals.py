"""An upload's totals, added up by the database once for each state of the upload.

A million rows take the database seconds, and people come back to the same page.
"""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from claims_pipeline.store.rows.totals import (
    DenialReason,
    claim_groups,
    denial_reasons,
    row_groups,
)
from claims_pipeline.store.uploads import Upload
from claims_pipeline.upload_api.pages.upload.worklist import Worklist, worklist_of
from claims_pipeline.upload_api.services import Services
from claims_pipeline.upload_api.streams import event_id

_MOST_REMEMBERED = 64
_MOST_REASONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What the overview shows: the worklist, and with what most was denied."""

    worklist: Worklist
    reasons: tuple[DenialReason, ...]


class _Remembered:
    """The latest totals of a few uploads, each with the state that they are of."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_upload: OrderedDict[str, tuple[str, Totals]] = OrderedDict()

    def get(self, upload_id: str, state: str) -> Totals | None:
        with self._lock:
            known = self._by_upload.get(upload_id)
            return known[1] if known and known[0] == state else None

    def keep(self, upload_id: str, state: str, totals: Totals) -> None:
        with self._lock:
            self._by_upload[upload_id] = (state, totals)
            self._by_upload.move_to_end(upload_id)
            while len(self._by_upload) > _MOST_REMEMBERED:
                self._by_upload.popitem(last=False)


_REMEMBERED = _Remembered()


def totals_of(services: Services, upload: Upload) -> Totals:
    """The totals of an upload that the caller may see, as it stands or a moment later."""
    state = event_id(upload)
    known = _REMEMBERED.get(upload.id, state)
    if known is not None:
        return known
    totals = Totals(
        worklist=worklist_of(
            row_groups(services.engine, upload.id), claim_groups(services.engine, upload.id)
        ),
        reasons=denial_reasons(services.engine, upload.id, limit=_MOST_REASONS),
    )
    _REMEMBERED.keep(upload.id, state, totals)
    return totals
