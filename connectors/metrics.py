"""Every metric the connectors keep: name, kind, meaning. Names follow Prometheus: base units, `_total`, `_seconds`."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter(
    "sluiceway_vendor_requests_total",
    "Requests to a vendor; code_class is 2xx to 5xx, or error when no answer came.",
    ["vendor", "operation", "code_class"],
)
SECONDS = Histogram(
    "sluiceway_vendor_request_seconds",
    "Time from asking for a request until its answer was read, a token refresh it needed included.",
    ["vendor", "operation"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
REFRESH_FAILURES = Counter(
    "sluiceway_token_refresh_failures_total",
    "Token refreshes that brought no token; reason is the OAuth error code, or unreachable.",
    ["vendor", "reason"],
)
DAILY_CALLS_REMAINING = Gauge(
    "sluiceway_vendor_daily_calls_remaining",
    "API calls left today in the account with the fewest, as the vendor counts them for all who use it.",
    ["vendor"],
)
_remaining: dict[str, dict[str, int]] = {}


def note_remaining(vendor: str, tenant: str, calls: int) -> None:
    """Show the fewest calls any account of the vendor has left; accounts are no label, there may be thousands."""
    accounts = _remaining.setdefault(vendor, {})
    accounts[tenant] = calls
    DAILY_CALLS_REMAINING.labels(vendor).set(min(accounts.values()))
