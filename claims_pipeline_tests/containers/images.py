"""The images of the check: ours, and others' as they are named, pulled, or built as stand-ins."""

import os
import shutil
import tempfile
from pathlib import Path

from claims_pipeline_tests.containers.commands import run, say, succeeds

ROOT = Path(__file__).resolve().parents[2]
_STAND_INS = ROOT / "docker" / "stand-ins"
_KEYCLOAK_VERSION = "26.5.6"
_OAUTH2_PROXY_VERSION = "v7.15.6"
_IMAGES = {
    "POSTGRES_IMAGE": ("postgres:16-bookworm", "postgres"),
    "REDIS_IMAGE": ("redis:7-bookworm", "redis"),
    "KEYCLOAK_IMAGE": ("quay.io/keycloak/keycloak:26.5", "keycloak"),
    "OAUTH2_PROXY_IMAGE": (
        f"quay.io/oauth2-proxy/oauth2-proxy:{_OAUTH2_PROXY_VERSION}-alpine",
        "proxy",
    ),
}


def chosen_images(project: str) -> dict[str, str]:
    """The others' images: as named, as pulled, or as built here."""
    return {
        variable: os.environ.get(variable) or _pulled(image) or _built_stand_in(project, name)
        for variable, (image, name) in _IMAGES.items()
    }


def build_ours(tag: str) -> None:
    """Our own image."""
    say("building the image")
    _build(tag, ROOT / "docker" / "Dockerfile", ROOT)


def _pulled(image: str) -> str | None:
    """The image, if it is here or can be had."""
    if succeeds("docker", "image", "inspect", image) or succeeds("docker", "pull", "-q", image):
        return image
    return None


def _built_stand_in(project: str, name: str) -> str:
    """A stand-in's tag, built of what docker/stand-ins says now."""
    tag = f"{project}-{name}"
    say(f"building a stand-in: {name}")
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder) / "context"
        shutil.copytree(_STAND_INS, context)
        if name == "keycloak":
            _fetch_keycloak(context / "keycloak.zip")
        if name == "proxy":
            _build_oauth2_proxy(context / "oauth2-proxy")
        _build(tag, context / f"{name}.Dockerfile", context)
    return tag


def _fetch_keycloak(target: Path) -> None:
    """Keycloak's distribution, from Maven's repository."""
    kept = _cache() / f"keycloak-quarkus-dist-{_KEYCLOAK_VERSION}.zip"
    if not kept.is_file():
        artifact = f"org.keycloak:keycloak-quarkus-dist:{_KEYCLOAK_VERSION}:zip"
        goal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
        run("mvn", "-q", "-B", goal, f"-Dartifact={artifact}", f"-DoutputDirectory={kept.parent}")
    shutil.copyfile(kept, target)


def _build_oauth2_proxy(target: Path) -> None:
    """oauth2-proxy itself, built from its source; needs Go."""
    kept = _cache() / f"oauth2-proxy-{_OAUTH2_PROXY_VERSION}"
    if not (kept / "oauth2-proxy").is_file():
        module = f"github.com/oauth2-proxy/oauth2-proxy/v7@{_OAUTH2_PROXY_VERSION}"
        go = {**os.environ, "GOBIN": str(kept), "CGO_ENABLED": "0"}
        run("go", "install", module, environment=go)
    shutil.copy(kept / "oauth2-proxy", target)


def _cache() -> Path:
    """Where downloads are kept from one check to the next."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "claims-pipeline"


def _build(tag: str, dockerfile: Path, context: Path) -> None:
    """Build on the host's network: an engine without firewall rules gives a build no other."""
    base = os.environ.get("BASE_IMAGE", "python:3.11-slim")
    command = ["docker", "build", "-q", "--network", "host", "--build-arg", f"BASE_IMAGE={base}"]
    run(*command, "-t", tag, "-f", str(dockerfile), str(context))
