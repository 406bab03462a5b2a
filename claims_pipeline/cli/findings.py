"""What a check found, for a terminal of 80 columns: the plan first, then what is to be done.

Cells stand as they are: this is the terminal of the person whose file it is.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from claims_pipeline.intake import ROW_ERRORS
from claims_pipeline.intake.columns import position_of
from claims_pipeline.intake.headers.persons import PATIENT_NAME
from claims_pipeline.model import RejectedRow
from claims_pipeline.preflight.check import FileCheck, PlanEstimate

_ROWS_OF_AN_ERROR = 5
_LINES_OF_A_REASON = 6
_LONGEST_CELL = 40


def show(found: FileCheck, console: Console) -> None:
    """Print the findings; five lines for a file with nothing to remark."""
    if found.file_error is not None:
        console.print(escape(f"File refused: {found.file_error.message} [{found.file_error.code}]"))
        _show_columns(found, console)
        return
    total = found.accepted + found.rejected_rows
    console.print(
        f"{total:,} {_rows(total)}: {found.accepted:,} can be asked, {found.rejected_rows:,} cannot"
    )
    if found.accepted:
        _show_plan(found.plan, console)
    _show_payers(found, console)
    _show_columns(found, console)
    _show_left_out(found, console)
    for item in found.warnings:
        if item.code not in {"unread_columns", "lines_left_out"}:
            lines = (
                f" (lines {_listed(item.line_numbers, item.count)})" if item.line_numbers else ""
            )
            console.print(escape(f"Note, {item.count:,} × {item.code}: {item.message}{lines}"))
    _show_errors(found, console)


def _show_payers(found: FileCheck, console: Console) -> None:
    """Which payers the rows name, where that is more than the one that is asked."""
    if len(found.payers) < 2 and all(share.channel for share in found.payers):
        return
    table = Table("payer", "rows", "calls", "price", "asked through", box=None, pad_edge=False)
    for share in found.payers:
        table.add_row(
            escape(share.payer),
            f"{share.rows:,}",
            f"{share.calls:,}",
            f"${share.price:,.2f}" if share.price else "",
            share.channel or "not connected",
        )
    console.print(table)


def _show_plan(plan: PlanEstimate, console: Console) -> None:
    console.print(
        f"Plan: {plan.queries:,} queries, about {plan.estimated_calls:,} calls{_range(plan)} "
        f"(one per row: {plan.one_per_row_calls:,}; sweeps only: {plan.sweep_calls:,})",
        soft_wrap=True,
    )
    if plan.price:
        console.print(f"Price: about ${plan.price:,.2f}, where answers are billed")
    for reason, count in plan.reasons:
        console.print(escape(f"  {count:,} × {reason}"))
    console.print(
        f"Waiting for the payer: {_minutes(plan)}, about {plan.detail_calls:,} calls for details "
        "included",
        soft_wrap=True,
    )


def _range(plan: PlanEstimate) -> str:
    """By how many claims the practices have; nothing where they were asked about before."""
    if plan.least_calls == plan.most_calls:
        return ""
    return f", {plan.least_calls:,} to {plan.most_calls:,}"


def _show_columns(found: FileCheck, console: Console) -> None:
    """A line where each column is spelled as ours is; else a table of the others."""
    readings = found.column_readings
    if not readings:
        return
    others = [read for read in readings if read.read_as is None or read.header != read.read_as]
    if not others:
        console.print(f"Columns: all {len(readings)} are read")
        return
    table = Table("column", "read as", box=None, pad_edge=False)
    for read in others:
        meaning = read.read_as or (f"not read; {read.may_be}?" if read.may_be else "not read")
        if read.read_as == PATIENT_NAME:
            meaning = "last_name, first_name"
        table.add_row(escape(_shortened(read.header)), meaning)
    console.print(table)


def _show_left_out(found: FileCheck, console: Console) -> None:
    lines: dict[str, list[int]] = defaultdict(list)
    for left in found.left_out:
        lines[left.reason].append(left.line_number)
    for reason, numbers in lines.items():
        console.print(escape(f"Left out, {reason}: line {_listed(numbers, len(numbers))}"))
    unlisted = found.left_out_lines - len(found.left_out)
    if unlisted:
        console.print(f"Left out, further lines: {unlisted:,}")


def _show_errors(found: FileCheck, console: Console) -> None:
    """Rejected rows by what is wrong with them, most frequent first, each cell as it stands."""
    groups: dict[tuple[str, str | None], list[RejectedRow]] = defaultdict(list)
    for row in found.rejected:
        groups[row.code, row.column].append(row)
    counts = Counter({key: len(rows) for key, rows in groups.items()})
    for (code, column), count in counts.most_common():
        header = found.header_of(column) or column
        where = f" in {header}" if header else ""
        console.print(escape(f"\n{count:,} × {code}{where}: {ROW_ERRORS[code]}"))
        shown = groups[code, column][:_ROWS_OF_AN_ERROR]
        for row in shown:
            cell = _cell(found, row)
            text = "" if cell is None else f": {_shortened(cell)}" if cell else ": (empty)"
            console.print(escape(f"  line {row.line_number:,}{text}"))
        if count > len(shown):
            console.print(f"  … and {count - len(shown):,} more")
    if found.rejected:
        console.print("\nAll of them: --rejected FILE writes them to a CSV, --json lists them")


def _cell(found: FileCheck, row: RejectedRow) -> str | None:
    """The cell at fault as it stands; None where the row as a whole is."""
    position = position_of(found.columns, row.column)
    return None if position is None or position >= len(row.cells) else row.cells[position].strip()


def _listed(numbers: Sequence[int], count: int) -> str:
    shown = ", ".join(f"{number:,}" for number in numbers[:_LINES_OF_A_REASON])
    more = count - len(numbers[:_LINES_OF_A_REASON])
    return f"{shown} and {more:,} more" if more > 0 else shown


def _shortened(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _LONGEST_CELL else plain[: _LONGEST_CELL - 1] + "…"


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def _minutes(plan: PlanEstimate) -> str:
    """A range, as long as nobody has measured how fast the payer answers."""
    if plan.minutes < 1:
        return "less than a minute"
    most, least = round(plan.minutes), max(1, round(plan.least_minutes))
    if least == most:
        return f"about {most} minute" + ("s" if most > 1 else "")
    return f"about {least} to {most} minutes"
