"""What all shards of one application share of Kafka: settings, identity of cluster and changelog, committed offsets."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic, sleep
from typing import TypeVar

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from connectors.errors import FatalError

TIMEOUT = 15.0
AGAIN = 0.1
RESTORE_IDLE = 30.0
MOVING = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
    }
)
"""Errors of a broker that is not, or not yet, the one to ask (Kafka protocol guide, "Error codes", retriable)."""
T = TypeVar("T")
Config = dict[str, str | int | float | bool | Callable[..., object] | None]


@dataclass(frozen=True, slots=True)
class Application:
    """One of the two Faust applications and what it reads and keeps.

    Attributes:
        name: consumer group and prefix of transactional ids: transform or connect.
        topic: the one topic it reads.
        state_topic: its changelog; same number of partitions.
    """

    name: str
    topic: str
    state_topic: str


def patiently(ask: Callable[[], T], now: Callable[[], float] = monotonic, wait: Callable[[float], None] = sleep) -> T:
    """Return the answer; ask again while partitions or groups change their broker, which librdkafka does not do here.

    Raises:
        KafkaException: another error, or none of the answers within `TIMEOUT`.
    """
    deadline = now() + TIMEOUT
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in MOVING or now() >= deadline:
                raise
        wait(AGAIN)


class Broker:
    """Blocking calls; only for threads beside the event loop.

    Args:
        application: whose shards these are.
        connection: librdkafka settings that lead to the brokers.
        transaction_timeout_ms: after which the broker aborts an owner's open transaction.
    """

    def __init__(self, application: Application, connection: Mapping[str, str], transaction_timeout_ms: int) -> None:
        self.application = application
        self._connection = connection
        self._transaction_timeout_ms = transaction_timeout_ms
        # Never subscribes: offsets in transactions are fenced by the transactional id alone, so that a rebalance in
        # between cannot fail a commit of a partition that stays.
        self._offsets = Consumer(self.config({"group.id": application.name, "isolation.level": "read_committed"}))
        self.group_metadata = self._offsets.consumer_group_metadata()
        self.cluster = ""
        self.state_topic_id = ""
        self.partitions = 0

    def config(self, more: Config) -> Config:
        """Return the connection's settings and more."""
        return {**self._connection, **more}

    def connect(self) -> None:
        """Read what the cluster is and check that the topics are there.

        Raises:
            FatalError: a topic is missing or partition counts differ.
            KafkaException: the brokers cannot be reached.
        """
        admin = AdminClient(dict(self._connection))
        self.cluster = admin.describe_cluster(request_timeout=TIMEOUT).result(TIMEOUT).cluster_id
        names = [self.application.topic, self.application.state_topic]
        found = admin.describe_topics(TopicCollection(names), request_timeout=TIMEOUT)
        counts = {}
        for name, future in found.items():
            try:
                topic = future.result(TIMEOUT)
            except KafkaException as error:
                if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise FatalError(f"topic {name} does not exist: run `sluiceway topics apply`") from error
                raise
            counts[name] = len(topic.partitions)
            if name == self.application.state_topic:
                self.state_topic_id = str(topic.topic_id)
        self.partitions = counts[names[0]]
        if len(set(counts.values())) != 1:
            raise FatalError(f"partition counts differ: {counts}; they must be equal and are fixed at creation")

    def producer(self, partition: int, stalled: Callable[[KafkaError], None]) -> Producer:
        """Return the transactional producer of one shard; `stalled` hears of fatal errors."""
        return Producer(
            self.config(
                {
                    "transactional.id": f"{self.application.name}-{partition}",
                    "transaction.timeout.ms": self._transaction_timeout_ms,
                    "compression.type": "lz4",
                    "linger.ms": 5,
                    "queue.buffering.max.messages": 1_000_000,
                    "message.max.bytes": 4_000_000,
                    "error_cb": stalled,
                }
            )
        )

    def committed(self, partition: int) -> int | None:
        """Return the group's committed offset, None if there is none (never committed, or expired).

        Raises:
            KafkaException: the brokers do not tell.
        """

        def ask() -> int:
            found = self._offsets.committed([TopicPartition(self.application.topic, partition)], timeout=TIMEOUT)[0]
            if found.error is not None:
                raise KafkaException(found.error)
            return found.offset

        offset = patiently(ask)
        return offset if offset >= 0 else None

    def state_end(self, partition: int) -> int:
        """Return the end offset of the shard's changelog.

        Raises:
            KafkaException: the brokers do not tell.
        """
        changelog = TopicPartition(self.application.state_topic, partition)
        return patiently(lambda: self._offsets.get_watermark_offsets(changelog, timeout=TIMEOUT))[1]

    def state_rows(self, partition: int, start: int | None) -> Iterator[list[Message]]:
        """Yield the changelog's committed rows from `start` (None: the beginning) to its end, in chunks.

        Raises:
            KafkaException: the changelog cannot be read.
        """
        consumer = Consumer(
            self.config(
                {
                    "group.id": f"{self.application.name}-restore",
                    "enable.auto.commit": False,
                    "auto.offset.reset": "error",
                    "isolation.level": "read_committed",
                    "enable.partition.eof": True,
                    "fetch.wait.max.ms": 50,  # the end is told only after it: a take-over would last half a second more
                }
            )
        )
        offset = OFFSET_BEGINNING if start is None else start
        consumer.assign([TopicPartition(self.application.state_topic, partition, offset)])
        try:
            at_end = False
            while not at_end:
                messages = [*consumer.consume(1, RESTORE_IDLE), *consumer.consume(10_000, 0)]
                if not messages:
                    raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "the changelog does not answer"))  # noqa: SLF001  librdkafka's own codes
                for message in messages:
                    error = message.error()
                    if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001  as above
                        raise KafkaException(error)
                    at_end = at_end or error is not None
                yield [message for message in messages if message.error() is None]
        finally:
            consumer.close()

    def close(self) -> None:
        """End the connection."""
        self._offsets.close()
