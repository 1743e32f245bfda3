"""One encrypted file per connection, for the processes of one host."""

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from connectors.ports import Secret
from connectors.tokens.envelope import Envelope


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
        self._folder = folder
        self._envelope = Envelope(key)

    async def get(self, tenant: str, vendor: str) -> Secret | None:
        """Return the current secret, or None for an unknown connection."""
        return await asyncio.to_thread(self._read, tenant, vendor)

    async def compare_and_set(self, tenant: str, vendor: str, secret: Secret, *, expected_version: int) -> bool:
        """Store `secret` durably as version `expected_version + 1` unless someone else did."""
        return await asyncio.to_thread(self._swap, tenant, vendor, secret, expected_version)

    async def check(self) -> None:
        """Files need nothing beforehand: the folder is made with the first."""

    async def aclose(self) -> None:
        """Nothing stays open."""

    def _path(self, tenant: str, vendor: str) -> Path:
        return self._folder / f"{quote(tenant, safe='')}@{quote(vendor, safe='')}.token"

    def _read(self, tenant: str, vendor: str) -> Secret | None:
        path = self._path(tenant, vendor)
        try:
            sealed = path.read_bytes()
        except FileNotFoundError:
            return None
        return self._envelope.open(tenant, vendor, sealed, path.name)

    def _swap(self, tenant: str, vendor: str, secret: Secret, expected: int) -> bool:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(tenant, vendor)
        with _exclusive(path.with_suffix(".lock")):
            current = self._read(tenant, vendor)
            if (current.version if current else 0) != expected:
                return False
            self._replace(path, self._envelope.seal(tenant, vendor, secret, expected + 1))
        return True

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
