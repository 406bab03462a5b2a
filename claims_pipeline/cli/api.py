"""`claims-pipeline api serve`: the upload service."""

from typing import Annotated

import typer

api_app = typer.Typer(help="The upload service.", no_args_is_help=True)


@api_app.callback()
def api() -> None:
    """The upload service."""


@api_app.command()
def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 chooses a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Server processes.")] = 1,
) -> None:
    """Serve the API until it is stopped; logs are JSON lines on standard error."""
    from claims_pipeline.upload_api import serving

    serving.serve(host=host, port=port, workers=workers)
