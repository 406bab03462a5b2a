"""The columns that we had added to a file that comes back: its own results or rejected rows."""

from collections.abc import Sequence

from claims_pipeline.results_file.columns import RESULT_COLUMNS, original_name

REJECTED_ROW_COLUMNS = ("row_number", "error_code", "error_column", "error_message")
PRIMARY = "primary"

# Names that only a results file has; two of them together are no accident.
_RESULTS_FILE_MARKS = frozenset(
    {
        "outcome", "match_number", "match_count", "matched_by", "match_note", "next_action",
        "days_since_received", "status_category_code", "searched_from", "searched_to",
        "payer_environment", "checked_at_utc",
    }
)  # fmt: skip
_ENOUGH_MARKS = 2
_NEWER_MARK = "same_claim_as_row"
_NEWER_COLUMNS = frozenset(
    {
        "channel", "days_since_processed", "denial_category", "error_column", "open_amount",
        "payer", "practice_id", "same_claim_as_row",
    }
)  # fmt: skip


def without_our_columns(names: Sequence[str]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Positions and names of the columns that stood in the analyst's own file."""
    plain = [name.strip() for name in names]
    if _is_results_file(plain):
        ours = frozenset(RESULT_COLUMNS)
        if _NEWER_MARK not in plain:
            # Written before these were ours: what is named like one is the analyst's own.
            ours -= _NEWER_COLUMNS
    elif set(REJECTED_ROW_COLUMNS) <= set(plain):
        ours = frozenset(REJECTED_ROW_COLUMNS)
    else:
        return tuple(range(len(names))), tuple(names)
    kept = tuple(position for position, name in enumerate(plain) if name not in ours)
    return kept, tuple(original_name(names[position], ours) for position in kept)


def primary_at(names: Sequence[str], kept: Sequence[int]) -> int | None:
    """Where a results file says which of a row's lines is the first."""
    plain = [name.strip() for name in names]
    if PRIMARY not in plain or not _is_results_file(plain):
        return None
    at = plain.index(PRIMARY)
    return None if at in kept else at


def _is_results_file(names: Sequence[str]) -> bool:
    return len(_RESULTS_FILE_MARKS.intersection(names)) >= _ENOUGH_MARKS
