"""How often a company may be swept, so that its metered reads last until the month ends.

Intuit counts every answered GET, query and capture by the month ("CorePlus" calls, Intuit's page "App Partner Program")
and blocks a free app that has used them up; writes are free.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Spent:
    """Reads in a calendar month, UTC; `month` is written `2026-01`."""

    month: str = ""
    reads: int = 0

    def plus(self, reads: int, now: datetime) -> "Spent":
        """Return the count with further reads; a new month begins at nothing."""
        month = f"{now.astimezone(UTC):%Y-%m}"
        return Spent(month, reads + (self.reads if month == self.month else 0))


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `monthly` reads a month, and a sweep every `period` as long as they last."""

    monthly: int
    period: timedelta

    def left(self, spent: Spent, now: datetime) -> int:
        """Return how many reads the month still has."""
        return max(0, self.monthly - spent.plus(0, now).reads)

    def next_sweep(self, swept_at: datetime, spent: Spent, now: datetime) -> datetime:
        """Return when the sweep after that of `swept_at` is due: what is left is spread over the rest of the month."""
        left, end = self.left(spent, now), _month_end(now)
        if left == 0:
            return end
        return swept_at + max(self.period, (end - now) / left)


def _month_end(now: datetime) -> datetime:
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
