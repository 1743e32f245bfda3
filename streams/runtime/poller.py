"""The thread that talks to Kafka's consumer: polls, hands records to the loop, obeys pause and resume."""

import logging
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from streams.runtime.exits import die

POLL_SECONDS = 0.02
BATCH = 10_000
HARMLESS = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001  librdkafka's own codes: it reconnects by itself
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError._RESOLVE,  # noqa: SLF001
        KafkaError._TIMED_OUT,  # noqa: SLF001
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
    }
)

logger = logging.getLogger(__name__)
Order = Callable[[list[TopicPartition]], None]


class Listener(Protocol):
    """Who hears of the consumer's life. All but `revoked` return at once; called in the poller's thread."""

    def assigned(self, partitions: Sequence[int]) -> None:
        """These partitions are ours now; they stay paused until `Poller.begin`."""
        ...

    def revoked(self, partitions: Sequence[int], *, lost: bool) -> None:
        """These are another's as soon as this returns; `lost`: they already are."""
        ...

    def received(self, messages: Mapping[int, Sequence[Message]]) -> None:
        """Records by partition, in order."""
        ...

    def ended(self, partition: int, offset: int) -> None:
        """The end of a partition was reached; `offset` is where the next record will be."""
        ...


class Poller:
    """One consumer of one topic in the application's group, cooperative, read_committed.

    Args:
        config: librdkafka settings, group included.
        topic: what to read.
        listener: who hears of it.
    """

    def __init__(self, config: Mapping[str, object], topic: str, listener: Listener) -> None:
        self.last_poll = time.monotonic()
        # The last known end offset of each partition, for lag.
        self.ends: dict[int, int] = {}
        self._consumer = Consumer(dict(config))
        self._topic = topic
        self._listener = listener
        self._orders: queue.SimpleQueue[tuple[TopicPartition, Order]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)

    def start(self) -> None:
        """Join the group and begin to poll."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the group; blocks until that is done."""
        self._stopping.set()
        self._thread.join()

    def begin(self, partition: int, offset: int | None) -> None:
        """Read an assigned partition from `offset`, None: from its beginning."""
        self._orders.put((self._at(partition, OFFSET_BEGINNING if offset is None else offset), self._seek))

    def pause(self, partition: int) -> None:
        """Stop reading a partition for a while."""
        self._orders.put((self._at(partition), self._consumer.pause))

    def resume(self, partition: int) -> None:
        """Read on."""
        self._orders.put((self._at(partition), self._consumer.resume))

    def _at(self, partition: int, offset: int = OFFSET_INVALID) -> TopicPartition:
        return TopicPartition(self._topic, partition, offset)

    def _seek(self, partitions: list[TopicPartition]) -> None:
        for at in partitions:
            self._consumer.seek(at)
            self._consumer.resume([self._at(at.partition)])

    def _obey(self) -> None:
        for _ in range(self._orders.qsize()):
            at, order = self._orders.get_nowait()
            try:
                order([at])
            except KafkaException as error:
                logger.debug("order not carried out: %s", error)
                # Either it is not fetched yet, or it was taken away between the order and now.
                if any(ours.partition == at.partition for ours in self._consumer.assignment()):
                    self._orders.put((at, order))

    def _run(self) -> None:
        try:
            self._consumer.subscribe(
                [self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
            )
            while not self._stopping.is_set():
                self._obey()
                self._take()
            self._consumer.close()
        except Exception as error:  # noqa: BLE001  a dead poller would look like an idle topic
            die(f"poller: {error}")

    def _take(self) -> None:
        messages = self._consumer.consume(1, POLL_SECONDS)
        self.last_poll = time.monotonic()
        if not messages:
            return
        messages += self._consumer.consume(BATCH, 0)
        records: defaultdict[int, list[Message]] = defaultdict(list)
        ends = []
        for message in messages:
            error = message.error()
            if error is None:
                records[message.partition() or 0].append(message)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  librdkafka's own code
                ends.append((message.partition() or 0, message.offset() or 0))
            else:
                self._failed(error)
        if records:
            self._note_ends(records)
            self._listener.received(records)
        for partition, offset in ends:
            self._listener.ended(partition, offset)

    def _note_ends(self, partitions: Iterable[int]) -> None:
        # Only ever in this thread: from another one librdkafka's lock and Python's can deadlock.
        for partition in partitions:
            self.ends[partition] = self._consumer.get_watermark_offsets(self._at(partition), cached=True)[1]

    @staticmethod
    def _failed(error: KafkaError) -> None:
        if error.code() in HARMLESS:
            logger.warning("consumer: %s", error.str())
            return
        die(f"consumer: {error.str()}")

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for at in partitions:
            at.offset = OFFSET_BEGINNING
        consumer.incremental_assign(partitions)
        consumer.pause(partitions)
        self._listener.assigned([at.partition for at in partitions])

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._listener.revoked([at.partition for at in partitions], lost=False)
        consumer.incremental_unassign(partitions)

    def _lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._listener.revoked([at.partition for at in partitions], lost=True)
        consumer.incremental_unassign(partitions)
