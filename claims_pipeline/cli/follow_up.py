"""`claims-pipeline follow-up`: claims that are asked again until they are final."""

import csv
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from claims_pipeline.cli.options import DEMO_ORGANIZATION, JsonOption, OrganizationOption

follow_up_app = typer.Typer(
    help="Claims that are asked again until they are final.", no_args_is_help=True
)
deadlines_app = typer.Typer(
    help="Until when something can be done, by your own rules.", no_args_is_help=True
)
follow_up_app.add_typer(deadlines_app, name="deadlines")

_RuleFile = Annotated[Path, typer.Argument(metavar="FILE", help="A CSV of rules.")]


@follow_up_app.callback()
def follow_up() -> None:
    """Follow an organization's claims: when they are asked again, and how they stand."""


@deadlines_app.callback()
def deadlines() -> None:
    """Deadlines of an organization."""


@follow_up_app.command("on")
def switch_on(*, organization: OrganizationOption = DEMO_ORGANIZATION) -> None:
    """Follow the claims of every upload from now on, unless an upload says otherwise."""
    _switch(organization, is_on=True)


@follow_up_app.command("off")
def switch_off(*, organization: OrganizationOption = DEMO_ORGANIZATION) -> None:
    """Follow no further uploads; what is followed already goes on until it is final."""
    _switch(organization, is_on=False)


@follow_up_app.command("status")
def show_status(
    *, organization: OrganizationOption = DEMO_ORGANIZATION, as_json: JsonOption = False
) -> None:
    """Show how many claims are followed, due, final, overdue, and what changed today."""
    from claims_pipeline.cli.local.local_store import open_store
    from claims_pipeline.store.database import reading
    from claims_pipeline.store.tracked.gathering import count_tracked
    from claims_pipeline.store.tracked.rules import follow_up_is_on

    store = open_store()
    today = store.settings.payer_today()
    counts = count_tracked(store.engine, today=today, organization_id=organization)
    with reading(store.engine) as connection:
        is_on = follow_up_is_on(connection, organization)
    figures = {
        "followed": counts.tracked,
        "due": counts.due,
        "final": counts.final,
        "overdue": counts.overdue,
        "changed_today": counts.changed_today,
    }
    if as_json:
        typer.echo(json.dumps({"organization": organization, "on": is_on, **figures}))
        return
    typer.echo(f"follow-up of {organization}\t{'on' if is_on else 'off'}")
    for name, figure in figures.items():
        typer.echo(f"{name.replace('_', ' ')}\t{figure:,}")


@follow_up_app.command("rules")
def show_rules(
    *,
    organization: OrganizationOption = DEMO_ORGANIZATION,
    import_: Annotated[
        Path | None,
        typer.Option("--import", metavar="FILE", help="Replace the organization's rules by a CSV."),
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Drop them: the rules of the package hold again.")
    ] = False,
) -> None:
    """Print when claims are asked again, as a CSV that can be imported; the first that fits counts.

    `then` is a number of days, `never` for what is final, or `when worked` for what a person has to
    do something about first.
    """
    from claims_pipeline.cli.local.local_store import open_store, opened_csv
    from claims_pipeline.follow_up.cadence import DEFAULT_RULES
    from claims_pipeline.follow_up.rule_files import CADENCE_COLUMNS, cadence_cells, read_cadence
    from claims_pipeline.store.database import reading
    from claims_pipeline.store.tracked.rules import cadence_rules, save_cadence_rules

    store = open_store()
    if import_ is not None or reset:
        rules = []
        if import_ is not None:
            with opened_csv(import_) as stream:
                rules = read_cadence(stream.read())
        save_cadence_rules(store.engine, organization, rules)
        typer.echo(f"{len(rules)} rules imported.", err=True)
        return
    with reading(store.engine) as connection:
        own = cadence_rules(connection, organization)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(CADENCE_COLUMNS)
    writer.writerows(map(cadence_cells, own or DEFAULT_RULES))


