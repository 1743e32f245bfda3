"""Time, passed in so that tests can stand still."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What a sandbox asks of time."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        await asyncio.sleep(seconds)


_ahead: ContextVar[timedelta] = ContextVar("ahead", default=timedelta())


@contextmanager
def ahead(seconds: float) -> Iterator[None]:
    """Within this the vendor's clock is so many seconds ahead of the sandbox's, or behind it."""
    token = _ahead.set(timedelta(seconds=seconds))
    try:
        yield
    finally:
        _ahead.reset(token)


class VendorClock:
    """The clock a vendor looks at: the sandbox's, but for calls that the fault `clock_skew` strikes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        return self._clock.now() + _ahead.get()

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        await self._clock.sleep(seconds)
