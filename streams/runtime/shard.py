"""One owned partition: take it over, keep its state, commit what was done for it.

Everything a stateful role writes goes through `commit`: outputs, state rows and the input offset become visible
together in one Kafka transaction, or not at all. A transaction is open only inside the committer, never across
computation or calls.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from streams import metrics
from streams.runtime.broker import Broker
from streams.runtime.exits import die
from streams.runtime.store import Meta, Store
from streams.runtime.types import Output, Rows, ShardLostError

POSITION = b"\x00position"
TIMEOUT = 9.0
HALF_DELETE_RETENTION = 15 * 24 * 3600.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Unit:
    """Outputs, rows and offset that become visible together."""

    number: int
    outputs: Sequence[Output]
    rows: Rows
    next_offset: int | None
    done: "asyncio.Future[None]"


class Shard:
    """The owner's side of one partition.

    Args:
        broker: what the application's shards share.
        partition: which one.
        store: its local state.
        executor: for the blocking parts.
        fresh: tells whether this process has spoken to the group within the session timeout.
        now: seconds since the epoch.
    """

    def __init__(
        self,
        broker: Broker,
        partition: int,
        store: Store,
        executor: Executor,
        fresh: Callable[[], bool],
        now: Callable[[], float] = time.time,
    ) -> None:
        self.partition = partition
        self.lost = False
        self.committed = 0
        self._broker = broker
        self._store = store
        self._executor = executor
        self._fresh = fresh
        self._now = now
        self._state_offset = 0
        self._numbers = 0
        self._queue: list[Unit] = []
        self._running: list[Unit] = []
        self._wanted = asyncio.Event()
        self._writing = threading.Lock()
        self._committer: asyncio.Task[None] | None = None

    def take_over(self, cancelled: threading.Event) -> int | None:
        """Fence the former owner and restore the state; return the offset to read from, None for the beginning.

        Blocks; runs beside the loop. Once `cancelled` is set nobody is fenced any more.

        Raises:
            ShardLostError: cancelled; `let_go` is still to be called.
            KafkaException: Kafka cannot do it now.
        """
        began = time.monotonic()
        self._producer = self._broker.producer(self.partition, self._producer_failed)
        if cancelled.is_set():
            raise ShardLostError
        self._producer.init_transactions(TIMEOUT)
        rows = self._restore(cancelled)
        stored = self._store.get(POSITION)
        committed = self._broker.committed(self.partition)
        if committed is None and stored is not None:
            committed = int(stored)
            logger.warning("partition %d: group offset is gone, the store's %d holds", self.partition, committed)
        self.committed = committed or 0
        seconds = time.monotonic() - began
        metrics.RESTORE_SECONDS.labels(self._broker.application.name).observe(seconds)
        logger.info("partition %d taken over at %s: %d rows read, %.2f s", self.partition, committed, rows, seconds)
        return committed

    def _producer_failed(self, error: KafkaError) -> None:
        if error.fatal() and not self.lost:
            die(f"partition {self.partition}: {error.str()}")

    def _restore(self, cancelled: threading.Event) -> int:
        broker = self._broker
        end = broker.state_end(self.partition)
        start = self._store.open(broker.cluster, broker.state_topic_id, end, HALF_DELETE_RETENTION)
        self._state_offset = start or 0
        read = 0
        for messages in broker.state_rows(self.partition, start):
            read += len(messages)
            rows = {message.key() or b"": message.value() for message in messages}
            if messages:
                self._state_offset = (messages[-1].offset() or 0) + 1
            self._store.write(rows, self._meta())
            if cancelled.is_set():
                raise ShardLostError
        return read

    def _meta(self) -> Meta:
        return Meta(self._broker.cluster, self._broker.state_topic_id, self._state_offset, self._now())

    def start(self) -> None:
        """Begin to commit; on the event loop."""
        self._committer = asyncio.create_task(self._commit_units(), name=f"committer-{self.partition}")
        self._committer.add_done_callback(self._committer_ended)

    def _committer_ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            die(f"partition {self.partition}: {error!r}", error)

    def get(self, key: bytes) -> bytes | None:
        """Return a row, the latest queued or committed.

        Raises:
            ShardLostError: the state is another's now.
        """
        self._check_ours()
        return self._store.get(key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows whose key starts with `prefix`, in key order, as of now.

        Raises:
            ShardLostError: the state is another's now.
        """
        self._check_ours()
        return self._store.scan(prefix)

    def _check_ours(self) -> None:
        if self.lost:
            raise ShardLostError

    @property
    def alive(self) -> bool:
        """False once the partition is lost, or may be: this process has not polled within the session timeout."""
        return not self.lost and self._fresh()

    async def commit(self, outputs: Sequence[Output], rows: Rows, next_offset: int | None = None) -> None:
        """Make one unit durable; see `StateShard.commit`."""
        self._check_ours()
        self._numbers += 1
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._store.queue(rows, self._numbers)
        self._queue.append(Unit(self._numbers, outputs, rows, next_offset, done))
        self._wanted.set()
        # Shielded: a caller that is cancelled takes back nothing, and `close` still waits for the unit.
        await asyncio.shield(done)

    async def _commit_units(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._queue:
                self._running, self._queue = self._queue, []
                committed = await loop.run_in_executor(self._executor, self._commit_group, self._running)
                self._settle(self._running, committed)
                self._running = []

    def _settle(self, units: Sequence[Unit], committed: bool) -> None:
        if committed and not self.lost:
            self._store.settle(units[-1].number)
        for unit in units:
            if unit.next_offset is not None and committed:
                self.committed = unit.next_offset
            if unit.done.done():
                continue
            if committed and not self.lost:
                unit.done.set_result(None)
            else:
                unit.done.set_exception(ShardLostError())

    def _commit_group(self, units: Sequence[Unit]) -> bool:
        """Commit units in one transaction; False: the shard was lost meanwhile. Anything else ends the process."""
        began = time.monotonic()
        try:
            with self._writing:
                if self.lost:
                    return False
                self._transact(units)
        except Exception as error:  # noqa: BLE001  whatever went wrong, only a new owner may go on
            if self.lost:
                return False
            die(f"partition {self.partition}: commit failed: {error}", error)
        app = self._broker.application.name
        metrics.COMMITS.labels(app).inc()
        metrics.COMMIT_SECONDS.labels(app).observe(time.monotonic() - began)
        for unit in units:
            for output in unit.outputs:
                metrics.RECORDS_OUT.labels(app, output.topic).inc()
        return True

    def _transact(self, units: Sequence[Unit]) -> None:
        offsets = [unit.next_offset for unit in units if unit.next_offset is not None]
        rows: dict[bytes, bytes | None] = {}
        self._producer.begin_transaction()
        for unit in units:
            rows.update(unit.rows)
            for output in unit.outputs:
                self._produce(output)
        if offsets:
            rows[POSITION] = b"%d" % offsets[-1]
        topic = self._broker.application.state_topic
        for key, value in rows.items():
            self._produce(Output(topic, self.partition, key, value), self._row_written)
        if self._producer.flush(TIMEOUT):
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "records were not delivered in time"))  # noqa: SLF001  librdkafka's own code
        if offsets:
            at = TopicPartition(self._broker.application.topic, self.partition, offsets[-1])
            self._producer.send_offsets_to_transaction([at], self._broker.group_metadata, TIMEOUT)
        self._producer.commit_transaction(TIMEOUT)
        self._store.write(rows, self._meta())

    def _produce(self, output: Output, written: Callable[[KafkaError | None, Message], None] | None = None) -> None:
        while True:
            try:
                self._producer.produce(
                    output.topic,
                    output.value,
                    output.key,
                    output.partition,
                    on_delivery=written,
                    headers=list(output.headers),
                )
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def _row_written(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self._state_offset = max(self._state_offset, (message.offset() or 0) + 1)

    async def close(self, grace: float) -> None:
        """Finish what is queued within `grace` seconds, then let go: later errors of this shard are dropped."""
        waiting = [unit.done for unit in (*self._running, *self._queue)]
        if waiting and grace > 0:
            await asyncio.wait(waiting, timeout=grace)
        self.lost = True
        if self._committer is not None:
            self._committer.cancel()
        for unit in (*self._running, *self._queue):
            if not unit.done.done():
                unit.done.set_exception(ShardLostError())
            unit.done.exception()
        self._queue = []

    def let_go(self) -> None:
        """Close the state and the producer once a commit that is under way has ended. Blocks."""
        with self._writing:
            self._store.close()
            try:
                self._producer.close()
            except KafkaException as error:
                # It aborts a transaction left open, which a producer that was fenced meanwhile cannot.
                logger.info("partition %d: let go with an open transaction: %s", self.partition, error)
