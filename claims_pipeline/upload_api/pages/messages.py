"""Pages that say one thing: a title, a sentence, and where to go from there."""

from collections.abc import Sequence

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader

_TEMPLATES = Environment(loader=PackageLoader(__package__), autoescape=True)


def message_page(
    *,
    title: str,
    sentence: str,
    status: int = 200,
    link: tuple[str, str] | None = None,
    button: tuple[str, str] | None = None,
    request_id: str | None = None,
) -> HTMLResponse:
    """One message; `link` leads somewhere and `button` posts there, each an address and a label."""
    page = _TEMPLATES.get_template("message.html").render(
        title=title, sentence=sentence, link=link, button=button, request_id=request_id
    )
    return HTMLResponse(page, status)


def choice_page(
    *,
    title: str,
    sentence: str,
    name: str,
    choices: Sequence[tuple[str, str]],
    chosen: str | None,
    action: str,
) -> HTMLResponse:
    """One choice, posted to `action` as `name`; `choices` are values and labels."""
    page = _TEMPLATES.get_template("choice.html").render(
        title=title, sentence=sentence, name=name, choices=choices, chosen=chosen, action=action
    )
    return HTMLResponse(page)
