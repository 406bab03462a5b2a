"""Plans the open rows of a group with all that has been learned about it so far."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from claims_pipeline.errors import ErrorClass, InvariantError
from claims_pipeline.model import DateWindow, Query, subtract_windows
from claims_pipeline.names import single_key
from claims_pipeline.payers.base import Payer
from claims_pipeline.planning import Need, Plan, Span, Terms, free_concurrency, next_windows, plan
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
            needs.append(_need(ledger, row, windows, payer))
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

    searched_out, unsure = _searched_out(ledger, covered, payer, terms)
    confirmable = _confirmable(ledger, unsure, payer, terms, planned_for) if unsure else {}
    searched_out += [it.conclusion for it in unsure if it.row.request.row_number not in confirmable]
    for it in unsure:
        if (days := confirmable.get(it.row.request.row_number)) is not None:
            windows = next_windows(days, it.row.swept, free_concurrency=free)
            needs.append(replace(_need(ledger, it.row, windows, payer), sweep_only=True))
    confirming = frozenset(confirmable)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unsure:
    """A row whose days have all been asked by name, and what it is if nothing more is asked."""

    row: OpenRow
    span: Span
    conclusion: Conclusion


def _confirmable(
    ledger: Ledger,
    unsure: Sequence[_Unsure],
    payer: Payer,
    terms: Terms,
    planned_for: Callable[[Sequence[Need]], Plan],
) -> dict[int, Span]:
    """The rows whose days may be swept, with those days: all of them, or else the newest.

    To look through a part of a long look-back and leave off would be for nothing, unless it is the
    part in which most claims lie.
    """
    left = terms.confirmation_calls - ledger.pages_asked(reason=CONFIRMING)
    for choose in (_whole, _first_wave):
        spans = {it.row.request.row_number: choose(it.span) for it in unsure}
        needs = [
            replace(_need(ledger, it.row, windows, payer), sweep_only=True)
            for it in unsure
            if (windows := _unswept(spans[it.row.request.row_number], it.row.swept))
        ]
        if needs and planned_for(needs).estimated_calls <= left:
            return {need.row_number: spans[need.row_number] for need in needs}
    return {}


def _whole(span: Span) -> Span:
    return span


def _first_wave(span: Span) -> Span:
    return replace(span, window=span.first_wave)


def _unswept(span: Span, swept: tuple[DateWindow, ...]) -> tuple[DateWindow, ...]:
    return tuple(
        window
        for gap in subtract_windows(span.window, swept)
        for window in gap.split(span.max_window_days)
    )


def _with_reason(query: Query, confirming: frozenset[int]) -> Query:
    is_for_them_alone = bool(confirming) and confirming.issuperset(query.row_numbers)
    return replace(query, reason=CONFIRMING) if is_for_them_alone else query


def _searched_out(
    ledger: Ledger,
    rows: Sequence[OpenRow],
    payer: Payer,
    terms: Terms,
) -> tuple[list[Conclusion], list[_Unsure]]:
    """Results of rows whose days have all been covered; apart those that a name may hide."""
    interim = ledger.interim_claims([row.request.row_number for row in rows]) if rows else {}
    sure: list[Conclusion] = []
    unsure: list[_Unsure] = []
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
        may_confirm = terms.confirms and not row.single_only and bool(_unswept(span, row.swept))
        if may_confirm and may_be_missed(row.request, conclusion):
            unsure.append(_Unsure(row=row, span=span, conclusion=conclusion))
        else:
            sure.append(conclusion)
    return sure, unsure


def _unaskable(row_number: int, message: str, environment: str) -> Conclusion:
    result = failed(row_number, "name_not_askable", message, ErrorClass.FIX_INPUT, environment)
    return Conclusion(result=result, one_per_row_calls=0)


def _need(ledger: Ledger, row: OpenRow, windows: tuple[DateWindow, ...], payer: Payer) -> Need:
    patient = row.request.patient
    key = row.patient_key
    if payer.capabilities.by_npi:
        key = single_key(key, ledger.provider_of(row.request).npi)
    return Need(
        row_number=row.request.row_number,
        patient_key=key,
        windows=windows,
        sweep_only=not payer.can_ask(patient),
        single_only=row.single_only,
    )
