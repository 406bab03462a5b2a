"""Pages that say one thing: a title, a sentence, and where to go from there."""

from collections.abc import Sequence

from fastapi import Request
from fastapi.responses import HTMLResponse

from claims_pipeline.upload_api.pages.addresses import SIGN_OUT
from claims_pipeline.upload_api.pages.rendering import render


def message_page(
    request: Request,
    *,
    title: str,
    sentence: str,
    status: int = 200,
    link: tuple[str, str] | None = None,
    button: tuple[str, str] | None = None,
    request_id: str | None = None,
) -> HTMLResponse:
    """One message; `link` leads somewhere and `button` posts there, each an address and a label."""
    return render(
        request,
        "message.html",
        status=status,
        title=title,
        sentence=sentence,
        link=link,
        button=button,
        request_id=request_id,
    )


def choice_page(
    request: Request,
    *,
    title: str,
    sentence: str,
    name: str,
    choices: Sequence[tuple[str, str]],
    chosen: str | None,
    action: str,
) -> HTMLResponse:
    """One choice, posted to `action` as `name`; `choices` are values and labels."""
    return render(
        request,
        "choice.html",
        title=title,
        sentence=sentence,
        name=name,
        choices=choices,
        chosen=chosen,
        action=action,
        sign_out=SIGN_OUT,
    )
