"""Is this the payer, or a sandbox that plays it? Never in doubt, and never silently wrong.

Three marks make a sandbox: its host is this machine, it is asked without encryption, or any of
its answers (the token's, which comes first, included) carries the sandbox's header. A channel may
have a mark of its own for answers that are made up.
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from claims_pipeline.errors import SettingsError

SANDBOX = "sandbox"
PRODUCTION = "production"
SANDBOX_HEADER = "x-payer-environment"


class PayerEnvironment:
    """What is known of who answers. In production a sandbox is refused, whenever it shows."""

    def __init__(
        self, *urls: str, is_production: bool, further_mark: tuple[str, str] | None = None
    ) -> None:
        """Look at the addresses; `further_mark` is a channel's own header of a made-up answer."""
        self._is_production = is_production
        self._marks = [(SANDBOX_HEADER, SANDBOX), *([further_mark] if further_mark else [])]
        self._name = PRODUCTION
        for url in urls:
            self._check_url(url)

    @property
    def name(self) -> str:
        """`sandbox` or `production`: certain as soon as the payer has answered anything."""
        return self._name

    def observe(self, headers: Mapping[str, str]) -> None:
        """Look at an answer's headers (names in lower case).

        Raises:
            SettingsError: `sandbox_in_production`.

        """
        if any(headers.get(name, "").strip().lower() == value for name, value in self._marks):
            self._mark_sandbox()

    def _check_url(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host = parts.hostname
        except ValueError:
            parts, host = None, None
        if parts is None or not host or parts.scheme not in {"http", "https"}:
            raise SettingsError(
                "payer_url_invalid", "The payer's addresses must begin with https:// and a host."
            )
        if _is_loopback(host):
            self._mark_sandbox()
        elif parts.scheme == "http":
            if self._is_production:
                raise SettingsError(
                    "payer_url_insecure",
                    "In production the payer's addresses must begin with https://.",
                )
            self._mark_sandbox()

    def _mark_sandbox(self) -> None:
        if self._is_production:
            raise SettingsError(
                "sandbox_in_production",
                "The payer's address leads to a sandbox, and CLAIMS_ENVIRONMENT is production.",
            )
        self._name = SANDBOX


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
