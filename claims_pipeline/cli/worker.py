"""`claims-pipeline worker start` and `ping`: a Celery worker that asks for runs elsewhere."""

import os
from typing import Annotated

import typer

worker_app = typer.Typer(
    help="Celery workers, which make calls to payers for runs on other machines.",
    no_args_is_help=True,
)

_ANSWERS_WITHIN_S = 5.0

NameOption = Annotated[
    str | None, typer.Option(help="Name of the worker, when a host has several.")
]


@worker_app.command("start")
def start(
    lanes: Annotated[
        int, typer.Option(min=1, max=64, help="Lanes that it works on at the same time.")
    ] = 2,
    name: NameOption = None,
) -> None:
    """Work on lanes from the broker until stopped; SIGTERM lets calls already sent finish first.

    Needs CLAIMS_CELERY_BROKER_URL, CLAIMS_DATABASE_URL, the payer's settings, and Dagster's
    storage as runs have it; no file store and no folders.
    """
    from claims_pipeline.cli.local.home import prepare_home, process_environment
    from claims_pipeline.orchestration.celery.worker import worker_app as celery_worker_app
    from claims_pipeline.orchestration.celery.worker import worker_arguments
    from claims_pipeline.settings import load_settings

    settings = load_settings()
    prepare_home(settings)
    os.environ.update(process_environment(settings))
    celery_worker_app(settings).worker_main(worker_arguments(name=name, lanes=lanes))


@worker_app.command("ping")
def ping(name: NameOption = None) -> None:
    """Exit with 0 when the worker of this host answers over the broker, else with 1."""
    from claims_pipeline.orchestration.celery.worker import worker_answers
    from claims_pipeline.settings import load_settings

    if not worker_answers(load_settings(), name=name, within_s=_ANSWERS_WITHIN_S):
        raise typer.Exit(1)
