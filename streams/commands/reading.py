"""Reading a topic to its end, for commands that look at what is there."""

from collections.abc import Iterator, Mapping

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from connectors.errors import FatalError
from connectors.kafka.client import KafkaSettings, reader_config
from connectors.kafka.codec import Codec
from connectors.kafka.records import Entity
from connectors.kafka.topics import CANONICAL

TIMEOUT_SECONDS = 10.0
BATCH = 500


def partitions(kafka: KafkaSettings, topic: str) -> Iterator[int]:
    """Yield the partitions of a topic.

    Raises:
        KafkaException: Kafka does not know it, or does not answer.
    """
    with _consumer(kafka) as consumer:
        metadata = consumer.list_topics(topic, timeout=TIMEOUT_SECONDS).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    yield from sorted(metadata.partitions)


def messages(kafka: KafkaSettings, topic: str, partition: int, offset: int = OFFSET_BEGINNING) -> Iterator[Message]:
    """Yield the committed messages of a partition, from an offset to its end.

    Raises:
        FatalError: Kafka sends nothing.
        KafkaException: it cannot be read.
    """
    with _consumer(kafka) as consumer:
        consumer.assign([TopicPartition(topic, partition, offset)])
        while True:
            # Waiting for a full batch would take the whole timeout: first one, then what else is there.
            found = [*consumer.consume(1, TIMEOUT_SECONDS), *consumer.consume(BATCH, 0)]
            if not found:
                raise FatalError(f"Kafka sends nothing of {topic}/{partition} for {TIMEOUT_SECONDS:g} s; try again")
            for message in found:
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  librdkafka's name
                    return
                elif error.fatal() or not error.retriable():
                    raise KafkaException(error)


def latest(kafka: KafkaSettings, codec: Codec, entity: str, tenant: str) -> Mapping[str, Entity]:
    """Return the tenant's latest canonical records of an entity that are not gone, by id.

    Raises:
        KafkaException, FatalError: they cannot be read.
    """
    found: dict[str, Entity] = {}
    topic = CANONICAL[entity].name
    for partition in partitions(kafka, topic):
        for message in messages(kafka, topic, partition):
            value = message.value()
            record = codec.decode(value)[1] if isinstance(value, bytes) else None
            if record is not None and record["tenant"] == tenant and not record["deleted"]:
                found[record["id"]] = record
            elif record is None or record["tenant"] == tenant:
                found.pop((message.key() or b"").decode(), None)
    return found


def _consumer(kafka: KafkaSettings) -> Consumer:
    return Consumer(reader_config(kafka, "sluiceway-cli"))
