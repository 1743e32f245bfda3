"""Time that passes only when nobody has anything left to do: hours of waiting run in milliseconds."""

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class StuckError(Exception):
    """Everyone waits and nothing will ever happen."""


class _Selector(selectors.DefaultSelector):
    """Instead of waiting moves the loop's time forward."""

    elapsed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready now, else let the time pass."""
        ready = super().select(0)
        if not ready and timeout is None:
            raise StuckError("every task waits, none for the clock")
        if not ready and timeout is not None and timeout > 0:
            self.elapsed += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is the selector's."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Return the seconds that have passed."""
        return self._virtual.elapsed


class VirtualClock:
    """The loop's time as a Clock."""

    def now(self) -> datetime:
        """Return the current instant."""
        return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
