"""Ends a process that no longer gets on: a stuck loop, a stuck consumer, a shard that should commit and does not."""

import asyncio
import threading
import time

from streams.runtime.exits import die
from streams.runtime.log import Log

LOOK_SECONDS = 1.0


class Watchdog:
    """A thread beside the loop.

    Paused shards, those that restore or wait for the registry and those with an open breaker may stand still.

    Args:
        log: what to watch.
        stall_seconds: how long a shard that is behind may go without a commit, and the loop or consumer without a turn.
    """

    def __init__(self, log: Log, stall_seconds: float) -> None:
        self._log = log
        self._stall_seconds = stall_seconds
        self._turned = time.monotonic()
        self._awake = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch; on the loop."""
        self._loop = asyncio.get_running_loop()
        self._turn()
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()

    @property
    def loop_age(self) -> float:
        """Return seconds since the loop last turned."""
        return time.monotonic() - self._turned

    def _turn(self) -> None:
        self._turned = time.monotonic()
        if not self._stop.is_set():
            self._loop.call_later(LOOK_SECONDS, self._turn)

    def _run(self) -> None:
        before = time.monotonic()
        while not self._stop.wait(LOOK_SECONDS):
            now = time.monotonic()
            if now - before > self._stall_seconds / 2:
                # The whole process was stopped and goes on: nothing has had its turn yet.
                self._awake = now
            before = now
            if (reason := self._complaint(now)) is not None:
                die(f"watchdog: {reason}")

    def _complaint(self, now: float) -> str | None:
        if (still := self._still(now, self._turned)) > self._stall_seconds:
            return f"the event loop has not turned for {still:.0f} s"
        if (still := self._still(now, self._log.last_poll)) > self._stall_seconds:
            return f"the consumer has not polled for {still:.0f} s"
        for partition, feed in list(self._log.feeds.items()):
            still = self._still(now, feed.progress)
            if not feed.waits and not feed.caught_up and still > self._stall_seconds:
                return f"partition {partition} is behind and has not committed for {still:.0f} s"
        return None

    def _still(self, now: float, since: float) -> float:
        return now - max(since, self._awake)
