"""Writes docs/results.md: `python -m claims_pipeline.exports.reference > docs/results.md`."""

import sys
from collections.abc import Iterator, Mapping

from claims_pipeline.payers.denials import ACTION_BY_CATEGORY, DENIAL_CATEGORIES
from claims_pipeline.payers.status import NEXT_ACTIONS
from claims_pipeline.results_file.columns import LINE_COLUMNS, RESULT_COLUMNS

_INTRODUCTION = """\
# Results files

Every upload ends in a CSV of results, a CSV of service lines and an Excel workbook. Above
`CLAIMS_WORKBOOK_MAX_ROWS` rows there is no workbook.

- Each claim that answers an input row has a line of its own; a row without claims has one line.
  Input rows keep their order. Filter `primary` = Y to see each input row exactly once.
- The first claim of a row is the one that the row names by number; else those that overlap the
  row's own service dates, nearest first; then those of the days around, each with a note; among
  equals the latest processed. Whether a claim is paid plays no part.
- Count rows by `outcome`, each once. Count claims and dollars on the lines without
  `same_claim_as_row`: several rows may show one claim. Claims of `ambiguous` rows are in doubt;
  keep them apart.
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

## The workbook

- `Work`: what to do next with claims, dollars and the oldest service; denials by kind and code.
- `Claims`: the lines of the CSV. The patient's name stays in sight, then come the columns to work
  with; all others lie in a group that opens at the right.
- `Lines`: the service lines.
- `Rejected rows`: rows that could not be asked, and why.

Ids are text, days and amounts are real dates and numbers. A sheet without lines is left out.

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


_DENIALS = """
## Denials

`denial_category` is ours, from the payer's CARC and RARC codes. What a contract writes off (code
45 and its like) and what the patient shares is no denial. Each kind has a next action of its own:

| kind of denial | next action |
| --- | --- |
"""
_LINES = """
## Service lines

`….lines.csv` has one line for each service line of each claim. The payer's lines are fetched for
claims that are denied, in whole or in part, and for others with `detail_level` `full`.

| column | meaning |
| --- | --- |
"""


def results_reference() -> str:
    """The page, from the same tables that the exports write their headers from."""
    actions = (
        f"| {word} | {NEXT_ACTIONS[ACTION_BY_CATEGORY[category]]} |\n"
        for category, word in DENIAL_CATEGORIES.items()
    )
    return "".join(
        (_INTRODUCTION, *_rows(RESULT_COLUMNS), _DENIALS, *actions, _LINES, *_rows(LINE_COLUMNS))
    )


def _rows(columns: Mapping[str, str]) -> Iterator[str]:
    for name, meaning in columns.items():
        yield f"| `{name}` | {meaning.replace('|', chr(92) + '|')} |\n"


if __name__ == "__main__":
    sys.stdout.write(results_reference())
