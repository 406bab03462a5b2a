"""The pages' own style sheet and scripts, under an address that changes with their content.

No patient's data is in them, so browsers and proxies may keep them for good. They share a folder
named by the hash of all, so that a script finds another beside it.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

router = APIRouter()

_FOLDER = "/static"
_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_FOR_A_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class _StaticFile:
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _StaticFiles:
    """All of them by name; they are few and small. `digest` is a part of the hash of all."""

    by_name: dict[str, _StaticFile]
    digest: str


@router.get(f"{_FOLDER}/{{digest}}/{{name}}", include_in_schema=False)
def static_file(digest: str, name: str) -> Response:
    """The file of this name, as it was when the address was given out; there is no list of them."""
    ours = _static_files()
    found = ours.by_name.get(name) if digest == ours.digest else None
    if found is None:
        raise HTTPException(404)
    return Response(
        found.content, media_type=found.media_type, headers={"Cache-Control": _FOR_A_YEAR}
    )


def static_url(name: str) -> str:
    """Where a page finds the file of this name, such as `page.css`.

    Raises:
        LookupError: there is no such file; a template is wrong.

    """
    ours = _static_files()
    if name not in ours.by_name:
        raise LookupError(f"no static file {name}")
    return f"{_FOLDER}/{ours.digest}/{name}"


@lru_cache(maxsize=1)
def _static_files() -> _StaticFiles:
    found: dict[str, _StaticFile] = {}
    folder = files("claims_pipeline.upload_api.pages").joinpath("static")
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        ending = file.name.rpartition(".")[2]
        if ending in _TYPES:
            found[file.name] = _StaticFile(content=file.read_bytes(), media_type=_TYPES[ending])
    digest = hashlib.sha256(b"\0".join(file.content for file in found.values())).hexdigest()
    return _StaticFiles(by_name=found, digest=digest[:16])
