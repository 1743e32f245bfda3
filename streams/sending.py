"""Producing a few records to the end, for who holds no state."""

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Producer

from connectors.errors import RetryableError
from connectors.kafka.client import KafkaSettings, producer_config
from streams.runtime.types import Output

FLUSH_SECONDS = 15.0


def send(kafka: KafkaSettings, outputs: Iterable[Output]) -> None:
    """Produce records and return once Kafka has them.

    Raises:
        KafkaException, RetryableError: not all are written; repeat.
    """
    failed: list[KafkaError] = []
    producer = Producer(producer_config(kafka, "sluiceway-console"))
    for output in outputs:
        try:
            _produce(producer, output, failed)
        except BufferError:  # more than its queue holds
            _flush(producer)
            _produce(producer, output, failed)
        producer.poll(0)
    _flush(producer)
    if failed:
        raise KafkaException(failed[0])


def _produce(producer: Producer, output: Output, failed: list[KafkaError]) -> None:
    producer.produce(
        output.topic,
        key=output.key,
        value=output.value,
        partition=output.partition,
        headers=list(output.headers),
        on_delivery=lambda error, _: failed.append(error) if error is not None else None,
    )


def _flush(producer: Producer) -> None:
    if producer.flush(FLUSH_SECONDS):
        raise RetryableError("Kafka does not acknowledge what was sent; say it again")
