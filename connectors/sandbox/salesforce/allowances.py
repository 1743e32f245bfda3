"""What an org may use in 24 hours, and how much of it is left (`limits/`)."""

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.limits import Limit

API, DELIVERED = "DailyApiRequests", "DailyDeliveredPlatformEvents"
BULK_BATCHES, BULK_QUERIES = "DailyBulkApiBatches", "DailyBulkV2QueryJobs"
_DAY = 86_400.0
# An Enterprise org without user licences ("API Request Limits and Allocations", "Pub/Sub API and Event Allocations",
# "Bulk API 2.0 limits").
_MOST = {API: 100_000, DELIVERED: 25_000, BULK_BATCHES: 15_000, BULK_QUERIES: 10_000}


class Allowances:
    """The rolling 24-hour limits of all orgs."""

    def __init__(self, ctx: SandboxContext) -> None:
        self._limits = ctx.limits
        self._limits.declare([Limit(name, most, _DAY) for name, most in _MOST.items()])

    def admit(self, account: str, name: str) -> bool:
        """Spend one, or answer False when none is left."""
        return self._limits.admit(account, name)

    def of(self, account: str, name: str) -> tuple[int, int]:
        """How many are spent, of how many."""
        most: int = self._limits.as_json(account)[name]["calls"]
        return self._limits.spent(account, name), most

    def as_json(self, account: str) -> dict[str, dict[str, int]]:
        """The answer of `limits/`."""
        pairs = {name: self.of(account, name) for name in _MOST}
        return {name: {"Max": most, "Remaining": most - used} for name, (used, most) in pairs.items()}
