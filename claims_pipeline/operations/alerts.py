"""Tells operators by a signed webhook, after the rules of https://www.standardwebhooks.com.

Alerts hold no patient's data. The same alert may arrive twice, under the same `webhook-id`.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

import requests
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from claims_pipeline.errors import SettingsError
from claims_pipeline.settings import Settings
from claims_pipeline.store.attempts.alerts import Alert

_TIMEOUT_S = (3.05, 5)
_LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Where alerts go, and what signs them."""

    url: str = field(repr=False)
    signer: Webhook = field(repr=False)

    def send(self, alert: Alert, now: datetime) -> bool:
        """Post one alert; whether the other side has taken it.

        Redirects are not followed: they would lead the alert elsewhere.
        """
        body = alert_body(alert)
        headers = {
            "content-type": "application/json",
            "webhook-id": alert.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self.signer.sign(alert.id, now, body),
        }
        try:
            # What the other side answers beyond its status is not read.
            with requests.post(
                self.url,
                data=body.encode(),
                headers=headers,
                timeout=_TIMEOUT_S,
                allow_redirects=False,
                stream=True,
            ) as response:
                return 200 <= response.status_code < 300
        except requests.RequestException:
            return False


def receiver_of(settings: Settings) -> Receiver | None:
    """The receiver that the settings name; None when they name none.

    Raises:
        SettingsError: `setting_missing` or `setting_invalid`.

    """
    url = settings.alert_webhook_url
    if url is None:
        return None
    if not _is_safe(url):
        raise SettingsError("setting_invalid", "CLAIMS_ALERT_WEBHOOK_URL must begin with https://.")
    try:
        signer = Webhook(settings.required("alert_webhook_secret"))
    except (ValueError, EmptyWebhookSecretError):
        raise SettingsError(
            "setting_invalid",
            "CLAIMS_ALERT_WEBHOOK_SECRET must be whsec_ and a key in base64.",
        ) from None
    return Receiver(url=url, signer=signer)


def _is_safe(url: str) -> bool:
    """Whether what is sent there is encrypted, or does not leave this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOCAL))


def alert_body(alert: Alert) -> str:
    """The alert as JSON text."""
    return json.dumps(
        {
            "type": alert.kind.value,
            "timestamp": alert.created_at.isoformat(),
            "data": {
                "upload_id": alert.upload_id,
                "organization_id": alert.organization_id,
                "attempt": alert.attempt,
                "error_code": alert.error_code,
            },
        }
    )
