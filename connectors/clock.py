"""The two clocks: the system's, and one that a test moves by hand."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's time and asyncio's sleep."""

    def now(self) -> datetime:
        """Return the current instant, aware, UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class ManualClock:
    """Time that stands still until `advance`; whoever sleeps is woken when the moved time passes his hour."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = 0

    def now(self) -> datetime:
        """Return the instant the test has reached."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has moved the time by `seconds`."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), self._order, waiter))
        await waiter

    @property
    def sleepers(self) -> int:
        """How many tasks are asleep now."""
        return sum(not waiter.done() for _, _, waiter in self._sleepers)

    def advance(self, seconds: float) -> None:
        """Move the time forward and wake those who are due, earliest first; they run when the caller next awaits."""
        self._now += timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, waiter = heapq.heappop(self._sleepers)
            if not waiter.done():
                waiter.set_result(None)
