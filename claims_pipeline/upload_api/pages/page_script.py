"""The page's own script: how it is told from a person who looks at an address."""

from fastapi import Request

SCRIPT_HEADER = "X-Requested-With"
SCRIPT = "claims-page"


def is_by_script(request: Request) -> bool:
    """Whether the page's script asks, and wants problems as JSON; event sources are scripts too."""
    accepts = request.headers.get("accept", "")
    return request.headers.get(SCRIPT_HEADER) == SCRIPT or accepts.startswith("text/event-stream")
