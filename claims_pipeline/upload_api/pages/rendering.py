"""Pages as HTML: Jinja templates with everything escaped, under headers that keep browsers to us.

Templates get nothing but what `render` is given and who is signed in. Whatever a file or a payer
wrote is text in them; markup comes from the templates alone.
"""

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from claims_pipeline.errors import ClaimsError
from claims_pipeline.payers import registry
from claims_pipeline.payers.denials import is_denied
from claims_pipeline.settings import Settings
from claims_pipeline.upload_api.pages import claim_words, wording
from claims_pipeline.upload_api.pages.static import static_url

# No inline script or style, nothing from another host, no frame around us.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": PAGE_POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}
SANDBOX = "sandbox"


def render(request: Request, name: str, /, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A whole page from the template of this name.

    Every template also has `viewer` (the `Principal` of `request.state.principal`, or None),
    `is_sandbox` (whether the payer is a sandbox) and `path`, where the page is.
    """
    html = fragment(
        name,
        viewer=getattr(request.state, "principal", None),
        is_sandbox=is_sandbox(request.app.state.settings),
        path=request.url.path,
        **context,
    )
    return HTMLResponse(html, status_code=status, headers=dict(PAGE_HEADERS))


def fragment(name: str, /, **context: Any) -> str:
    """A part of a page, to be put into one by a script of ours; escaped as a page is."""
    return _environment().get_template(name).render(**context)


def is_sandbox(settings: Settings) -> bool:
    """Whether a payer of these settings is a sandbox; False where none is set."""
    for payer in registry.channel_names():
        with suppress(ClaimsError):
            if registry.environment_of(payer, settings) == SANDBOX:
                return True
    return False


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("claims_pipeline.upload_api.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        # They change with the program only; no look at the disk for each use.
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = static_url
    environment.tests["denied_line"] = is_denied
    environment.filters |= {
        "count": wording.count,
        "plural": wording.plural,
        "percent": wording.percent,
        "dollars": wording.dollars,
        "duration": wording.duration,
        "size": wording.size,
        "day": wording.day,
        "instant": instant,
        "status_word": wording.status_word,
        "status_tone": wording.status_tone,
        "status_hint": wording.status_hint,
        "waiting_words": wording.waiting_words,
        "payer_label": registry.payer_label,
        "outcome_word": claim_words.outcome_word,
        "scope_word": claim_words.scope_word,
    }
    return environment


def instant(value: Any, style: str = "short") -> Markup:
    """A moment as `<time>`: UTC as it stands and on hover, the reader's own time by our script.

    `style` is `short` (day and time), `time`, or `day`. None becomes a dash.
    """
    if value is None:
        return Markup('<span class="none">–</span>')
    return Markup(
        '<time datetime="{iso}" title="{utc} UTC" data-style="{style}">{utc} UTC</time>'
    ).format(iso=value.isoformat(timespec="seconds"), utc=f"{value:%Y-%m-%d %H:%M:%S}", style=style)
