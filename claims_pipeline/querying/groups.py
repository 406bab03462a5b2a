"""Plans the open rows of a group with all that has been learned about it so far."""

from collections.abc import Sequence
from dataclasses import replace

from claims_pipeline.errors import ErrorClass, InvariantError
from claims_pipeline.model import DateWindow, Query
from claims_pipeline.names import wire_name
from claims_pipeline.payers.base import Payer
from claims_pipeline.planning import Need, Plan, Terms, free_concurrency, next_windows, plan
from claims_pipeline.querying.conclusions import failed, matched, may_be_missed
from claims_pipeline.store.ledger.entries import Conclusion, Group, OpenRow
from claims_pipeline.store.ledger.ledger import Ledger

CONFIRMING = "Not found by name: every claim of these days is looked at, for other spellings."
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
    covered: list[OpenRow] = []
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
            covered.append(row)

    def planned_for(wanted: Sequence[Need]) -> Plan:
        return plan(
            wanted,
            tin=group.tin,
            payer_id=group.payer_id,
            capabilities=terms.capabilities,
            observations=view.observations,
            use_sweeps=terms.use_sweeps,
            concurrency=terms.threads,
            today=terms.today,
        )

    searched_out, to_confirm = _searched_out(ledger, covered, payer, terms, free_concurrency=free)
    if to_confirm:
        spent = ledger.pages_asked(reason=CONFIRMING)
        wanted = planned_for([need for _, need in to_confirm])
        if spent + wanted.estimated_calls > terms.confirmation_calls:
            searched_out += [conclusion for conclusion, _ in to_confirm]
            to_confirm = []
    confirming = frozenset(need.row_number for _, need in to_confirm)
    needs += [need for _, need in to_confirm]
    planned = planned_for(needs)
    if needs and not planned.queries and not planned.unaskable:
        raise InvariantError("plan_is_stuck", "Open rows were planned without a query.")
    message = _SWEEP_WAS_IN_VAIN if terms.use_sweeps else _ASK_BY_SWEEP
    conclusions = [_unaskable(number, message, payer.environment) for number in planned.unaskable]
    ledger.write_plan(
        group,
        [_with_reason(query, confirming) for query in planned.queries],
        [*searched_out, *conclusions],
    )


def _with_reason(query: Query, confirming: frozenset[int]) -> Query:
    is_for_them_alone = bool(confirming) and confirming.issuperset(query.row_numbers)
    return replace(query, reason=CONFIRMING) if is_for_them_alone else query


def _searched_out(
    ledger: Ledger,
    rows: Sequence[OpenRow],
    payer: Payer,
    terms: Terms,
    *,
    free_concurrency: int,
) -> tuple[list[Conclusion], list[tuple[Conclusion, Need]]]:
    """Results of rows whose days have all been covered.

    Apart those, with the days to be swept next, whose claim may stand under another name.
    """
    interim = ledger.interim_claims([row.request.row_number for row in rows]) if rows else {}
    sure: list[Conclusion] = []
    to_confirm: list[tuple[Conclusion, Need]] = []
    for row in rows:
        span = terms.span(row.request)
        conclusion = matched(
            row.request,
            interim.get(row.request.row_number, ()),
            covered=row.covered,
            swept=row.swept,
            span=span,
            environment=payer.environment,
        )
        windows = (
            next_windows(span, row.swept, free_concurrency=free_concurrency)
            if terms.confirms and not row.single_only and may_be_missed(row.request, conclusion)
            else ()
        )
        if windows:
            need = replace(_need(row, windows), sweep_only=True)
            to_confirm.append((conclusion, need))
        else:
            sure.append(conclusion)
    return sure, to_confirm


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
