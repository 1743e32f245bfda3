"""Reads a whole topic and goes on: every partition, in a thread of its own, told record by record in the event loop."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition

from connectors.errors import RetryableError, UnknownSchemaError
from connectors.kafka.client import KafkaSettings, explain, reader_config
from connectors.kafka.topics import Topic

POLL_SECONDS = 0.1
BATCH = 500
RETRY_SECONDS = 1.0
START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A record as it was read; `value` None is a tombstone."""

    key: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Waiter:
    """Who waits for everything before an offset."""

    partition: int
    offset: int
    done: asyncio.Event

    def over(self, positions: Mapping[int, int]) -> bool:
        """Tell whether it is reached."""
        return positions.get(self.partition, -1) >= self.offset


class Follower:
    """Reads one topic.

    Args:
        kafka: the cluster.
        topic: to read.
        client_id: names the consumer at the brokers.
        read: called with each record in the reader's thread, returns what is to be done in the event loop. For a
            schema that it lacks it is called again.
        what: the records in the plural, for messages.
        since: begins with records of that instant (milliseconds), None: from the beginning.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        topic: Topic,
        client_id: str,
        read: Callable[[Entry], Callable[[], None]],
        *,
        what: str,
        since: Callable[[], int] | None = None,
    ) -> None:
        self._kafka = kafka
        self._topic = topic
        self._client_id = client_id
        self._understand = read
        self._what = what
        self._since = since
        self._loaded = asyncio.Event()
        self._stopping = threading.Event()
        self._reader: asyncio.Task[None] | None = None
        self._waits_for: str | None = None
        self._positions: dict[int, int] = {}
        self._waiters: list[Waiter] = []

    async def start(self) -> None:
        """Begin to read. `wait_ready` tells when the end is reached."""
        self._reader = asyncio.create_task(asyncio.to_thread(self._read, asyncio.get_running_loop()))

    async def wait_ready(self) -> None:
        """Return when everything that was in the topic is known.

        Raises:
            KafkaException: the topic cannot be read.
        """
        if self._reader is None:
            raise RuntimeError("not started")
        loaded = asyncio.create_task(self._loaded.wait())
        try:
            await asyncio.wait({loaded, self._reader}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            loaded.cancel()
        if not self._loaded.is_set():
            self._reader.result()

    async def reached(self, partition: int, offset: int) -> None:
        """Return when everything before an offset is known."""
        waiter = Waiter(partition, offset, asyncio.Event())
        if not waiter.over(self._positions):
            self._waiters.append(waiter)
            await waiter.done.wait()

    async def failure(self) -> None:
        """Wait until the topic can be read no more.

        Raises:
            KafkaException: why.
        """
        if self._reader is not None:
            await asyncio.shield(self._reader)

    async def stop(self) -> None:
        """End the reading. An error it ended with is raised by `wait_ready` and told by `problem`, not here."""
        self._stopping.set()
        if self._reader is not None:
            await asyncio.wait({self._reader})

    @property
    def problem(self) -> str | None:
        """Why this is not to be relied upon; None: it is ready."""
        if self._waits_for is not None:
            return self._waits_for
        if self._reader is not None and self._reader.done():
            error = self._reader.exception()
            return f"{self._what} cannot be read: {_reason(error)}" if error else f"{self._what} are no longer read"
        return None if self._loaded.is_set() else f"{self._what} are being read"

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        consumer = Consumer(reader_config(self._kafka, self._client_id))
        try:
            open_ends = self._assign(consumer)
            while not self._stopping.is_set():
                # `consume` alone would wait for a whole batch, or its time.
                first = consumer.poll(POLL_SECONDS)
                messages = [] if first is None else [first, *consumer.consume(BATCH, 0)]
                entries, positions = self._look(messages, open_ends)
                actions = [action for entry in entries if (action := self._action(entry)) is not None]
                if positions or not self._loaded.is_set():
                    loop.call_soon_threadsafe(self._take, actions, positions, not open_ends)
        finally:
            consumer.close()

    def _assign(self, consumer: Consumer) -> set[int]:
        metadata = consumer.list_topics(self._topic.name, timeout=START_SECONDS).topics[self._topic.name]
        if metadata.error is not None:
            raise KafkaException(metadata.error)
        partitions = set(metadata.partitions)
        starts = [TopicPartition(self._topic.name, partition, OFFSET_BEGINNING) for partition in partitions]
        if self._since is not None:
            for start in starts:
                start.offset = self._since()
            starts = consumer.offsets_for_times(starts, timeout=START_SECONDS)
            for start in starts:
                start.offset = start.offset if start.offset >= 0 else OFFSET_END
        consumer.assign(starts)
        return partitions

    def _look(self, messages: Sequence[Message], open_ends: set[int]) -> tuple[list[Entry], dict[int, int]]:
        """Return what the messages say and where they lead; partitions whose end they mark leave `open_ends`."""
        entries: list[Entry] = []
        positions: dict[int, int] = {}
        for message in messages:
            error, partition, offset = message.error(), message.partition(), message.offset()
            if error is None and partition is not None and offset is not None:
                key, value = message.key(), message.value()
                entries.append(Entry(_text(key), value.encode() if isinstance(value, str) else value))
                positions[partition] = offset + 1
            elif error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  librdkafka's name
                if partition is not None and offset is not None:
                    open_ends.discard(partition)
                    positions[partition] = offset
            elif error is not None and (error.fatal() or not error.retriable()):
                raise KafkaException(error)
        return entries, positions

    def _action(self, entry: Entry) -> Callable[[], None] | None:
        """Return what a record asks for, once the registry answers."""
        while not self._stopping.is_set():
            try:
                action = self._understand(entry)
            except (UnknownSchemaError, RetryableError) as error:
                self._waits_for = f"{self._what} wait for the schema registry: {error}"
                self._stopping.wait(RETRY_SECONDS)
                continue
            self._waits_for = None
            return action
        return None

    def _take(self, actions: Sequence[Callable[[], None]], positions: Mapping[int, int], complete: bool) -> None:
        for action in actions:
            action()
        if complete:
            self._loaded.set()
        self._positions.update(positions)
        for waiter in [waiter for waiter in self._waiters if waiter.over(self._positions)]:
            self._waiters.remove(waiter)
            waiter.done.set()


def _text(key: str | bytes | None) -> str:
    return key.decode() if isinstance(key, bytes) else key or ""


def _reason(error: BaseException) -> str:
    return explain(error) if isinstance(error, KafkaException) else str(error)
