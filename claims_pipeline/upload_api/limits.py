"""How often a user may ask in a minute, and how many bodies are read at once. Knows no routes."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from limits import RateLimitItemPerMinute
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from claims_pipeline.errors import SettingsError
from claims_pipeline.settings import Settings

_BODY_WAIT_S = 30.0
_LOGGER = logging.getLogger(__name__)


class Limits:
    """The counts of this process, or of all that share a `CLAIMS_API_LIMITS_URL`."""

    def __init__(self, settings: Settings) -> None:
        try:
            storage = storage_from_string(
                settings.api_limits_url.get_secret_value(), wrap_exceptions=True
            )
        except ConfigurationError:
            raise SettingsError(
                "limits_url_invalid", "CLAIMS_API_LIMITS_URL must be memory:// or redis://…."
            ) from None
        self._windows = MovingWindowRateLimiter(storage)
        self._per_minute = RateLimitItemPerMinute(settings.api_requests_per_minute)
        self._bodies = asyncio.Semaphore(settings.api_concurrent_uploads)

    def seconds_until_allowed(self, user_id: str) -> int:
        """Count one HTTP request of a user; 0 when it may pass, else how long to wait."""
        try:
            if self._windows.hit(self._per_minute, user_id):
                return 0
            reset = self._windows.get_window_stats(self._per_minute, user_id).reset_time
        except StorageError:
            # A limit is no reason to turn people away while the counts are out of reach.
            _LOGGER.warning("requests are not counted: the limits' storage does not answer")
            return 0
        return max(1, math.ceil(reset - time.time()))

    @asynccontextmanager
    async def body_slot(self, wait_s: float = _BODY_WAIT_S) -> AsyncIterator[bool]:
        """Wait for a turn to read a large body; False when none came free in that time."""
        try:
            await asyncio.wait_for(self._bodies.acquire(), wait_s)
        except TimeoutError:
            yield False
            return
        try:
            yield True
        finally:
            self._bodies.release()
