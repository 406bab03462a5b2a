"""Writes docs/results.md: `python -m claims_pipeline.exports.reference > docs/results.md`."""

import sys
from collections.abc import Iterator

from claims_pipeline.results_file.columns import RESULT_COLUMNS

_INTRODUCTION = """\
# Results files

Every upload ends in a CSV and an Excel workbook with the same lines.

- Each claim that answers an input row has a line of its own; a row without claims has one line.
  Input rows keep their order. The best claim of a row stands first: paid ones, then the latest
  processed. Filter `primary` = Y to see each input row exactly once.
- Your own columns stand first, as they were. A column that is named like one of ours is written
  as `input_<name>`.
- A cell that a spreadsheet would run as a formula begins with an apostrophe. It is taken off
  again when the file is uploaded.
- Dates are MM/DD/YYYY, amounts are US dollars. Several values in one cell are separated by ` | `;
  the payment columns then list their values in the same order.
- The CSV is UTF-8. Opened by double click, Excel drops leading zeros of ids; the workbook keeps
  them. Excel holds at most 32,767 characters in a cell and 1,048,576 lines on a sheet: longer
  cells are cut in the workbook, further lines go on to another sheet.
- A results file can be uploaded again as it is; our columns are left out.

## Outcomes

| outcome | meaning |
| --- | --- |
| `found` | The person or the number is certain; all claims that fit are shown. |
| `ambiguous` | Identity is in doubt, or several claims fit where one was named; see `match_note`. |
| `not_found` | The payer answered, and no claim fits. |
| `rejected` | The row could not be asked; `error_message` says what to correct. |
| `failed` | The payer could not be asked; retry the upload. |
| `unprocessed` | The upload was stopped before this row was asked. |

## Columns

| column | meaning |
| --- | --- |
"""


def results_reference() -> str:
    """The page, from the same table that the exports write their header from."""
    return _INTRODUCTION + "".join(_rows())


def _rows() -> Iterator[str]:
    for name, meaning in RESULT_COLUMNS.items():
        yield f"| `{name}` | {meaning.replace('|', chr(92) + '|')} |\n"


if __name__ == "__main__":
    sys.stdout.write(results_reference())
