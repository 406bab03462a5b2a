"""A table as a workbook of one sheet, with the formats of the results."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError

from claims_pipeline.exports.lines import Line
from claims_pipeline.exports.xlsx_sheets import Formats, LineSheet, SheetLayout


def one_sheet_workbook(
    lines: Iterable[Line],
    stream: BinaryIO,
    *,
    name: str,
    columns: Sequence[str],
    frozen: int,
    scratch: Path,
) -> None:
    """Write the lines; the stream stays open. `scratch` is a folder of the caller's.

    Raises:
        OSError: the disk is full, or the like.

    """
    workbook = Workbook(stream, {"constant_memory": True, "tmpdir": str(scratch)})
    workbook.use_zip64()
    layout = SheetLayout(
        name=name,
        columns=columns,
        frozen=frozen,
        states=frozenset({"claim_status", "previous_status"}),
        wrapped=frozenset({"next_action"}),
    )
    sheet = LineSheet(workbook, Formats(workbook), layout)
    for line in lines:
        sheet.write(line)
    sheet.end()
    try:
        workbook.close()
    except FileCreateError as error:
        # The library hides the operating system's error in one of its own.
        raise OSError("the workbook could not be written") from error
