"""Follow a canonical topic with plain confluent-kafka, and nothing of Sluiceway's: copy it and begin.

    pip install "confluent-kafka[avro,schemaregistry]"
    python consumer.py --kafka 127.0.0.1:9092 --registry http://127.0.0.1:8081/apis/ccompat/v7 --once

What a consumer has to know is in `apply`: drop what is older than what you have, a tombstone ends a record, and the
loser of a merge points to the survivor.
"""

import argparse
import json
from collections.abc import Iterator
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext


def messages(kafka: str, topic: str, group: str, *, once: bool) -> Iterator[Message]:
    """Yield committed messages; `once` ends at the end of every partition."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": group,
            "auto.offset.reset": "earliest",
            # Sluiceway writes in transactions; without this you would read what was taken back.
            "isolation.level": "read_committed",
            "enable.partition.eof": once,
        }
    )
    consumer.subscribe([topic])
    ended: set[int] = set()
    try:
        while not once or not ended or len(ended) < len(consumer.assignment()):
            message = consumer.poll(1.0)
            if message is None:
                continue
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  its public name in confluent-kafka
                ended.add(message.partition() or 0)
            else:
                raise KafkaException(error)
    finally:
        consumer.close()


def apply(known: dict[str, dict[str, Any]], key: str, record: dict[str, Any] | None) -> bool:
    """Bring your copy in step with one message; False: there was nothing new in it."""
    if record is None:  # the tombstone after a record with `deleted`
        return known.pop(key, None) is not None
    if key in known and record["version"] <= known[key]["version"]:
        return False
    known[key] = record
    return True


def survivor(known: dict[str, dict[str, Any]], key: str) -> str:
    """Follow merges: what refers to the loser now means the survivor."""
    while (record := known.get(key)) is not None and record.get("merged_into") is not None:
        key = record["merged_into"]
    return key


def main() -> None:
    """Print every change as one line of JSON."""
    arguments = argparse.ArgumentParser(description="Follow a canonical topic.")
    arguments.add_argument("--kafka", default="127.0.0.1:9092")
    arguments.add_argument("--registry", default="http://127.0.0.1:8081/apis/ccompat/v7")
    arguments.add_argument("--topic", default="canonical.party.v1")
    arguments.add_argument("--group", default="example")
    arguments.add_argument("--once", action="store_true", help="stop when everything there is has been read")
    given = arguments.parse_args()
    # Of itself the client would wait for ever for an answer that is lost; after this it asks again.
    decode = AvroDeserializer(SchemaRegistryClient({"url": given.registry, "timeout": 10}))
    context = SerializationContext(given.topic, MessageField.VALUE)
    known: dict[str, dict[str, Any]] = {}
    for message in messages(given.kafka, given.topic, given.group, once=given.once):
        key = (message.key() or b"").decode()
        if apply(known, key, decode(message.value(), context)):
            print(json.dumps({"id": survivor(known, key), "record": known.get(key)}, default=str), flush=True)


if __name__ == "__main__":
    main()
