"""Stops a shard when too many records fail: a bad deploy must not empty a topic into the DLQ, restarts included."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """When to open: so many failures in a row, or this share of the last `window` records (once there are so many)."""

    consecutive: int
    ratio: float
    window: int


class Breaker:
    """Counts outcomes of one shard's records. Pure; `dump` and `load` carry the counts over a restart."""

    def __init__(self, rule: BreakerRule) -> None:
        self._rule = rule
        self._recent: deque[bool] = deque(maxlen=rule.window)
        self._excused = False

    def record(self, *, failed: bool) -> bool:
        """Count one outcome; True: too many have failed now."""
        self._excused = self._excused and failed
        if self._excused:
            return False
        self._recent.append(failed)
        return failed and self.tripped

    @property
    def tripped(self) -> bool:
        """Tell whether the rule is broken."""
        in_a_row = 0
        for failed in reversed(self._recent):
            if not failed:
                break
            in_a_row += 1
        full = len(self._recent) == self._rule.window
        return in_a_row >= self._rule.consecutive or (full and sum(self._recent) / len(self._recent) > self._rule.ratio)

    def excuse(self) -> None:
        """Start counting anew with the next success: a probe has shown that a record behind the failures passes."""
        self._recent.clear()
        self._excused = True

    def dump(self) -> bytes | None:
        """Return the counts as a row; None when nothing has failed lately."""
        return bytes(48 + failed for failed in self._recent) if any(self._recent) else None

    def load(self, row: bytes | None) -> None:
        """Take over the counts of the former owner."""
        self._recent.clear()
        self._recent.extend(digit == ord("1") for digit in row or b"")
