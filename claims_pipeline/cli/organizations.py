"""`claims-pipeline organizations add` and `list`."""

from typing import Annotated

import typer

organizations_app = typer.Typer(
    help="The organizations of this installation.", no_args_is_help=True
)


@organizations_app.callback()
def organizations() -> None:
    """The organizations served here."""


@organizations_app.command("add")
def add_organization(
    alias: Annotated[
        str,
        typer.Argument(
            help="Its alias in Keycloak, which is also its folder's name in the watched folder."
        ),
    ],
    *,
    name: Annotated[str | None, typer.Option(help="Its name, as people read it.")] = None,
    identity_id: Annotated[
        str | None,
        typer.Option(
            help="Its id at Keycloak. Tokens then reach it by this id only, not by the alias."
        ),
    ] = None,
) -> None:
    """Add an organization, or change the name or the id of one that is there."""
    from claims_pipeline.cli.local.local_store import open_store
    from claims_pipeline.store.tenants.organizations import save_organization

    saved = save_organization(open_store().engine, alias, name=name, identity_id=identity_id)
    typer.echo(f"Organization {saved.id} is served.", err=True)


@organizations_app.command("list")
def list_organizations() -> None:
    """Print one line for each: alias, name, and the id at Keycloak where it is pinned."""
    from claims_pipeline.cli.local.local_store import open_store
    from claims_pipeline.store.tenants.organizations import list_organizations as all_organizations

    for organization in all_organizations(open_store().engine):
        typer.echo("\t".join((organization.id, organization.name, organization.identity_id or "")))
