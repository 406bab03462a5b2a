"""Settings of a channel, a way to ask payers: `CLAIMS_<CHANNEL>_<NAME>`.

Addresses and credentials have no default on purpose: what is asked, and of whom, is always
somebody's decision.
"""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from claims_pipeline.errors import SettingsError

PREFIX = "CLAIMS_"
FILE_SUFFIX = "_FILE"


def variable_of(name: str) -> str:
    """The environment variable of a setting, by its field's name."""
    return PREFIX + name.upper()


def text_or_raise(name: str, value: object) -> str:
    """Text of a setting that has no default.

    Raises:
        SettingsError: `setting_missing`, naming the environment variable.

    """
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value == "":
        variable = variable_of(name)
        raise SettingsError(
            "setting_missing",
            f"Set {variable} (or {variable}{FILE_SUFFIX}, the path of a file that holds it).",
        )
    return str(value)


def known_zone(value: str | None) -> str | None:
    """A validator of names of time zones."""
    try:
        if value is not None:
            ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("is not a time zone, such as America/Chicago") from None
    return value


def today_in(timezone: str) -> date:
    """The calendar day in a time zone."""
    return datetime.now(ZoneInfo(timezone)).date()


class ChannelSettings(BaseModel):
    """What every channel has. Those that say None follow the settings of every payer."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    api_url: str | None = Field(default=None, description="The address of the API.")
    max_concurrency: int = Field(
        default=16,
        ge=1,
        le=256,
        description="Calls at the same time, counted over all processes.",
    )
    calls_per_second: float = Field(
        default=100.0, gt=0, description="Calls a second, counted over all processes."
    )
    timezone: str | None = Field(
        default=None,
        description="The time zone in which its days begin. Without it, that of every payer.",
    )
    retry_hours: float | None = Field(
        default=None,
        ge=0,
        description="How long its rows wait while it is down. Without it, as for every payer.",
    )
    date_slack_days: int | None = Field(
        default=None,
        ge=0,
        le=45,
        description="Days searched before and after a row's own dates. Without it, as for every "
        "payer.",
    )
    answer_hours: float = Field(
        default=24.0,
        gt=0,
        description="How long an answer that comes later is awaited before its rows fail.",
    )
    price_per_answer: Decimal = Field(
        default=Decimal(0),
        ge=0,
        description="US dollars that an answered search costs; shown before asking and after.",
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return known_zone(value)

    def texts(self, channel: str, *names: str) -> tuple[str, ...]:
        """The texts of settings that the channel of that name cannot do without.

        Raises:
            SettingsError: `setting_missing`, naming all that are missing at once.

        """
        texts: list[str] = []
        problems: list[str] = []
        for name in names:
            try:
                texts.append(text_or_raise(f"{channel}_{name}", getattr(self, name)))
            except SettingsError as error:
                problems.append(error.message)
        if problems:
            raise SettingsError("setting_missing", " ".join(problems))
        return tuple(texts)


class FileChannelSettings(ChannelSettings):
    """A channel whose answers come by files; by when, its partners say."""

    answer_hours: float = Field(
        default=24.0 * 28,
        gt=0,
        description="How long an answer is awaited at most, whatever its partner's deadline.",
    )


class OAuthChannelSettings(ChannelSettings):
    """A channel that gives out tokens for a client's id and secret."""

    token_url: str | None = Field(
        default=None, description="The address where access tokens are given out."
    )
    client_id: str | None = Field(default=None, description="Your client id there.")
    client_secret: SecretStr | None = Field(default=None, description="Your client secret there.")


class KeyChannelSettings(ChannelSettings):
    """A channel that knows its clients by a key."""

    api_key: SecretStr | None = Field(default=None, description="Your API key there.")
