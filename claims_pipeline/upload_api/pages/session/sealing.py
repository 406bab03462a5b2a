"""Seals what is kept outside this process, so that only holders of the key read or change it."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwcrypto.common import base64url_decode, base64url_encode

_NONCE_BYTES = 12


class Seal:
    """Encrypts and authenticates JSON objects under one key (AES-256-GCM); safe to share.

    Args:
        key: `CLAIMS_API_SESSION_KEY`, random text. Without one a key is
            made that this process alone has: what it seals ends with it.

    """

    def __init__(self, key: str | None) -> None:
        material = key.encode() if key is not None else secrets.token_bytes(32)
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"claims page sessions")
        self._cipher = AESGCM(derived.derive(material))

    def close(self, content: Mapping[str, object], *, bound_to: str) -> str:
        """Text that opens under the same key and for the same `bound_to` only."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        closed = self._cipher.encrypt(nonce, json.dumps(content).encode(), bound_to.encode())
        sealed: str = base64url_encode(nonce + closed)
        return sealed

    def open(self, sealed: str, *, bound_to: str) -> dict[str, Any] | None:
        """What was sealed; None for what was not, or under another key, or for something else."""
        try:
            data = base64url_decode(sealed)
            nonce, closed = data[:_NONCE_BYTES], data[_NONCE_BYTES:]
            content = json.loads(self._cipher.decrypt(nonce, closed, bound_to.encode()))
        except (InvalidTag, ValueError):
            return None
        return content if isinstance(content, dict) else None
