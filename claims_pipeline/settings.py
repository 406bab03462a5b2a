"""Settings from the environment, read when they are used and never at import.

Every setting is `CLAIMS_<NAME>`; a secret may instead stand in a file named by
`CLAIMS_<NAME>_FILE`. Payer addresses and credentials have no default on purpose: what is asked,
and of whom, is always somebody's decision.
"""

import os
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from claims_pipeline.errors import SettingsError

_PREFIX = "CLAIMS_"
_FILE_SUFFIX = "_FILE"


class Settings(BaseSettings):
    """All settings, typed. Build one with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """`load_settings` alone reads the environment: twice costs five times as much."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    environment: Literal["development", "production"] = "development"
    home: Path = Path(".claims")
    database_url: SecretStr | None = None
    files: str | None = None
    inbox: Path | None = None
    outbox: Path | None = None

    # Of the object storage, when `files` is s3://…; without keys, what the machine itself may do.
    s3_endpoint_url: str | None = None
    s3_region: str | None = None
    s3_access_key_id: str | None = None
    s3_secret_access_key: SecretStr | None = None
    s3_kms_key_id: str | None = None

    executor: Literal["in_process", "celery"] = "in_process"
    celery_broker_url: SecretStr | None = None
    celery_backend_url: SecretStr | None = None
    query_lanes: int = Field(default=1, ge=1, le=64)
    query_threads: int = Field(default=16, ge=1, le=64)

    uhc_api_url: str | None = None
    uhc_token_url: str | None = None
    uhc_client_id: str | None = None
    uhc_client_secret: SecretStr | None = None
    uhc_payer_id: str = "87726"
    uhc_max_concurrency: int = Field(default=16, ge=1, le=256)
    uhc_calls_per_second: float = Field(default=100.0, gt=0)

    payer_timezone: str = "America/Chicago"
    payer_retry_hours: float = Field(default=8.0, ge=0)
    date_slack_days: int = Field(default=7, ge=0, le=45)

    heartbeat_s: float = Field(default=5.0, gt=0)
    # A lane renews it three times as often, whatever its calls take. When its worker is gone,
    # others wait so long before they ask what it had; a shorter one could run out while a busy
    # machine plans or settles very many rows, and calls would be made twice.
    lease_s: float = Field(default=60.0, gt=0)
    dead_after_s: float = Field(default=30.0, gt=0)
    # Between the steps of a run in one process lies only what Dagster writes down.
    dead_between_steps_s: float = Field(default=45.0, gt=0)

    alert_webhook_url: str | None = None
    alert_webhook_secret: SecretStr | None = None

    retention_days: int = Field(default=30, ge=1)
    audit_retention_days: int = Field(default=2192, ge=1)

    keycloak_url: str | None = None
    keycloak_realm: str | None = None
    keycloak_client_id: str | None = None
    keycloak_client_secret: SecretStr | None = None
    # What a token's `aud` must hold; or whose (`azp`) it must be: comma-separated client ids.
    keycloak_audience: str = "claims-api"
    keycloak_allowed_clients: str = ""
    # Comma-separated pairs: a realm's role, an equals sign, ours.
    role_map: str = ""

    dagster_graphql_url: str | None = None
    dagster_ui_url: str | None = None

    # The API's second port, for metrics; none, no metrics. Keep it off the public network.
    api_internal_port: int | None = Field(default=None, ge=0, le=65535)
    # Comma-separated: addresses or networks whose X-Forwarded-* are believed, and origins of pages
    # of others that may call the API.
    api_trusted_proxies: str = ""
    api_allowed_origins: str = ""
    api_requests_per_minute: int = Field(default=300, gt=0)
    api_uploads_per_day: int = Field(default=1000, gt=0)
    api_rows_per_day: int = Field(default=5_000_000, gt=0)
    api_concurrent_uploads: int = Field(default=16, gt=0)
    # Where API processes count together, such as redis://…; by default each counts for itself.
    api_limits_url: SecretStr = SecretStr("memory://")
    # Seals the tokens of people who are signed in at the page; without it each process makes its
    # own, and several copies would not know each other's sessions.
    api_session_key: SecretStr | None = Field(default=None, min_length=32)

    # What the command line asks instead of the database of this machine, and signs in as.
    api_url: str | None = None
    cli_client_id: str = "claims-cli"
    cli_client_secret: SecretStr | None = None

    max_file_bytes: int = Field(default=100 * 1024 * 1024, gt=0)
    max_rows: int = Field(default=1_000_000, gt=0)
    results_csv_bom: bool = True

    @field_validator("payer_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("is not a time zone, such as America/Chicago") from None
        return value

    @model_validator(mode="after")
    def _lanes_have_workers(self) -> Self:
        """A run's own process carries out one step after the other: its first lane drains all."""
        if self.query_lanes > 1 and self.executor != "celery":
            raise ValueError(
                "CLAIMS_QUERY_LANES above 1 needs workers: set CLAIMS_EXECUTOR=celery and start "
                "some with `claims-pipeline worker start`, or leave it at 1"
            )
        return self

    @property
    def trusted_proxies(self) -> list[str]:
        """Addresses and networks whose `X-Forwarded-*` headers are believed."""
        return _listed(self.api_trusted_proxies)

    @property
    def allowed_origins(self) -> list[str]:
        """Origins of other pages that may call the API from a browser."""
        return _listed(self.api_allowed_origins)

    @property
    def resolved_home(self) -> Path:
        """The home directory as an absolute path."""
        return self.home.expanduser().absolute()

    @property
    def resolved_database_url(self) -> str:
        """The database's address; by default SQLite in the home directory."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.resolved_home / 'claims.sqlite'}"

    @property
    def resolved_files(self) -> str:
        """Where uploads and results are kept; by default a folder in the home directory."""
        return self.files or str(self.resolved_home / "files")

    @property
    def resolved_inbox(self) -> Path:
        """The watched folder."""
        return (self.inbox or self.resolved_home / "inbox").expanduser().absolute()

    @property
    def resolved_outbox(self) -> Path:
        """Where results of dropped files appear."""
        return (self.outbox or self.resolved_home / "outbox").expanduser().absolute()

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage."""
        return self.resolved_home / "dagster"

    def required(self, name: str) -> str:
        """Text of a setting that has no default.

        Raises:
            SettingsError: `setting_missing`, naming the environment variable.

        """
        value: Any = getattr(self, name)
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if value is None or value == "":
            variable = _PREFIX + name.upper()
            raise SettingsError(
                "setting_missing",
                f"Set {variable} (or {variable}{_FILE_SUFFIX}, the path of a file that holds it).",
            )
        return str(value)

    def payer_today(self) -> date:
        """The calendar day at the payer."""
        return datetime.now(ZoneInfo(self.payer_timezone)).date()


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `environ` (default: the process's environment).

    Raises:
        SettingsError: `setting_invalid` or `setting_file_unreadable`, naming each variable.

    """
    source = os.environ if environ is None else environ
    values: dict[str, str] = {}
    for name in Settings.model_fields:
        variable = _PREFIX + name.upper()
        if source.get(variable):
            values[name] = source[variable]
        elif source.get(variable + _FILE_SUFFIX):
            try:
                text = Path(source[variable + _FILE_SUFFIX]).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                raise SettingsError(
                    "setting_file_unreadable",
                    f"The file named by {variable}{_FILE_SUFFIX} cannot be read.",
                ) from None
            values[name] = text.strip()
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(
            f"{_PREFIX}{str(item['loc'][0]).upper()}: {item['msg']}" if item["loc"] else item["msg"]
            for item in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError("setting_invalid", f"Check the settings: {problems}.") from None


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
