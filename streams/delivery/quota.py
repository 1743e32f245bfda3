"""The calls a vendor allows, counted in sliding windows; permits are leased in blocks that a new owner can count.

Calls are counted in spans of 1 % of a window, each as if made at the span's end: never too few, at most 1 % too long.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from connectors.ports import Window
from streams import metrics
from streams.delivery.rows import LedgerRow
from streams.delivery.watch import Watch

SPANS = 100
LEASE_SECONDS = 1.0
RENEW_SECONDS = 0.5
LEASE_SHARE = 0.02


class SlidingWindow:
    """How many calls were made in the last `seconds`; instants are seconds since the epoch."""

    def __init__(self, window: Window, spans: Iterable[tuple[float, int]] = ()) -> None:
        self.calls = window.calls
        self.seconds = window.seconds
        self.used = 0
        self._width = window.seconds / SPANS
        self._spans: deque[tuple[float, int]] = deque()
        for end, calls in spans:
            self._add(end, calls)

    def count(self, at: float) -> None:
        """Add a call made at `at`."""
        self._add((math.floor(at / self._width) + 1) * self._width, 1)

    def _add(self, end: float, calls: int) -> None:
        self.used += calls
        if self._spans and self._spans[-1][0] >= end:
            last, before = self._spans.pop()
            end, calls = last, before + calls
        self._spans.append((end, calls))

    def expire(self, now: float) -> None:
        """Forget what is longer ago than the window."""
        while self._spans and self._spans[0][0] + self.seconds <= now:
            self.used -= self._spans.popleft()[1]

    def wait(self, now: float, leased: int) -> float:
        """Return the seconds until one more call fits beside `leased` that may come at any time."""
        self.expire(now)
        excess = self.used + leased + 1 - self.calls
        if excess <= 0:
            return 0.0
        for end, calls in self._spans:
            excess -= calls
            if excess <= 0:
                return end + self.seconds - now
        return LEASE_SECONDS  # the leased ones are in the way: they are used or returned by then

    def spans(self) -> Sequence[tuple[float, int]]:
        """Return the ends of the spans and the calls made in each."""
        return tuple(self._spans)


class Quota:
    """The windows of one connection and the lease that is open."""

    def __init__(self, windows: Sequence[Window], row: LedgerRow | None) -> None:
        self.windows = [SlidingWindow(window, _known(row, window.seconds)) for window in windows]
        if row is not None and row.leased and row.lease_end is not None:
            for window in self.windows:
                for _ in range(row.leased):
                    window.count(row.lease_end.timestamp())
        self.lease_end = 0.0
        self._left = 0  # permits of the lease that nobody has
        self._out = 0  # permits handed out, neither used nor returned

    def wait(self, now: float) -> float:
        """Return the seconds until a permit may be had, 0 if one is there."""
        self._end_lease(now)
        if self._left and self.lease_end - now > RENEW_SECONDS:
            return 0.0
        return max((window.wait(now, self._out) for window in self.windows), default=0.0)

    def take(self, now: float) -> bool:
        """Hand out a permit after `wait` has returned 0; True: the lease is new and must be committed before use."""
        renewed = not self._left or self.lease_end - now <= RENEW_SECONDS
        if renewed:
            self._left = self._block(now)
            self.lease_end = now + LEASE_SECONDS
        self._left -= 1
        self._out += 1
        return renewed

    def use(self, now: float) -> None:
        """Count a handed out permit as a call made now."""
        self._out -= 1
        for window in self.windows:
            window.count(now)

    def give_back(self, now: float) -> None:
        """Return a permit that was not used."""
        self._out -= 1
        if now < self.lease_end:
            self._left += 1

    def row(self) -> LedgerRow:
        """Return what a new owner must know."""
        spans = [window.spans() for window in self.windows]
        return LedgerRow(
            seconds=[window.seconds for window in self.windows],
            ends=[[datetime.fromtimestamp(end, UTC) for end, _ in each] for each in spans],
            calls=[[calls for _, calls in each] for each in spans],
            leased=self._left + self._out,
            lease_end=datetime.fromtimestamp(self.lease_end, UTC) + timedelta(microseconds=1),
        )

    def _end_lease(self, now: float) -> None:
        if now >= self.lease_end:
            self._left = 0

    def _block(self, now: float) -> int:
        """Return how many permits the next lease has: 2 % of the tightest window, no more than are free."""
        block = min((int(window.calls * LEASE_SHARE) for window in self.windows), default=1)
        for window in self.windows:
            window.expire(now)
            block = min(block, window.calls - window.used - self._out)
        return max(1, block)


def _known(row: LedgerRow | None, seconds: float) -> Iterable[tuple[float, int]]:
    """Return the spans of the window of that length, else those of the longest: they hold all recent calls."""
    if row is None or not row.seconds:
        return ()
    lengths = list(row.seconds)
    index = lengths.index(seconds if seconds in lengths else max(lengths))
    return [(end.timestamp(), calls) for end, calls in zip(row.ends[index], row.calls[index], strict=True)]


REMAINING = Watch[SlidingWindow](metrics.QUOTA_REMAINING, min, lambda window: window.calls - window.used)
