"""The fields of the upload form beside its file, checked. No message repeats what was sent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from claims_pipeline.errors import InputError
from claims_pipeline.intake.cells.dates import DATE_FORMS, read_date
from claims_pipeline.intake.headers.meanings import IGNORE, MAPPABLE_COLUMNS
from claims_pipeline.model import DEFAULT_PAYER, DetailLevel, UploadOptions
from claims_pipeline.payers import registry
from claims_pipeline.preflight.payer_table import PayerTable

# Before a column's name: the field in which a page without a script says what the column is.
MAP_FIELD = "map:"
_YES_AND_NO = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadForm:
    """Which payer is asked, and how; `column_map` says what columns of the file are."""

    payer: str
    options: UploadOptions
    column_map: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_form(fields: Mapping[str, str], *, today: date, payers: PayerTable) -> UploadForm:
    """Understand the fields; empty is as absent, and unknown ones are left alone.

    `today` is the payer's. An end in the future is taken, and means today when it is planned: where
    the client is, it may be tomorrow already.

    Raises:
        InputError: `payer_unknown`, `payer_not_connected`, `use_batch_query_invalid`,
            `follow_up_invalid`, `detail_level_invalid`, `date_unreadable`, `dates_reversed`,
            `start_date_in_future`, `end_date_too_old` or `column_map_invalid`.

    """
    given = {name: value.strip() for name, value in fields.items() if value.strip()}
    payer = given.get("provider", DEFAULT_PAYER).lower()
    oldest = registry.capabilities_of(payers.channel_of(payer)).oldest_day(today)
    start, end = _day(given, "start_date"), _day(given, "end_date")
    if start and end and end < start:
        raise InputError("dates_reversed", "end_date lies before start_date. Correct one.")
    if start and start > today + timedelta(days=1):
        raise InputError("start_date_in_future", "start_date lies after tomorrow. Correct it.")
    if end and end < oldest:
        raise InputError(
            "end_date_too_old",
            "end_date lies before the time that the payer can be asked about. Correct it.",
        )
    return UploadForm(
        payer=payer,
        options=UploadOptions(
            use_sweeps=_flag(given, "use_batch_query"),
            start_date=start,
            end_date=end,
            detail_level=_detail_level(given),
            follow_up=_flag(given, "follow_up") if "follow_up" in given else None,
        ),
        column_map=read_column_map(fields),
    )


def read_column_map(fields: Mapping[str, str]) -> dict[str, str]:
    """What was decided about columns: `column_map`, and the fields `map:<header>` of a page.

    Raises:
        InputError: `column_map_invalid`.

    """
    found: dict[str, str] = {}
    text = fields.get("column_map", "").strip()
    if text:
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict):
            raise _column_map_invalid()
        found.update({str(header).strip(): str(column) for header, column in given.items()})
    for name, column in fields.items():
        if name.startswith(MAP_FIELD) and column.strip():
            found[_as_written(name.removeprefix(MAP_FIELD))] = column.strip()
    if not set(found.values()) <= {*MAPPABLE_COLUMNS, IGNORE}:
        raise _column_map_invalid()
    return found


def _as_written(name: str) -> str:
    """A field's name without what browsers put for signs that a form's header cannot hold."""
    for escaped, sign in (("%22", '"'), ("%0D", "\r"), ("%0A", "\n")):
        name = name.replace(escaped, sign)
    return name.strip()


def _column_map_invalid() -> InputError:
    return InputError(
        "column_map_invalid",
        "column_map is a JSON object of the file's column names, each with one of "
        f"{', '.join(MAPPABLE_COLUMNS)} or {IGNORE}.",
    )


def _day(given: Mapping[str, str], name: str) -> date | None:
    found = read_date(given.get(name, ""))
    if found.fault:
        raise InputError(
            "date_unreadable", f"{name} is no date. Write it as one of {', '.join(DATE_FORMS)}."
        )
    return found.day


def _flag(given: Mapping[str, str], name: str) -> bool:
    value = _YES_AND_NO.get(given.get(name, "true").lower())
    if value is None:
        raise InputError(f"{name}_invalid", f"{name} is one of {', '.join(_YES_AND_NO)}.")
    return value


def _detail_level(given: Mapping[str, str]) -> DetailLevel:
    try:
        return DetailLevel(given.get("detail_level", DetailLevel.REASONS).lower())
    except ValueError:
        raise InputError(
            "detail_level_invalid", f"detail_level is one of {', '.join(DetailLevel)}."
        ) from None
