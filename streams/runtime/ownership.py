"""Which partitions are this process's: taking over beside the loop, letting go within a second."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException

from streams.runtime.broker import Broker
from streams.runtime.exits import die
from streams.runtime.shard import Shard
from streams.runtime.store import Store
from streams.runtime.types import ShardLostError

LEAVE_SECONDS = 1.0
FENCING_SECONDS = 10.0


class Tasks:
    """Background work of the loop; any unexpected failure ends the process."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run `work` beside the caller."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            die(f"{task.get_coro()}: {error!r}", error)


@dataclass(frozen=True, slots=True)
class TakeOver:
    """A partition that is being taken over; `cancelled` stops it before it fences anyone."""

    cancelled: threading.Event
    task: "asyncio.Task[None]"


class Ownership:
    """Follows the group's decisions.

    Args:
        broker: of the application.
        state_dir: this process's own directory of shard stores.
        executor: for blocking parts.
        fresh: see `Shard`.
        opened: called with a restored shard and the offset to read from.
        closing: called when a shard goes; must end what runs for it at once.
    """

    def __init__(
        self,
        broker: Broker,
        state_dir: Path,
        executor: Executor,
        fresh: Callable[[], bool],
        opened: Callable[[Shard, int | None], Awaitable[None]],
        closing: Callable[[Shard], Awaitable[None]],
    ) -> None:
        self.taking: dict[int, TakeOver] = {}
        self.tasks = Tasks()
        self._broker = broker
        self._state_dir = state_dir
        self._executor = executor
        self._fresh = fresh
        self._opened = opened
        self._closing = closing
        self._shards: dict[int, Shard] = {}
        self._leaving: dict[int, asyncio.Future[None]] = {}

    def cancel(self, partitions: Sequence[int]) -> None:
        """Stop take-overs that have not fenced anyone yet; from any thread."""
        for partition in partitions:
            if (taking := self.taking.get(partition)) is not None:
                taking.cancelled.set()

    def begin(self, partitions: Sequence[int]) -> None:
        """Take partitions over, each beside the loop."""
        for partition in partitions:
            before = self.taking.get(partition)
            cancelled = threading.Event()
            task = self.tasks.spawn(self._take_over(partition, cancelled, before))
            self.taking[partition] = TakeOver(cancelled, task)

    async def _take_over(self, partition: int, cancelled: threading.Event, before: TakeOver | None) -> None:
        loop = asyncio.get_running_loop()
        if before is not None:
            await asyncio.wait([before.task])
        if (leaving := self._leaving.pop(partition, None)) is not None:
            await leaving
        store = Store(self._state_dir / f"p{partition}", time.time)
        shard = Shard(self._broker, partition, store, self._executor, self._fresh)
        offset = None
        try:
            offset = await loop.run_in_executor(self._executor, shard.take_over, cancelled)
        except (ShardLostError, KafkaException):
            if not cancelled.is_set():
                raise
        if cancelled.is_set():
            self._leaving[partition] = loop.run_in_executor(self._executor, shard.let_go)
            return
        shard.start()
        self._shards[partition] = shard
        self.taking.pop(partition, None)
        await self._opened(shard, offset)

    async def drop(self, partitions: Sequence[int], *, lost: bool) -> None:
        """Let partitions go; what runs gets a second, unless they are another's already."""
        self.cancel(partitions)  # again: a take-over may have begun since the poller asked
        # A take-over that is fencing right now must end before the group hears of us, or it would fence the next owner.
        fencing = [taking.task for partition in partitions if (taking := self.taking.get(partition)) is not None]
        if fencing and not lost:
            await asyncio.wait(fencing, timeout=FENCING_SECONDS)
        going = [shard for partition in partitions if (shard := self._shards.pop(partition, None)) is not None]
        await asyncio.gather(*(self._part(shard, lost=lost) for shard in going))

    async def _part(self, shard: Shard, *, lost: bool) -> None:
        await asyncio.gather(self._closing(shard), shard.close(0 if lost else LEAVE_SECONDS))
        loop = asyncio.get_running_loop()
        self._leaving[shard.partition] = loop.run_in_executor(self._executor, shard.let_go)

    async def settled(self) -> None:
        """Wait until everything that was let go is closed."""
        await asyncio.gather(*self._leaving.values())
