"""Leaky buckets: what a caller has left, filling up again at a steady rate (shopify.dev, "Shopify API limits")."""

from dataclasses import dataclass

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.limits import Limit

POINTS = Limit("graphql points", 2000, 20.0)
"""A bucket of 2,000 points that 100 a second fill: the Standard plan."""
REQUESTS = Limit("rest requests", 40, 20.0)
"""A bucket of 40 requests, two a second."""
MOST_POINTS = 1000
"""No single query may cost more, whatever the plan."""


@dataclass(frozen=True, slots=True)
class Level:
    """How a bucket stands: what it holds when full, what is left, what comes back a second."""

    size: float
    left: float
    rate: float


class Buckets:
    """The buckets of all accounts, in memory. Size and rate follow the account's limits: calls, calls by seconds."""

    def __init__(self, ctx: SandboxContext) -> None:
        self._ctx = ctx
        self._left: dict[tuple[str, str], tuple[float, float]] = {}

    def level(self, account: str, limit: Limit) -> Level:
        """How the bucket stands now."""
        now = self._ctx.clock.now().timestamp()
        allowed = self._ctx.limits.as_json(account)[limit.name]
        size = float(allowed["calls"])
        rate = size / allowed["seconds"]
        left, at = self._left.get((account, limit.name), (size, now))
        return Level(size, min(size, left + max(now - at, 0.0) * rate), rate)

    def take(self, account: str, limit: Limit, points: float) -> bool:
        """Take points out, or answer False, counted on the meter, when there are too few."""
        level = self.level(account, limit)
        if level.left < points:
            self._ctx.meter.over(account, limit.name)
            return False
        self._put(account, limit, level.left - points)
        return True

    def give_back(self, account: str, limit: Limit, points: float) -> None:
        """Return what was reserved and not used."""
        self._put(account, limit, self.level(account, limit).left + points)

    def _put(self, account: str, limit: Limit, left: float) -> None:
        self._left[account, limit.name] = (left, self._ctx.clock.now().timestamp())
