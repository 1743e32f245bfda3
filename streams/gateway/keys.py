"""API keys: each belongs to one tenant; of the key itself only a hash is kept, in the store of secrets."""

import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from connectors.errors import FatalError
from connectors.ports import Clock, Secret, TokenStore
from connectors.wire import iso_micros, parse_instant

VENDOR = "api"
"""Under this name the store keeps a tenant's keys."""
PREFIX = "slw"
KEPT = timedelta(seconds=5)
"""How long what was read is believed: a revoked key is refused soon, and a flood of requests reads nothing."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key; `expires` is `""` for one without an end. A key has 256 random bits, so SHA-256 does."""

    hash: str
    name: str
    created: str
    expires: str = ""

    def live(self, now: datetime) -> bool:
        """Tell whether it opens anything."""
        return not self.expires or now < parse_instant(self.expires)


class ApiKeys:
    """Issues and checks keys.

    Args:
        tokens: the store.
        clock: of expiry.
        token_hex: randomness of keys.
    """

    def __init__(self, tokens: TokenStore, clock: Clock, token_hex: Callable[[int], str] = secrets.token_hex) -> None:
        self._tokens = tokens
        self._clock = clock
        self._token_hex = token_hex
        self._kept: dict[str, tuple[datetime, Mapping[str, ApiKey]]] = {}

    async def opens(self, tenant: str, presented: str) -> bool:
        """Tell whether a key is the tenant's and live.

        Raises:
            FatalError, RetryableError: the store cannot be read.
        """
        prefix, _, rest = presented.partition("_")
        key_id, _, secret = rest.partition("_")
        now = self._clock.now()
        read_at, known = self._kept.get(tenant, (None, {}))
        if read_at is None or now - read_at >= KEPT:
            known = await self.all(tenant)
            self._kept[tenant] = (now, known)
        key = known.get(key_id)
        # Compared in any case, so that the time taken does not tell whether there is such a key.
        fits = hmac.compare_digest(key.hash if key else "", _hash(secret))
        return prefix == PREFIX and fits and key is not None and key.live(now)

    async def all(self, tenant: str) -> Mapping[str, ApiKey]:
        """Return what is kept of a tenant's keys, by id."""
        secret = await self._tokens.get(tenant, VENDOR)
        return {key_id: ApiKey(**json.loads(text)) for key_id, text in secret.values.items()} if secret else {}

    async def issue(self, tenant: str, name: str, lasts: timedelta | None) -> str:
        """Return a new key; it can be read this once."""
        key_id, secret = self._token_hex(4), self._token_hex(32)
        now = self._clock.now()
        key = ApiKey(_hash(secret), name, iso_micros(now), iso_micros(now + lasts) if lasts else "")
        await self._change(tenant, lambda keys: {**keys, key_id: key})
        return f"{PREFIX}_{key_id}_{secret}"

    async def rotate(self, tenant: str, key_id: str, overlap: timedelta) -> str:
        """Return a new key in the place of one, which goes on for `overlap`.

        Raises:
            FatalError: there is no such key.
        """
        old = await self._known(tenant, key_id)
        fresh = await self.issue(tenant, old.name, None)
        ends = iso_micros(self._clock.now() + overlap)
        await self._change(tenant, lambda keys: {**keys, key_id: replace(old, expires=min(old.expires or ends, ends))})
        return fresh

    async def revoke(self, tenant: str, key_id: str) -> None:
        """End a key; gateways refuse it within five seconds.

        Raises:
            FatalError: there is no such key.
        """
        await self._known(tenant, key_id)
        await self._change(tenant, lambda keys: {name: key for name, key in keys.items() if name != key_id})

    async def _known(self, tenant: str, key_id: str) -> ApiKey:
        keys = await self.all(tenant)
        if key_id not in keys:
            raise FatalError(f"tenant {tenant} has no key {key_id} — there are: {', '.join(sorted(keys)) or 'none'}")
        return keys[key_id]

    async def _change(self, tenant: str, change: Callable[[Mapping[str, ApiKey]], Mapping[str, ApiKey]]) -> None:
        while True:
            secret = await self._tokens.get(tenant, VENDOR)
            keys = {key_id: ApiKey(**json.loads(text)) for key_id, text in secret.values.items()} if secret else {}
            values = {key_id: json.dumps(asdict(key)) for key_id, key in change(keys).items()}
            version = secret.version if secret else 0
            if await self._tokens.compare_and_set(tenant, VENDOR, Secret(values), expected_version=version):
                return


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
