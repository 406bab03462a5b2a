"""Plans the open rows of a group with all that has been learned about it so far."""

from collections.abc import Sequence

from claims_pipeline.errors import ErrorClass, InvariantError
from claims_pipeline.model import DateWindow
from claims_pipeline.names import wire_name
from claims_pipeline.payers.base import Payer
from claims_pipeline.planning import Need, Terms, free_concurrency, next_windows, plan
from claims_pipeline.querying.conclusions import failed, matched
from claims_pipeline.store.ledger.entries import Conclusion, Group, OpenRow
from claims_pipeline.store.ledger.ledger import Ledger

_ASK_BY_SWEEP = (
    "The name has no letter that this payer's search can carry. Allow sweeps for this upload, or "
    "look the claim up in the payer's portal."
)
_SWEEP_WAS_IN_VAIN = (
    "The name has no letter that this payer's search can carry, and the payer did not list all "
    "claims of these days. Retry later, or look the claim up in the payer's portal."
)


def plan_open_groups(ledger: Ledger, payer: Payer, terms: Terms) -> bool:
    """Plan every group that has open rows and nothing under way; whether there was one."""
    groups = ledger.groups_to_plan()
    for group in groups:
        plan_group(ledger, group, payer, terms)
        # Calls of other groups may be out, and many groups take long to plan.
        ledger.renew_if_due()
    return bool(groups)


def plan_group(ledger: Ledger, group: Group, payer: Payer, terms: Terms) -> None:
    """Plan one group's open rows with all that has been learned about it so far."""
    needs: list[Need] = []
    searched_out: list[OpenRow] = []
    view = ledger.view(group)
    free = free_concurrency(
        open_rows=len(view.rows),
        observations=view.observations,
        capabilities=terms.capabilities,
        use_sweeps=terms.use_sweeps,
        concurrency=terms.threads,
    )
    for row in view.rows:
        span = terms.span(row.request)
        windows = next_windows(span, row.covered, free_concurrency=free)
        if windows:
            needs.append(_need(row, windows))
        else:
            searched_out.append(row)
    planned = plan(
        needs,
        tin=group.tin,
        payer_id=group.payer_id,
        capabilities=terms.capabilities,
        observations=view.observations,
        use_sweeps=terms.use_sweeps,
        concurrency=terms.threads,
        today=terms.today,
    )
    if needs and not planned.queries and not planned.unaskable:
        raise InvariantError("plan_is_stuck", "Open rows were planned without a query.")
    message = _SWEEP_WAS_IN_VAIN if terms.use_sweeps else _ASK_BY_SWEEP
    conclusions = [_unaskable(number, message, payer.environment) for number in planned.unaskable]
    ledger.write_plan(
        group,
        planned.queries,
        [*_searched_out(ledger, searched_out, payer, terms), *conclusions],
    )


def _searched_out(
    ledger: Ledger, rows: Sequence[OpenRow], payer: Payer, terms: Terms
) -> list[Conclusion]:
    """Results of rows whose days have all been covered."""
    interim = ledger.interim_claims([row.request.row_number for row in rows]) if rows else {}
    return [
        matched(
            row.request,
            interim.get(row.request.row_number, ()),
            covered=row.covered,
            span=terms.span(row.request),
            environment=payer.environment,
        )
        for row in rows
    ]


def _unaskable(row_number: int, message: str, environment: str) -> Conclusion:
    result = failed(row_number, "name_not_askable", message, ErrorClass.FIX_INPUT, environment)
    return Conclusion(result=result, one_per_row_calls=0)


def _need(row: OpenRow, windows: tuple[DateWindow, ...]) -> Need:
    patient = row.request.patient
    by_name = bool(wire_name(patient.first_name)) and bool(wire_name(patient.last_name))
    return Need(
        row_number=row.request.row_number,
        patient_key=row.patient_key,
        windows=windows,
        sweep_only=not by_name,
        single_only=row.single_only,
    )
