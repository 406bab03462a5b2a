"""Writes docs/settings.md: `python -m claims_pipeline.operations.reference > docs/settings.md`."""

import sys
from collections.abc import Iterator

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from claims_pipeline.settings import Settings, channel_fields
from claims_pipeline.settings.channels import variable_of

_INTRODUCTION = """\
# Settings

<!-- Written by `python -m claims_pipeline.operations.reference > docs/settings.md`; change the
     descriptions in claims_pipeline/settings/, not this page. -->

Settings are environment variables. Any of them may stand in a file instead, which is best for
secrets: `CLAIMS_KEYCLOAK_CLIENT_SECRET_FILE=/run/secrets/page` names the file that holds
`CLAIMS_KEYCLOAK_CLIENT_SECRET`. An empty variable counts as not set. A setting that is missing or
wrong is named in the error, and `claims-pipeline doctor` checks them.
"""

# Each heading stands before this field of `Settings`.
_HEADINGS = {
    "environment": "Where things are",
    "s3_endpoint_url": "Object storage, for `CLAIMS_FILES=s3://…`",
    "executor": "Runs and workers",
    "payer_timezone": "Every payer",
    "heartbeat_s": "Lost runs",
    "alert_webhook_url": "Alerts",
    "retention_days": "Retention",
    "keycloak_url": "Signing in to the upload service",
    "dagster_graphql_url": "The upload service and Dagster",
    "api_internal_port": "The upload service",
    "api_url": "Commands that use an upload service",
    "max_file_bytes": "Files",
}


def settings_reference() -> str:
    """The page, from the fields of `Settings`."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION.rstrip("\n")
    channels = channel_fields()
    for name, field in Settings.model_fields.items():
        if name in channels:
            yield from _heading(str(field.description))
            for inner, of_channel in channels[name].model_fields.items():
                yield _line(f"{name}_{inner}", of_channel)
            continue
        if name in _HEADINGS:
            yield from _heading(_HEADINGS[name])
        yield _line(name, field)


def _heading(text: str) -> tuple[str, ...]:
    return ("", f"## {text}", "", "| setting | default | meaning |", "| --- | --- | --- |")


def _line(name: str, field: FieldInfo) -> str:
    meaning = f"{field.description}{_bounds(field)}"
    return f"| `{variable_of(name)}` | {_default(field)} | {meaning} |"


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value == "":
        return "none"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _bounds(field: FieldInfo) -> str:
    """The least and the largest value as a sentence; above 0 goes without saying."""
    least = next((bound.ge for bound in field.metadata if isinstance(bound, Ge)), None)
    largest = next((bound.le for bound in field.metadata if isinstance(bound, Le)), None)
    if least is not None and largest is not None:
        return f" {least} to {largest}."
    if least is not None:
        return f" {least} or more."
    return " More than 0." if any(isinstance(bound, Gt) for bound in field.metadata) else ""


if __name__ == "__main__":
    sys.stdout.write(settings_reference())
