"""A broken record into the inbox, and what the DLQ says of it."""

import os
import time
from collections.abc import Mapping

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from connectors.kafka.partition import partition_for
from connectors.kafka.topics import DLQ, INBOX

PATIENCE_SECONDS = 30.0


def send(servers: str, tenant: str, partitions: int) -> bytes:
    """Produce bytes that are no Avro record of ours into the tenant's inbox; return them."""
    broken = b'{"this is": "JSON", "not": "Avro"} ' + os.urandom(4).hex().encode()
    producer = Producer({"bootstrap.servers": servers})
    producer.produce(INBOX.name, broken, tenant, partition_for(tenant, partitions), headers=[("x-tenant", tenant)])
    producer.flush(10)
    return broken


def find(servers: str, tenant: str, partitions: int, value: bytes) -> Mapping[str, str] | None:
    """Return the headers of the dead letter with exactly these bytes; None: it did not come in time."""
    reader = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "demo",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
        }
    )
    reader.assign([TopicPartition(DLQ.name, partition_for(tenant, partitions), OFFSET_BEGINNING)])
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while time.monotonic() < deadline:
            message = reader.poll(0.5)
            if message is not None and message.error() is None and message.value() == value:
                return {name: _text(content) for name, content in dict(message.headers() or []).items()}
    finally:
        reader.close()
    return None


def _text(content: str | bytes | None) -> str:
    return content.decode() if isinstance(content, bytes) else content or ""
