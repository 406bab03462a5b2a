"""Settings from the environment, read when they are used and never at import.

Every setting is `CLAIMS_<NAME>`; a secret may instead stand in a file named by
`CLAIMS_<NAME>_FILE`. Payer addresses and credentials have no default on purpose: what is asked,
and of whom, is always somebody's decision.
"""

import os
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from claims_pipeline.errors import SettingsError
from claims_pipeline.settings.channels import (
    FILE_SUFFIX,
    PREFIX,
    ChannelSettings,
    FileChannelSettings,
    KeyChannelSettings,
    OAuthChannelSettings,
    known_zone,
    text_or_raise,
    today_in,
    variable_of,
)


class UhcSettings(OAuthChannelSettings):
    """UnitedHealthcare's API."""

    payer_id: str = Field(
        default="87726", description="The payer id for rows and practices that name none."
    )


class AvailitySettings(OAuthChannelSettings):
    """Availity's claim statuses."""

    scope: str = Field(
        default="healthcare-hipaa-transactions",
        description="The scope of your plan; it alone chooses between demo and production.",
    )
    submitter_id: str | None = Field(
        default=None, description="Your submitter id there, where payers ask for one."
    )


class Settings(BaseSettings):
    """All settings, typed. Build one with `load_settings`.

    docs/settings.md is written from the fields: see `claims_pipeline.operations.reference`.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True
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

    environment: Literal["development", "production"] = Field(
        default="development",
        description="`production` refuses the sandbox as the payer and as the place to sign in.",
    )
    home: Path = Field(
        default=Path(".claims"),
        description="The folder for database, files, watched folder, logs, and Dagster's own home "
        "in `dagster/`.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="`postgresql://…` for production; run `claims-pipeline db upgrade` first. "
        "Without it, SQLite in the home.",
    )
    files: str | None = Field(
        default=None,
        description="Where uploads and results are kept: a folder, or `s3://bucket/prefix`. "
        "Without it, `files` in the home.",
    )
    inbox: Path | None = Field(
        default=None, description="The watched folder. Without it, `inbox` in the home."
    )
    outbox: Path | None = Field(
        default=None,
        description="Where results of dropped files appear. Without it, `outbox` in the home.",
    )

    s3_endpoint_url: str | None = Field(
        default=None, description="The object storage's address. Without it, Amazon's."
    )
    s3_region: str | None = Field(default=None, description="The bucket's region.")
    s3_access_key_id: str | None = Field(
        default=None, description="Credentials. Without them, the machine's own role."
    )
    s3_secret_access_key: SecretStr | None = Field(
        default=None, description="The secret that belongs to the access key."
    )
    s3_kms_key_id: str | None = Field(
        default=None,
        description="The key that encrypts every object. Without it, the storage's own key.",
    )

    executor: Literal["in_process", "celery"] = Field(
        default="in_process",
        description="`celery` runs lanes on the workers of `claims-pipeline worker start`.",
    )
    celery_broker_url: SecretStr | None = Field(
        default=None, description="The workers' broker, `redis://…`."
    )
    celery_backend_url: SecretStr | None = Field(
        default=None,
        description="The Redis in which workers report that they are alive. Without it, the "
        "broker's.",
    )
    query_lanes: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Lanes of a run: how many processes ask for one upload. More than one needs "
        "workers.",
    )
    query_threads: int = Field(
        default=16, ge=1, le=64, description="Threads of a lane: calls that it makes side by side."
    )

    uhc: UhcSettings = Field(default=UhcSettings(), description="UnitedHealthcare")

    availity: AvailitySettings = Field(default=AvailitySettings(), description="Availity")
    optum: OAuthChannelSettings = Field(default=OAuthChannelSettings(), description="Optum Real")

    stedi: KeyChannelSettings = Field(default=KeyChannelSettings(), description="Stedi")

    x12: FileChannelSettings = Field(default=FileChannelSettings(), description="276/277 files")

    payer_timezone: str = Field(
        default="America/Chicago",
        description="The payer's time zone. It decides which day is today.",
    )
    payer_retry_hours: float = Field(
        default=8.0,
        ge=0,
        description="How long an upload waits for a payer that is down before its open rows fail.",
    )
    date_slack_days: int = Field(
        default=7, ge=0, le=45, description="Days searched before and after a row's own dates."
    )
    confirmation_calls: int = Field(
        default=150,
        ge=0,
        description="Search calls that an upload may spend on looking through whole days for rows "
        "that were not found by name: the payer may have the claim under another spelling. Where "
        "it does not reach for all of a row's days, the newest are looked through. Rows beyond it "
        "say that they were asked by name only.",
    )

    heartbeat_s: float = Field(
        default=5.0, gt=0, description="Seconds between the signs of life of a run."
    )
    # A lane renews it three times as often, whatever its calls take. When its worker is gone,
    # others wait so long before they ask what it had; a shorter one could run out while a busy
    # machine plans or settles very many rows, and calls would be made twice.
    lease_s: float = Field(
        default=60.0,
        gt=0,
        description="Seconds for which a lane holds its queries without renewing. After that, "
        "other lanes ask them.",
    )
    dead_after_s: float = Field(
        default=30.0,
        gt=0,
        description="Seconds of silence within a step after which a run counts as lost.",
    )
    # Between the steps of a run in one process lies only what Dagster writes down.
    dead_between_steps_s: float = Field(
        default=45.0,
        gt=0,
        description="Seconds of silence between two steps after which a run counts as lost.",
    )

    alert_webhook_url: str | None = Field(
        default=None, description="The address told of uploads that fail or wait for the payer."
    )
    alert_webhook_secret: SecretStr | None = Field(
        default=None, description="The `whsec_…` key that signs these messages."
    )

    retention_days: int = Field(
        default=30, ge=1, description="Days until an upload is removed, with all that came of it."
    )
    audit_retention_days: int = Field(
        default=2192, ge=1, description="Days until an entry of the audit log is removed."
    )
    audit_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Seals the audit log: at least 32 random characters, the same for the API, "
        "Dagster's processes and the command line. Several are separated by commas: the first one "
        "seals, all of them verify. Without it a log that was written anew cannot be told.",
    )
    audit_heads: Path | None = Field(
        default=None,
        description="A file for copies of the audit log's heads, which `audit --verify` compares; "
        "a place that whoever can write to the database cannot write to. "
        "`<CLAIMS_HOME>/audit-heads.json` unless set.",
    )

    follow_up_calls_per_day: int = Field(
        default=5000,
        ge=0,
        description="Calls to payers that following an organization's claims may take in a day. "
        "What does not fit is asked on the next days, most money first.",
    )
    follow_up_retention_days: int = Field(
        default=90,
        ge=1,
        description="Days for which a followed claim is kept after it is final.",
    )

    keycloak_url: str | None = Field(
        default=None,
        description="Where people and programs sign in to the upload service; see "
        "[keycloak.md](keycloak.md).",
    )
    keycloak_realm: str | None = Field(default=None, description="The realm there.")
    keycloak_client_id: str | None = Field(
        default=None,
        description="The upload page's own client in the realm. Without one there is no page.",
    )
    keycloak_client_secret: SecretStr | None = Field(
        default=None, description="That client's secret."
    )
    keycloak_audience: str = Field(
        default="claims-api", description="The audience (`aud`) that an access token must name."
    )
    keycloak_allowed_clients: str = Field(
        default="",
        description="Clients (`azp`) whose tokens are accepted without that audience, separated "
        "by commas.",
    )
    role_map: str = Field(
        default="",
        description="What your realm's own roles mean here, separated by commas: "
        "`billing=claims-analyst,lead=claims-operator`.",
    )

    dagster_graphql_url: str | None = Field(
        default=None,
        description="Dagster's GraphQL address, with which the upload service launches runs. "
        "Without it, Dagster's sensors launch them.",
    )
    dagster_ui_url: str | None = Field(
        default=None, description="Where links to runs lead: Dagster's UI."
    )
    dagster_hosts: str = Field(
        default="localhost,127.0.0.1,::1",
        description="Host names, or addresses with them, under which Dagster's UI is served; with "
        "commas.",
    )

    api_internal_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="The upload service's second port, for metrics; keep it off the public "
        "network. Without it there are no metrics.",
    )
    api_trusted_proxies: str = Field(
        default="",
        description="Addresses or networks of proxies whose `X-Forwarded-*` headers are believed, "
        "separated by commas.",
    )
    api_allowed_origins: str = Field(
        default="",
        description="Origins of other web pages that may call the API, separated by commas.",
    )
    api_requests_per_minute: int = Field(
        default=300,
        gt=0,
        description="HTTP requests of one user in a minute; polling is not counted.",
    )
    api_uploads_per_day: int = Field(
        default=1000, gt=0, description="Uploads of one organization in 24 hours."
    )
    api_rows_per_day: int = Field(
        default=5_000_000, gt=0, description="Rows of one organization in 24 hours."
    )
    api_concurrent_uploads: int = Field(
        default=16, gt=0, description="Files that one process receives at the same time."
    )
    api_limits_url: SecretStr = Field(
        default=SecretStr("memory://"),
        description="Where HTTP requests are counted. Name a Redis (`redis://…`) when several "
        "processes serve the API; `memory://` counts in each process alone.",
    )
    api_session_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Encrypts the page's sessions: at least 32 random characters, the same for all "
        "processes. Without it each process makes its own when it starts.",
    )

    api_url: str | None = Field(
        default=None,
        description="The upload service that commands such as `upload` and `status` use. Without "
        "it, they work with the database of this machine.",
    )
    cli_client_id: str = Field(
        default="claims-cli", description="The client with which commands sign in."
    )
    cli_client_secret: SecretStr | None = Field(
        default=None,
        description="That client's secret. With it, commands sign in as a program, not a person.",
    )

    max_file_bytes: int = Field(
        default=100 * 1024 * 1024, gt=0, description="Bytes above which a file is refused."
    )
    max_rows: int = Field(
        default=1_000_000, gt=0, description="Rows above which a file is refused."
    )
    workbook_max_rows: int = Field(
        default=100_000, ge=0, description="Rows above which results come as CSV alone."
    )
    results_csv_bom: bool = Field(
        default=True, description="A byte order mark in the results CSV, for Excel."
    )

    @field_validator("payer_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str | None:
        return known_zone(value)

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
    def x12_folder(self) -> Path:
        """What partners' folders are below, where they are not absolute."""
        return self.resolved_home.expanduser().absolute() / "x12"

    @property
    def resolved_outbox(self) -> Path:
        """Where results of dropped files appear."""
        return (self.outbox or self.resolved_home / "outbox").expanduser().absolute()

    @property
    def resolved_audit_heads(self) -> Path:
        """Where the audit log's heads are copied to."""
        return (self.audit_heads or self.resolved_home / "audit-heads.json").expanduser().absolute()

    @property
    def audit_keys(self) -> tuple[bytes, ...]:
        """The keys of the audit log; the first one seals. None where it is not sealed."""
        text = self.audit_key.get_secret_value() if self.audit_key else ""
        return tuple(key.strip().encode() for key in text.split(",") if key.strip())

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage."""
        return self.resolved_home / "dagster"

    def required(self, name: str) -> str:
        """Text of a setting that has no default.

        Raises:
            SettingsError: `setting_missing`, naming the environment variable.

        """
        return text_or_raise(name, getattr(self, name))

    def refuse_known_secrets(self) -> None:
        """Let nothing that the sandbox ever used be a secret of production.

        Raises:
            SettingsError: `secret_known`, naming each variable.

        """
        known = [
            variable_of(name)
            for name, value in self._values()
            if isinstance(value, SecretStr) and _is_known_secret(value.get_secret_value())
        ]
        if known and self.environment == "production":
            raise SettingsError(
                "secret_known",
                f"Everybody knows these secrets, which are the sandbox's: {', '.join(known)}. Make "
                "others; docker/make-secrets.sh does.",
            )

    def _values(self) -> Iterator[tuple[str, object]]:
        """All values by name, those of a channel behind its own name."""
        for name, value in self:
            if isinstance(value, ChannelSettings):
                yield from ((f"{name}_{inner}", one) for inner, one in value)
            else:
                yield name, value

    def payer_today(self) -> date:
        """The calendar day at a payer of which nothing else is said."""
        return today_in(self.payer_timezone)

    def today_of(self, channel: ChannelSettings) -> date:
        """The calendar day at a channel's payers."""
        return today_in(channel.timezone or self.payer_timezone)

    def patience_of(self, channel: ChannelSettings) -> timedelta:
        """How long rows wait for a channel that is down."""
        hours = self.payer_retry_hours if channel.retry_hours is None else channel.retry_hours
        return timedelta(hours=hours)

    def slack_days_of(self, channel: ChannelSettings) -> int:
        """Days that a channel is searched before and after a row's own dates."""
        days = channel.date_slack_days
        return self.date_slack_days if days is None else days


