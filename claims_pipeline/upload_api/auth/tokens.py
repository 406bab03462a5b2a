"""Verifies access tokens against the keys of a Keycloak realm."""

from collections.abc import Mapping
from typing import Any

from claims_pipeline.settings import Settings


class TokenVerifier:
    """Accepts access tokens of one realm that were issued for this API; safe to share."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def verify(self, token: str) -> Mapping[str, Any]:
        """The claims of a good token; checks the signature and every claim that binds it to us.

        Raises:
            ApiError: 401 `token_invalid` for whatever is wrong with it, 503
                `identity_unavailable` when the realm's keys cannot be had.

        """
        raise NotImplementedError
