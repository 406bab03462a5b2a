"""How often a user may ask in a minute, and how many bodies and streams there may be at once."""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from anyio import CancelScope
from limits import RateLimitItemPerMinute
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from claims_pipeline.errors import SettingsError
from claims_pipeline.settings import Settings
from claims_pipeline.upload_api.http.problems import ApiError

_BODY_WAIT_S = 30.0
_STREAMS = 256
_ONCE_A_MINUTE = RateLimitItemPerMinute(1)
_STREAMS_OF_A_USER = 8
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
        self._bodies = BodyTurns(settings.api_concurrent_uploads)

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

    def is_first_in_a_minute(self, *names: str) -> bool:
        """Whether something of these names has not been told in the last minute; it is now."""
        try:
            return self._windows.hit(_ONCE_A_MINUTE, "told", *names)
        except StorageError:
            return True

    @asynccontextmanager
    async def body_slot(
        self, user_id: str, organization_id: str, wait_s: float = _BODY_WAIT_S
    ) -> AsyncIterator[bool]:
        """Wait for a turn to read a large body; False when none came free in that time."""
        async with self._bodies.taken(user_id, organization_id, wait_s=wait_s) as is_free:
            yield is_free


class BodyTurns:
    """Turns to read large bodies; asked in the event loop only.

    A user has a quarter of them and an organization half, so that nobody holds all of them: however
    slowly somebody sends, others are taken.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_of_a_user = max(1, most // 4)
        self._most_of_an_organization = max(1, most // 2)
        self._by_user: Counter[str] = Counter()
        self._by_organization: Counter[str] = Counter()
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def taken(
        self, user_id: str, organization_id: str, *, wait_s: float
    ) -> AsyncIterator[bool]:
        """A turn while the block lasts; False when none came free in that time."""

        def is_free() -> bool:
            return (
                self._by_user.total() < self._most
                and self._by_user[user_id] < self._most_of_a_user
                and self._by_organization[organization_id] < self._most_of_an_organization
            )

        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait_for(is_free), wait_s)
            except TimeoutError:
                is_taken = False
            else:
                is_taken = True
                self._by_user[user_id] += 1
                self._by_organization[organization_id] += 1
        if not is_taken:
            yield False
            return
        try:
            yield True
        finally:
            # Even while this task is being cancelled: a turn that is not given back is lost.
            with CancelScope(shield=True):
                async with self._changed:
                    self._by_user[user_id] -= 1
                    self._by_organization[organization_id] -= 1
                    # Forgets those without a turn.
                    self._by_user += Counter()
                    self._by_organization += Counter()
                    self._changed.notify_all()


class StreamSeats:
    """The streams of this process; asked in the event loop only."""

    def __init__(self) -> None:
        self._by_user: Counter[str] = Counter()

    @contextmanager
    def taken(self, user_id: str) -> Iterator[None]:
        """A seat for one stream of the user while the block lasts.

        Raises:
            ApiError: 429 `too_many_streams`.

        """
        if self._by_user[user_id] >= _STREAMS_OF_A_USER or self._by_user.total() >= _STREAMS:
            raise ApiError(
                429,
                "too_many_streams",
                "Too many streams are open. Close one, or poll the progress instead.",
                headers={"Retry-After": "10"},
            )
        self._by_user[user_id] += 1
        try:
            yield
        finally:
            self._by_user[user_id] -= 1
            self._by_user += Counter()  # forgets users without a stream
