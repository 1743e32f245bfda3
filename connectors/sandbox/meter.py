"""What reached a sandbox, counted; the proof of what a client did."""

from collections import Counter, deque
from datetime import datetime
from typing import Any

from connectors.sandbox.clock import Clock

SECOND, MINUTE = 1.0, 60.0


class Busiest:
    """The largest number of calls that fell into any stretch of so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque()
        self.most = 0

    def add(self, at: datetime) -> None:
        """Count one call."""
        now = at.timestamp()
        self._times.append(now)
        while self._times[0] <= now - self._seconds:
            self._times.popleft()
        self.most = max(self.most, len(self._times))


class _Counts:
    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.over: Counter[str] = Counter()
        self.writes: Counter[str] = Counter()
        self.second = Busiest(SECOND)
        self.minute = Busiest(MINUTE)

    def as_json(self) -> dict[str, Any]:
        return {
            "total": self.calls.total(),
            "calls": dict(self.calls),
            "statuses": dict(self.statuses),
            "over_limit": dict(self.over),
            "writes": dict(self.writes),
            "busiest_second": self.second.most,
            "busiest_minute": self.minute.most,
        }


class Meter:
    """Counts since the start or the last reset, for all and per account. Kept in memory only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Begin again at zero."""
        self._all = _Counts()
        self._accounts: dict[str, _Counts] = {}

    def call(self, account: str | None, operation: str) -> None:
        """Count a call that arrived, whatever becomes of it."""
        for counts in self._counts(account):
            counts.calls[operation] += 1
            counts.second.add(self._clock.now())
            counts.minute.add(self._clock.now())

    def answer(self, account: str | None, status: int | str) -> None:
        """Count how a call ended: an HTTP status, or `reset` where no answer was given."""
        for counts in self._counts(account):
            counts.statuses[str(status)] += 1

    def over(self, account: str | None, limit: str) -> None:
        """Count a call refused by a limit."""
        for counts in self._counts(account):
            counts.over[limit] += 1

    def write(self, account: str | None, name: str) -> None:
        """Count a committed write to one object."""
        for counts in self._counts(account):
            counts.writes[name] += 1

    def as_json(self) -> dict[str, Any]:
        """The figures, with `accounts` holding the same per account."""
        accounts = {name: counts.as_json() for name, counts in sorted(self._accounts.items())}
        return {**self._all.as_json(), "accounts": accounts}

    def _counts(self, account: str | None) -> list[_Counts]:
        if account is None:
            return [self._all]
        return [self._all, self._accounts.setdefault(account, _Counts())]
