"""Token stores: one encrypted file per connection on one host, and one in memory for tests.

A file is `SLW1`, the version (8 bytes, big endian), a random nonce (12 bytes) and the AES-256-GCM ciphertext of the
secret as JSON. Tenant, vendor, mark and version are the associated data: a file put in another's place does not open.
"""

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
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
HEAD_BYTES = len(MAGIC) + VERSION_BYTES + NONCE_BYTES


class MemoryTokenStore:
    """Keeps secrets for the life of the object."""

    def __init__(self) -> None:
        self._secrets: dict[tuple[str, str], Secret] = {}

    async def get(self, tenant: str, vendor: str) -> Secret | None:
        """Return the current secret, or None for an unknown connection."""
        return self._secrets.get((tenant, vendor))

    async def compare_and_set(self, tenant: str, vendor: str, secret: Secret, *, expected_version: int) -> bool:
        """Store `secret` as version `expected_version + 1` unless someone else did."""
        current = self._secrets.get((tenant, vendor))
        if (current.version if current else 0) != expected_version:
            return False
        self._secrets[tenant, vendor] = replace(secret, version=expected_version + 1)
        return True


class FileTokenStore:
    """Keeps each connection's secret in an encrypted file of `folder`; safe between processes of one host.

    Writers hold an exclusive lock on the connection's lock file, write a new file, fsync it and rename it into place:
    a reader sees the old secret or the new one, and what was stored survives a power cut.

    Args:
        folder: made if absent, readable by its owner alone.
        key: 32 bytes (`SLUICEWAY_TOKEN_KEY`).

    Raises:
        FatalError: the key has another length, or a stored file does not open with it.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise FatalError(f"SLUICEWAY_TOKEN_KEY must be {KEY_BYTES} bytes in base64; it has {len(key)}")
        self._folder = folder
        self._cipher = AESGCM(key)

    async def get(self, tenant: str, vendor: str) -> Secret | None:
        """Return the current secret, or None for an unknown connection."""
        return await asyncio.to_thread(self._read, tenant, vendor)

    async def compare_and_set(self, tenant: str, vendor: str, secret: Secret, *, expected_version: int) -> bool:
        """Store `secret` durably as version `expected_version + 1` unless someone else did."""
        return await asyncio.to_thread(self._swap, tenant, vendor, secret, expected_version)

    def _path(self, tenant: str, vendor: str) -> Path:
        return self._folder / f"{quote(tenant, safe='')}@{quote(vendor, safe='')}.token"

    def _read(self, tenant: str, vendor: str) -> Secret | None:
        path = self._path(tenant, vendor)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        version = int.from_bytes(data[len(MAGIC) : HEAD_BYTES - NONCE_BYTES], "big")
        nonce, sealed = data[HEAD_BYTES - NONCE_BYTES : HEAD_BYTES], data[HEAD_BYTES:]
        try:
            plain = self._cipher.decrypt(nonce, sealed, _bound_to(tenant, vendor, data[: HEAD_BYTES - NONCE_BYTES]))
        except (InvalidTag, ValueError):
            raise FatalError(
                f"tenant {tenant}, {vendor}: {path.name} does not open with SLUICEWAY_TOKEN_KEY; restore the key it "
                "was written with, or delete the file and connect the account again"
            ) from None
        return _secret(plain, version)

    def _swap(self, tenant: str, vendor: str, secret: Secret, expected: int) -> bool:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(tenant, vendor)
        with _exclusive(path.with_suffix(".lock")):
            current = self._read(tenant, vendor)
            if (current.version if current else 0) != expected:
                return False
            self._replace(path, self._sealed(tenant, vendor, secret, expected + 1))
        return True

    def _sealed(self, tenant: str, vendor: str, secret: Secret, version: int) -> bytes:
        head, nonce = MAGIC + version.to_bytes(VERSION_BYTES, "big"), os.urandom(NONCE_BYTES)
        return head + nonce + self._cipher.encrypt(nonce, _plain(secret), _bound_to(tenant, vendor, head))

    def _replace(self, path: Path, data: bytes) -> None:
        fresh = path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _bound_to(tenant: str, vendor: str, head: bytes) -> bytes:
    return f"{quote(tenant, safe='')}|{quote(vendor, safe='')}|".encode() + head


def _plain(secret: Secret) -> bytes:
    times = {"expires_at": secret.expires_at, "refreshing_since": secret.refreshing_since}
    return dumps({"values": secret.values, **{name: iso_micros(at) if at else None for name, at in times.items()}})


def _secret(plain: bytes, version: int) -> Secret:
    stored = loads(plain)
    expires_at, since = stored["expires_at"], stored["refreshing_since"]
    return Secret(
        values=stored["values"],
        expires_at=parse_instant(expires_at) if expires_at else None,
        refreshing_since=parse_instant(since) if since else None,
        version=version,
    )
