"""The webhook secrets that are live now, by connection."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from connectors.ports import Clock, TokenStore

NAME = "webhook_secret"
"""Under which a connection's secrets keep it; several live ones are separated by commas or line ends."""
KEPT = timedelta(seconds=5)
"""How long a read secret is believed: a rotated one is in force soon, and a flood of requests reads nothing."""


class WebhookSecrets:
    """Reads the secrets of connections, and keeps each for a moment."""

    def __init__(self, tokens: TokenStore, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[datetime, frozenset[str]]] = {}

    async def of(self, vendor: str, tenants: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Return by live secret the tenants among `tenants` that hold it for `vendor`."""
        holders: dict[str, set[str]] = {}
        for tenant in tenants:
            for secret in await self._live(tenant, vendor):
                holders.setdefault(secret, set()).add(tenant)
        return {secret: frozenset(found) for secret, found in holders.items()}

    async def _live(self, tenant: str, vendor: str) -> frozenset[str]:
        now = self._clock.now()
        read_at, live = self._kept.get((tenant, vendor), (None, frozenset[str]()))
        if read_at is None or now - read_at >= KEPT:
            secret = await self._tokens.get(tenant, vendor)
            live = split(secret.values.get(NAME, "")) if secret else frozenset()
            self._kept[tenant, vendor] = (now, live)
        return live


def split(text: str) -> frozenset[str]:
    """Return the secrets in `text`, without the blanks around them."""
    return frozenset(part.strip() for line in text.splitlines() for part in line.split(",") if part.strip())
