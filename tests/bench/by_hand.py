"""The yardstick: a consume and produce loop as one would write it by hand with confluent-kafka, at-least-once.

Idempotent producer, offsets committed after the flush that covers them. With `count` it counts per key in a dictionary
and writes each changed count to a changelog topic before it commits.
"""

import json
import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition

from tests.bench.job import work
from tests.bench.meter import Meter, Task, end_with_parent

BATCH = 4_000
FLUSH_SECONDS = 0.2


class Loop:
    """One consumer, one producer."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._consumer = Consumer(
            {
                "bootstrap.servers": task.servers,
                "group.id": task.name,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 50,
                "queued.max.messages.kbytes": 16_384,
            }
        )
        self._producer = Producer(
            {
                "bootstrap.servers": task.servers,
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 5,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        self._next: dict[int, int] = {}
        self._counts: dict[bytes, int] = {}
        self._changed: dict[bytes, int] = {}
        self._meter = Meter(task.records)
        self._done = 0

    def run(self) -> None:
        """Work until everything is committed; on after that for single records."""
        self._consumer.subscribe([self._task.source])
        flushed = time.monotonic()
        while True:
            taken = self._take()
            if self._next and (not taken or time.monotonic() - flushed > FLUSH_SECONDS):
                self._commit()
                flushed = time.monotonic()

    def _take(self) -> int:
        messages = [*self._consumer.consume(1, 0.02), *self._consumer.consume(BATCH - 1, 0)]
        for message in messages:
            if (error := message.error()) is not None:
                raise RuntimeError(error.str())
            key, partition = message.key() or b"", message.partition() or 0
            if self._task.count:
                self._counts[key] = self._changed[key] = self._counts.get(key, 0) + 1
            while True:
                try:
                    self._producer.produce(
                        self._task.target, work(message.value() or b""), key, partition, headers=message.headers()
                    )
                except BufferError:
                    self._producer.poll(0.1)
                else:
                    break
            self._next[partition] = (message.offset() or 0) + 1
        self._producer.poll(0)
        self._done += len(messages)
        return len(messages)

    def _commit(self) -> None:
        for key, count in self._changed.items():
            self._producer.produce(self._task.changelog, b"%d" % count, key)
        self._changed.clear()
        self._producer.flush()
        offsets = [TopicPartition(self._task.source, partition, offset) for partition, offset in self._next.items()]
        self._consumer.commit(offsets=offsets, asynchronous=False)
        self._next.clear()
        self._meter.committed(self._done)


if __name__ == "__main__":
    end_with_parent()
    Loop(Task(**json.loads(sys.argv[1]))).run()
