"""Waiting for a change or for a while, whichever comes first."""

import asyncio

from connectors.ports import Clock


class Pulse:
    """Wakes everyone who waits; whoever wakes looks again at what he waited for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._event = asyncio.Event()

    def beat(self) -> None:
        """Wake all who wait now."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, seconds: float | None = None) -> None:
        """Return at the next beat, or after `seconds` if that is earlier."""
        beat = asyncio.ensure_future(self._event.wait())
        if seconds is None:
            await beat
            return
        sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait((beat, sleep), return_when=asyncio.FIRST_COMPLETED)
        finally:
            beat.cancel()
            sleep.cancel()
            await asyncio.gather(beat, sleep, return_exceptions=True)
