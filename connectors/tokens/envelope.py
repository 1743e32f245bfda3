"""How a stored secret looks: AES-256-GCM under one key, bound to its connection and version.

An envelope is `SLW1`, the version (8 bytes, big endian), a random nonce (12 bytes) and the ciphertext of the secret as
JSON. Tenant, vendor, mark and version are the associated data: an envelope put in another's place does not open.
"""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors.errors import FatalError
from connectors.ports import Secret
from connectors.wire import dumps, iso_micros, loads, parse_instant

MAGIC = b"SLW1"
KEY_BYTES = 32
NONCE_BYTES = 12
VERSION_BYTES = 8
HEAD_BYTES = len(MAGIC) + VERSION_BYTES


class Envelope:
    """Seals and opens secrets.

    Args:
        key: 32 bytes (`SLUICEWAY_TOKEN_KEY`).

    Raises:
        FatalError: the key has another length.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise FatalError(f"SLUICEWAY_TOKEN_KEY must be {KEY_BYTES} bytes in base64; it has {len(key)}")
        self._cipher = AESGCM(key)

    def seal(self, tenant: str, vendor: str, secret: Secret, version: int) -> bytes:
        """Return `secret` as version `version`, unreadable without the key; each time other bytes."""
        head, nonce = MAGIC + version.to_bytes(VERSION_BYTES, "big"), os.urandom(NONCE_BYTES)
        return head + nonce + self._cipher.encrypt(nonce, dumps(plain(secret)), _bound_to(tenant, vendor, head))

    def open(self, tenant: str, vendor: str, sealed: bytes, name: str) -> Secret:
        """Return what was sealed; `name` says in the message where it is kept.

        Raises:
            FatalError: sealed with another key or for another connection, or not whole.
        """
        head, nonce = sealed[:HEAD_BYTES], sealed[HEAD_BYTES : HEAD_BYTES + NONCE_BYTES]
        try:
            text = self._cipher.decrypt(nonce, sealed[HEAD_BYTES + NONCE_BYTES :], _bound_to(tenant, vendor, head))
        except (InvalidTag, ValueError):
            raise FatalError(
                f"tenant {tenant}, {vendor}: {name} does not open with SLUICEWAY_TOKEN_KEY; restore the key it "
                "was written with, or delete it and connect the account again"
            ) from None
        return secret_of(loads(text), int.from_bytes(head[len(MAGIC) :], "big"))


def plain(secret: Secret) -> Mapping[str, Any]:
    """Return what is stored of a secret, for JSON; the version is kept beside it."""
    times = {"expires_at": secret.expires_at, "refreshing_since": secret.refreshing_since}
    return {"values": secret.values, **{name: iso_micros(at) if at else None for name, at in times.items()}}


def secret_of(stored: Mapping[str, Any], version: int) -> Secret:
    """Return the secret that `plain` took apart."""
    expires_at, since = stored["expires_at"], stored["refreshing_since"]
    return Secret(
        values=stored["values"],
        expires_at=parse_instant(expires_at) if expires_at else None,
        refreshing_since=parse_instant(since) if since else None,
        version=version,
    )


def _bound_to(tenant: str, vendor: str, head: bytes) -> bytes:
    return f"{quote(tenant, safe='')}|{quote(vendor, safe='')}|".encode() + head
