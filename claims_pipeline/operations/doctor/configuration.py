"""The settings: complete, and fit for production where it is that."""

from collections.abc import Iterator

from claims_pipeline.errors import ClaimsError, PayerError
from claims_pipeline.operations.alerts import receiver_of
from claims_pipeline.operations.doctor.findings import Finding, failed, ok, warning
from claims_pipeline.payers import registry
from claims_pipeline.payers.environment import SANDBOX
from claims_pipeline.settings import Settings


def examine_settings(settings: Settings) -> Iterator[Finding]:
    """Look at what the settings say, without asking anybody."""
    yield ok("environment", settings.environment)
    try:
        settings.refuse_known_secrets()
    except ClaimsError as error:
        yield failed("secrets", f"{error.message} [{error.code}]")
    for payer in _channels_in_use(settings):
        try:
            name = registry.environment_of(payer, settings)
        except ClaimsError as error:
            yield failed(f"payer {payer}", f"{error.message} [{error.code}]")
            continue
        if name == SANDBOX:
            yield warning(f"payer {payer}", "This is a sandbox: its answers are made up.")
        else:
            yield ok(f"payer {payer}", "addresses and credentials are set")
    try:
        receiver = receiver_of(settings)
    except ClaimsError as error:
        yield failed("alerts", f"{error.message} [{error.code}]")
        return
    if receiver is None:
        yield warning("alerts", "Nobody is told about failures: set CLAIMS_ALERT_WEBHOOK_URL.")
    else:
        yield ok("alerts", "a receiver is set")


def examine_credentials(settings: Settings) -> Iterator[Finding]:
    """Ask each payer for a token, and for nothing else."""
    for payer in _channels_in_use(settings):
        try:
            is_tried = registry.try_credentials(payer, settings)
        except (PayerError, ClaimsError) as error:
            yield failed(f"token of {payer}", f"{error.message} [{error.code}]")
            continue
        if is_tried:
            yield ok(f"token of {payer}", "the credentials are accepted")


def _channels_in_use(settings: Settings) -> tuple[str, ...]:
    """Those of the built-in payers, and those of which anything is set."""
    built_in = {payer.channel for payer in registry.built_in_payers(settings)}
    return tuple(
        channel
        for channel in registry.channel_names()
        if channel in built_in or registry.settings_of(channel, settings).model_fields_set
    )
