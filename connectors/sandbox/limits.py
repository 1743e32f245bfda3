"""Sliding-window limits, as vendors enforce them; an admin may change them per account."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.sandbox.clock import Clock
from connectors.sandbox.database import Database
from connectors.sandbox.errors import BadInputError
from connectors.sandbox.meter import Meter

OVERRIDES = "limits"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `calls` within any `seconds`."""

    name: str
    calls: int
    seconds: float


class Limits:
    """Counts admitted calls per account and limit. Refused calls do not count against the window."""

    def __init__(self, database: Database, clock: Clock, meter: Meter) -> None:
        self._database = database
        self._clock = clock
        self._meter = meter
        self._limits: dict[str, Limit] = {}
        self._spent: dict[tuple[str, str], deque[float]] = {}

    def declare(self, limits: Sequence[Limit]) -> None:
        """Name the vendor's limits; called once at start."""
        self._limits = {limit.name: limit for limit in limits}

    def reset(self) -> None:
        """Forget what was spent."""
        self._spent.clear()

    def admit(self, account: str, *names: str) -> bool:
        """Spend one call of each named limit, or none and answer False when one of them is used up."""
        allowed = self._allowed(account)
        for name in names:
            if self.spent(account, name) >= allowed[name]:
                self._meter.over(account, name)
                return False
        for name in names:
            self._spent.setdefault((account, name), deque()).append(self._clock.now().timestamp())
        return True

    def spent(self, account: str, name: str) -> int:
        """Calls of a limit in the window that ends now."""
        spent = self._spent.get((account, name), deque())
        while spent and spent[0] <= self._clock.now().timestamp() - self._limits[name].seconds:
            spent.popleft()
        return len(spent)

    def change(self, account: str, calls: Mapping[str, Any]) -> None:
        """Set limits of one account: name -> calls; null restores the vendor's. Raises BadInputError."""
        overrides: dict[str, Any] = self._database.value(account, OVERRIDES) or {}
        for name, value in calls.items():
            if name not in self._limits:
                raise BadInputError(f"unknown limit {name!r}; known: {', '.join(sorted(self._limits)) or 'none'}")
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
                raise BadInputError(f"limit {name!r} must be a whole number >= 0 or null, not {value!r}")
            overrides[name] = value
        self._database.set_value(account, OVERRIDES, {k: v for k, v in overrides.items() if v is not None})

    def as_json(self, account: str) -> dict[str, Any]:
        """Name -> {calls, seconds} as in force for this account."""
        allowed = self._allowed(account)
        return {name: {"calls": allowed[name], "seconds": limit.seconds} for name, limit in self._limits.items()}

    def _allowed(self, account: str) -> dict[str, int]:
        overrides: dict[str, int] = self._database.value(account, OVERRIDES) or {}
        return {name: overrides.get(name, limit.calls) for name, limit in self._limits.items()}