@follow_up_app.command("run")
def run_follow_up(
    *,
    organization: OrganizationOption = DEMO_ORGANIZATION,
    now_: Annotated[
        bool,
        typer.Option("--now", help="Also before 06:00, and again on a day that had its upload."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make uploads of what is due, as the schedule does; a daemon launches them.

    Within CLAIMS_FOLLOW_UP_CALLS_PER_DAY, most money first. Without --now, of every organization.
    """
    from claims_pipeline.cli.local.local_store import now, open_store
    from claims_pipeline.operations.following import Following

    store = open_store()
    following = Following(settings=store.settings, engine=store.engine, files=store.files)
    gathered = (
        following.gather_now(organization, now=now()) if now_ else following.gather_mornings(now())
    )
    if as_json:
        typer.echo(
            json.dumps(
                [
                    {
                        "organization": each.organization_id,
                        "payer": each.payer,
                        "day": each.day.isoformat(),
                        "upload_id": each.upload_id,
                        "claims": each.claims,
                        "left_for_later": each.left_for_later,
                    }
                    for each in gathered
                ]
            )
        )
        return
    for each in gathered:
        if each.upload_id is not None:
            typer.echo(
                f"{each.upload_id}\t{each.payer}\t{each.claims:,} claims, "
                f"{each.left_for_later:,} left for later"
            )
    if not any(each.upload_id for each in gathered):
        typer.echo("Nothing is due, or no call is left today.", err=True)


@follow_up_app.command("decide")
def decide_by_file(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A results file with `chosen_claim` filled in.")
    ],
    *,
    organization: OrganizationOption = DEMO_ORGANIZATION,
) -> None:
    """Take decisions about rows in doubt from a results file that was worked on.

    Write Y into `chosen_claim` on the line of the claim that it is, or `none` on any line of a row
    that it is none of. Rows without a mark stay in doubt.
    """
    from getpass import getuser

    from claims_pipeline.cli.local.local_store import now, open_store, opened_csv
    from claims_pipeline.folders.decision_files import decide_by_lines, read_decisions

    store = open_store()
    with opened_csv(file) as stream:
        lines = read_decisions(stream.read())
    made = decide_by_lines(
        store.engine,
        organization,
        lines,
        author=getuser(),
        today=store.settings.payer_today(),
        now=now(),
    )
    typer.echo(f"{made} decisions kept.", err=True)


@deadlines_app.command("import")
def import_deadlines(
    file: _RuleFile, *, organization: OrganizationOption = DEMO_ORGANIZATION
) -> None:
    """Replace the organization's deadlines by a CSV: payer, kind, days, counted_from, source.

    `kind` is timely_filing, corrected_claim or appeal, `counted_from` service, receipt or decision;
    without a payer the rule is for all. They are yours: check them against your contracts.
    """
    from claims_pipeline.cli.local.local_store import open_store, opened_csv
    from claims_pipeline.follow_up.rule_files import read_deadlines
    from claims_pipeline.store.tracked.rules import save_deadline_rules

    with opened_csv(file) as stream:
        rules = read_deadlines(stream.read())
    save_deadline_rules(open_store().engine, organization, rules)
    typer.echo(f"{len(rules)} deadlines imported.", err=True)


@deadlines_app.command("list")
def list_deadlines(*, organization: OrganizationOption = DEMO_ORGANIZATION) -> None:
    """Print the organization's deadlines as a CSV that can be imported."""
    from claims_pipeline.cli.local.local_store import open_store
    from claims_pipeline.follow_up.rule_files import DEADLINE_COLUMNS, deadline_cells
    from claims_pipeline.store.database import reading
    from claims_pipeline.store.tracked.rules import deadline_rules

    with reading(open_store().engine) as connection:
        rules = deadline_rules(connection, organization)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(DEADLINE_COLUMNS)
    writer.writerows(map(deadline_cells, rules))


@deadlines_app.command("example")
def print_example() -> None:
    """Print a file to begin with. An example, not advice: public sources contradict each other."""
    from claims_pipeline.follow_up.rule_files import EXAMPLE_DEADLINES

    typer.echo(EXAMPLE_DEADLINES, nl=False)


def _switch(organization: str, *, is_on: bool) -> None:
    from claims_pipeline.cli.local.local_store import now, open_store, practices_of
    from claims_pipeline.store.tracked.rules import switch_follow_up

    store = open_store()
    # The demo organization is made by whoever needs it first.
    practices_of(store, organization)
    switch_follow_up(store.engine, organization, is_on=is_on, now=now())
    typer.echo(f"Follow-up of {organization} is {'on' if is_on else 'off'}.", err=True)
