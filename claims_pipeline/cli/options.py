"""Arguments, options and ways to show things that several commands share."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from claims_pipeline.model import DetailLevel, UploadOptions

DEMO_ORGANIZATION = "demo"

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A list of claims or patients: CSV or .xlsx.")
]
UploadArgument = Annotated[
    str,
    typer.Argument(metavar="UPLOAD", help="The id of an upload, or its first eight digits."),
]
PayerOption = Annotated[str, typer.Option(help="The payer to ask.")]
OrganizationOption = Annotated[
    str, typer.Option(help="The organization whose practices and data are used.")
]
ApiOption = Annotated[
    str | None, typer.Option(help="Address of the upload service; default: CLAIMS_API_URL.")
]
ApiOrganizationOption = Annotated[
    str | None, typer.Option(help="Which of your organizations, at the upload service.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
BatchQueryOption = Annotated[
    bool, typer.Option(help="Search for whole practices where that takes fewer calls.")
]
StartDateOption = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%m/%d/%Y"],
        metavar="DATE",
        help="For rows without a date of service: 2026-03-31 or 03/31/2026.",
    ),
]
EndDateOption = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%m/%d/%Y"],
        metavar="DATE",
        help="For rows without a date of service: 2026-03-31 or 03/31/2026.",
    ),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="HEADER=COLUMN",
        help="What a column of the file is, or ignore; again for each column.",
    ),
]
FollowUpOption = Annotated[
    bool | None,
    typer.Option(
        "--follow-up/--no-follow-up",
        help="Ask the claims again until they are final; default: as the organization has it.",
    ),
]
DetailLevelOption = Annotated[DetailLevel, typer.Option(help="How much to get for each claim.")]


def shown_path(path: Path) -> str:
    """A path as a person at this terminal would write it: relative when it lies below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def column_map_of(pairs: Sequence[str] | None) -> dict[str, str]:
    """What `--map` says of the file's columns.

    Raises:
        typer.BadParameter: it is not HEADER=COLUMN, or there is no such column.

    """
    if not pairs:
        return {}
    from claims_pipeline.intake.headers.meanings import IGNORE, MAPPABLE_COLUMNS

    found: dict[str, str] = {}
    for pair in pairs:
        header, _, column = pair.rpartition("=")
        if not header.strip() or column.strip() not in {*MAPPABLE_COLUMNS, IGNORE}:
            raise typer.BadParameter(
                f"Write HEADER=COLUMN, with one of {', '.join(MAPPABLE_COLUMNS)} or {IGNORE}."
            )
        found[header.strip()] = column.strip()
    return found


def upload_options(
    *,
    use_sweeps: bool,
    start_date: datetime | None,
    end_date: datetime | None,
    detail_level: DetailLevel = DetailLevel.REASONS,
    follow_up: bool | None = None,
) -> UploadOptions:
    """The options of an upload.

    Raises:
        typer.BadParameter: the dates are the wrong way round.

    """
    if start_date and end_date and end_date < start_date:
        raise typer.BadParameter("The end date is before the start date.")
    return UploadOptions(
        use_sweeps=use_sweeps,
        start_date=start_date.date() if start_date else None,
        end_date=end_date.date() if end_date else None,
        detail_level=detail_level,
        follow_up=follow_up,
    )
