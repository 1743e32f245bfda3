"""Secrets in memory, for tests."""

from dataclasses import replace

from connectors.ports import Secret


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

    async def check(self) -> None:
        """Memory is always there."""

    async def aclose(self) -> None:
        """Nothing is open."""
