"""How often the stream may ask for records: event by event while that is cheap, gathered when calls get few."""

from datetime import datetime

SHARE = 0.5
"""Of the day's calls; the rest is for deliveries, snapshots, sweeps and backfills."""
BURST = 100
DAY_SECONDS = 86400.0


class Budget:
    """A token bucket: `BURST` calls at once, then the share of the day's calls spread evenly.

    Forgotten with its reader, so that a new owner begins with a full one.
    """

    def __init__(self, daily_calls: float, now: datetime) -> None:
        self._per_second = daily_calls * SHARE / DAY_SECONDS
        self._left = float(BURST)
        self._at = now

    def wait(self, now: datetime) -> float:
        """Return the seconds until a call may be made."""
        self._fill(now)
        return max(0.0, (1 - self._left) / self._per_second)

    def spend(self, calls: int, now: datetime) -> None:
        """Count calls that were made."""
        self._fill(now)
        self._left -= calls

    def _fill(self, now: datetime) -> None:
        elapsed = max(0.0, (now - self._at).total_seconds())
        self._left = min(float(BURST), self._left + elapsed * self._per_second)
        self._at = max(now, self._at)
