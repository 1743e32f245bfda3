"""Feeds chunks of one topic to a Faust channel, shard by shard, and commits what the agent made of them.

librdkafka reads (`poller.py`), Faust runs the agent, `Shard` commits. A shard computes one chunk at a time while the
one before is being committed; chunk size follows the backlog.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faust
from confluent_kafka import Message
from mode import Service

from connectors.errors import RetryableError, UnknownSchemaError
from streams import metrics
from streams.runtime import gauges
from streams.runtime.breaker import Breaker, BreakerRule
from streams.runtime.broker import Broker
from streams.runtime.exits import die
from streams.runtime.feed import Chunk, Feed, record_of
from streams.runtime.guard import Guard, Handler, Work, WorkerCrashedError, count_committed
from streams.runtime.ownership import FENCING_SECONDS, LEAVE_SECONDS, Ownership
from streams.runtime.pace import Pace
from streams.runtime.poller import Poller
from streams.runtime.shard import Shard
from streams.runtime.store import StoreError
from streams.runtime.tries import TRYING, Tries, Trying
from streams.runtime.types import ShardLostError

BREAKER = b"\x00breaker"
EOF_COMMIT_SECONDS = 0.5
TEND_SECONDS = 0.25
REGISTRY_WAIT_SECONDS = 1.0
PROBE_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
PROBE_RECORDS = 200
# Two chunks may be computed and not committed when a process dies, and every record may have a marker behind it.
IN_FLIGHT = 4

logger = logging.getLogger(__name__)
ShardHook = Callable[[Shard], Awaitable[None]]


async def _nothing(_shard: Shard) -> None:
    """Do nothing when a shard comes or goes."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """How chunks are made.

    Attributes:
        state_dir: this process's own directory of shard stores.
        max_chunk: records in one chunk at most.
        chunk_seconds: what a chunk may take.
        breaker: when to pause because too many records fail.
        session_timeout_ms: of the consumer group.
    """

    state_dir: Path
    max_chunk: int
    chunk_seconds: float
    breaker: BreakerRule
    session_timeout_ms: int


class Log(Service):
    """The application's topic as a channel of chunks.

    Args:
        app: whose agents read `channel`.
        broker: of the same application, connected.
        guard: wraps each record.
        options: how chunks are made.
        gained: called when a shard is ours and restored, before its first record.
        losing: called when a shard goes; must end what runs for it at once.
        committed: called when a chunk of a shard is committed.
    """

    def __init__(
        self,
        app: faust.App,
        broker: Broker,
        guard: Guard,
        options: LogOptions,
        gained: ShardHook = _nothing,
        losing: ShardHook = _nothing,
        committed: Callable[[Shard], None] = lambda _: None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.channel = app.channel()
        self.feeds: dict[int, Feed] = {}
        self._app = app
        self._broker = broker
        self._guard = guard
        self._options = options
        self._gained = gained
        self._losing = losing
        self._committed = committed
        self._pace = Pace(options.chunk_seconds, options.max_chunk)
        # Each partition may be committed here and be let go, or taken over again, at the same time.
        self._executor = ThreadPoolExecutor(2 * broker.partitions, thread_name_prefix="shard")
        self._work = asyncio.Event()
        self._joined = False
        self.ownership = Ownership(broker, options.state_dir, self._executor, self._fresh, self._opened, self._closing)
        self._poller = Poller(self._consumer_config(), broker.application.topic, self)

    async def on_start(self) -> None:
        """Join the group."""
        self._here = asyncio.get_running_loop()
        self._poller.start()
        self.add_future(self._feed())
        self.add_future(self._tend())
        # Without its own Kafka consumer Faust never gives its agents the go-ahead.
        self._app.flow_control.resume()

    def _consumer_config(self) -> Mapping[str, object]:
        return self._broker.config(
            {
                "group.id": self._broker.application.name,
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "isolation.level": "read_committed",
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": self._options.session_timeout_ms,
                "heartbeat.interval.ms": 1000,
                "max.poll.interval.ms": 60_000,
                "fetch.wait.max.ms": 50,
                "queued.max.messages.kbytes": 16_384,
                "enable.partition.eof": True,
            }
        )

    async def on_stop(self) -> None:
        """Leave the group; what runs gets its second."""
        await self._here.run_in_executor(None, self._poller.stop)
        await self.ownership.settled()
        self._executor.shutdown(wait=False)

    def problems(self) -> Sequence[str]:
        """Return why this process is not ready, in sentences; nothing: it is."""
        found = [f"partition {partition} is being taken over" for partition in self._taking()]
        found += [f"partition {p} waits: {feed.waits}" for p, feed in self.feeds.items() if feed.waits]
        if not self._joined:
            found.append("has not joined the group yet")
        return found

    def _taking(self) -> Sequence[int]:
        return [partition for partition, taking in self.ownership.taking.items() if not taking.task.done()]

    @property
    def last_poll(self) -> float:
        """Return when the consumer last polled, on the monotonic clock."""
        return self._poller.last_poll

    def _fresh(self) -> bool:
        return time.monotonic() - self.last_poll < self._options.session_timeout_ms / 1000

    # -- what the consumer says, in the poller's thread

    def assigned(self, partitions: Sequence[int]) -> None:
        """Take the partitions over, each beside the loop."""
        self._joined = True
        self._here.call_soon_threadsafe(self.ownership.begin, partitions)

    def revoked(self, partitions: Sequence[int], *, lost: bool) -> None:
        """Let the partitions go; returns when they may be another's."""
        self.ownership.cancel(partitions)
        dropped = asyncio.run_coroutine_threadsafe(self.ownership.drop(partitions, lost=lost), self._here)
        dropped.result(LEAVE_SECONDS + FENCING_SECONDS + 5)

    def received(self, messages: Mapping[int, Sequence[Message]]) -> None:
        """Hand records to the loop."""
        self._here.call_soon_threadsafe(self._append, messages)

    def ended(self, partition: int, offset: int) -> None:
        """Hand the end of a partition to the loop."""
        self._here.call_soon_threadsafe(self._at_end, partition, offset)

    async def _opened(self, shard: Shard, offset: int | None) -> None:
        tries = Tries(Trying.load(shard.get(TRYING)), IN_FLIGHT * self._options.max_chunk)
        feed = Feed(shard, tries, Breaker(self._options.breaker), offset or 0)
        feed.breaker.load(shard.get(BREAKER))
        self.feeds[shard.partition] = feed
        await self._gained(shard)
        self._poller.begin(shard.partition, offset)

    async def _closing(self, shard: Shard) -> None:
        self.feeds.pop(shard.partition, None)
        gauges.forget(self._broker.application.name, shard.partition)
        await self._losing(shard)

    # -- feeding

    def _append(self, messages: Mapping[int, Sequence[Message]]) -> None:
        for partition, batch in messages.items():
            feed = self.feeds.get(partition)
            if feed is None:
                continue
            feed.append(batch)
            if not feed.paused and len(feed.pending) > 2 * self._options.max_chunk:
                feed.paused = True
                self._poller.pause(partition)
        self._work.set()

    def _at_end(self, partition: int, offset: int) -> None:
        if (feed := self.feeds.get(partition)) is not None:
            feed.at_end(offset)

    async def _feed(self) -> None:
        while not self.should_stop:
            await self._work.wait()
            self._work.clear()
            for feed in list(self.feeds.values()):
                if feed.ready:
                    chunk = feed.take(self._pace.limit)
                    if chunk.trying is None:
                        await self.channel.send(value=chunk)
                    else:
                        self.ownership.tasks.spawn(self._announce(chunk, chunk.trying))
                if feed.paused and len(feed.pending) < self._options.max_chunk:
                    feed.paused = False
                    self._poller.resume(feed.shard.partition)

    async def process(self, chunk: Chunk, handler: Handler) -> None:
        """Compute a chunk and queue its commit; the next one may begin before that is done."""
        try:
            began = time.monotonic()
            work = await self._compute(chunk, handler)
            self._observe(chunk, work, time.monotonic() - began)
            self._finish(chunk, work)
            if work.tripped:
                self._pause_for_breaker(chunk, work, handler)
        except ShardLostError:
            return
        except (UnknownSchemaError, RetryableError) as error:
            self._wait_for_registry(chunk, error)
        except (Exception, StoreError) as error:  # noqa: BLE001  Faust would restart its agent without this chunk
            die(f"partition {chunk.feed.shard.partition}: {error}", error)
        finally:
            self._work.set()

    async def _announce(self, chunk: Chunk, trying: bytes) -> None:
        """Commit that this chunk is tried, then have it computed."""
        try:
            await chunk.feed.shard.commit((), {TRYING: trying})
        except ShardLostError:
            return
        await self.channel.send(value=chunk)

    async def _compute(self, chunk: Chunk, handler: Handler) -> Work:
        first = chunk.records[0]
        count = chunk.feed.tries.given_up(first.offset)
        if count is not None:
            error = WorkerCrashedError(f"the worker died {count} times while it worked on this record")
            return Work(list(self._guard.dead_letter(first, error, count)), count=1)
        return await self._guard.run(chunk.records, chunk.feed.shard, handler, chunk.feed.breaker)

    def _observe(self, chunk: Chunk, work: Work, seconds: float) -> None:
        app = self._broker.application.name
        self._pace.observe(len(chunk.records), seconds)
        metrics.RECORDS_IN.labels(app).inc(work.count)
        metrics.CHUNK_RECORDS.labels(app).observe(len(chunk.records))
        metrics.CHUNK_SECONDS.labels(app).observe(seconds)

    def _finish(self, chunk: Chunk, work: Work) -> None:
        """Commit what the chunk came to, beside the next chunk unless this one was announced."""
        feed = chunk.feed
        counts = feed.breaker.dump()
        if counts != feed.shard.get(BREAKER):
            work.rows[BREAKER] = counts
        if work.tripped and chunk.trying is not None:
            work.rows[TRYING] = None  # it did not kill the process
        feed.busy = chunk.trying is not None
        feed.committing += 1
        self.ownership.tasks.spawn(self._commit(chunk, work))

    async def _commit(self, chunk: Chunk, work: Work) -> None:
        feed = chunk.feed
        offset = chunk.records[work.count - 1].offset + 1 if work.count else None
        try:
            await feed.shard.commit(work.outputs, work.rows, offset)
            feed.progress = time.monotonic()
            count_committed(self._broker.application.name, work.outputs)
            self._committed(feed.shard)
        except ShardLostError:
            return
        finally:
            feed.committing -= 1
            if chunk.trying is not None:
                feed.busy = False
            self._work.set()

    # -- waiting

    def _wait_for_registry(self, chunk: Chunk, error: Exception) -> None:
        feed = chunk.feed
        logger.warning("partition %d waits for the registry: %s", feed.shard.partition, error)
        chunk.give_back(0)
        feed.busy = False
        feed.waits = "registry"
        self._here.call_later(REGISTRY_WAIT_SECONDS, self._go_on, feed)
        if chunk.trying is not None:
            self.ownership.tasks.spawn(self._survived(feed))

    async def _survived(self, feed: Feed) -> None:
        """Take back that a chunk is tried: it waits, it did not kill the process."""
        with suppress(ShardLostError):
            await feed.shard.commit((), {TRYING: None})

    def _go_on(self, feed: Feed) -> None:
        feed.waits = ""
        feed.progress = time.monotonic()
        self._work.set()

    def _pause_for_breaker(self, chunk: Chunk, work: Work, handler: Handler) -> None:
        chunk.give_back(work.count)
        chunk.feed.waits = gauges.BREAKER_WAIT
        logger.error(
            "partition %d: too many records fail, pausing at %d", chunk.feed.shard.partition, chunk.feed.position
        )
        self.ownership.tasks.spawn(self._probe(chunk.feed, handler))

    async def _probe(self, feed: Feed, handler: Handler) -> None:
        """Try waiting records singly, keeping nothing, until one passes."""
        for attempt in range(10**9):
            await asyncio.sleep(PROBE_SECONDS[min(attempt, len(PROBE_SECONDS) - 1)])
            if feed.shard.lost:
                return
            ahead = [record_of(message) for message in list(feed.pending)[:PROBE_RECORDS]]
            if self._guard.passes(ahead, feed.shard, handler):
                break
        feed.breaker.excuse()
        self._go_on(feed)

    async def _tend(self) -> None:
        """Commit the end offset once a partition has been idle, and show the lag."""
        while not self.should_stop:
            await self.sleep(TEND_SECONDS)
            taking = len(self._taking())
            gauges.show(self._broker.application.name, self.feeds, self._poller.ends, taking)
            for feed in list(self.feeds.values()):
                idle = feed.caught_up and time.monotonic() - feed.end_seen > EOF_COMMIT_SECONDS
                if idle and feed.end is not None and feed.end > feed.shard.committed:
                    feed.position = feed.end
                    self.ownership.tasks.spawn(self._commit_end(feed, feed.end))

    async def _commit_end(self, feed: Feed, offset: int) -> None:
        feed.committing += 1
        try:
            await feed.shard.commit((), {}, offset)
        except ShardLostError:
            return
        finally:
            feed.committing -= 1