def channel_fields() -> dict[str, type[ChannelSettings]]:
    """The settings that are a channel's, by the channel's name."""
    return {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, ChannelSettings)
    }


def _is_known_secret(secret: str) -> bool:
    """Whether the sandbox, its realm or the realm for development has it."""
    return secret == "sandbox" or secret.startswith("development-only")  # noqa: S105


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `environ` (default: the process's environment).

    Raises:
        SettingsError: `setting_invalid` or `setting_file_unreadable`, naming each variable.

    """
    source = os.environ if environ is None else environ
    channels = channel_fields()
    values: dict[str, Any] = {}
    for name in Settings.model_fields:
        if name in channels:
            inner = {
                each: text
                for each in channels[name].model_fields
                if (text := _text_of(f"{name}_{each}", source)) is not None
            }
            if inner:
                values[name] = inner
        elif (text := _text_of(name, source)) is not None:
            values[name] = text
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(
            f"{variable_of('_'.join(map(str, item['loc'])))}: {item['msg']}"
            if item["loc"]
            else item["msg"]
            for item in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError("setting_invalid", f"Check the settings: {problems}.") from None


def _text_of(name: str, source: Mapping[str, str]) -> str | None:
    """A setting's text, from its variable or the file that the variable `…_FILE` names."""
    variable = variable_of(name)
    if source.get(variable):
        return source[variable]
    if not source.get(variable + FILE_SUFFIX):
        return None
    try:
        return Path(source[variable + FILE_SUFFIX]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            "setting_file_unreadable",
            f"The file named by {variable}{FILE_SUFFIX} cannot be read.",
        ) from None


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
