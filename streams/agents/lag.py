"""How many seconds another application is behind on its topic, without reading it.

The end of each partition is noted every second; an application that has not committed up to an end noted n seconds ago
is n seconds behind.
"""

import asyncio
import time
from collections import deque
from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaException, TopicPartition
from mode import Service

LOOK_SECONDS = 1.0
TIMEOUT = 5.0
MARKERS = 2
"""The end of a partition is behind the last record by transaction markers nobody commits."""


class History:
    """The ends of one partition as they were noted; pure."""

    def __init__(self) -> None:
        self._ends: deque[tuple[float, int]] = deque()

    def note(self, now: float, end: int, committed: int) -> float:
        """Note the end and return how many seconds `committed` is behind."""
        if not self._ends or end > self._ends[-1][1]:
            self._ends.append((now, end))
        while self._ends and self._ends[0][1] <= committed + MARKERS:
            self._ends.popleft()
        return now - self._ends[0][0] if self._ends else 0.0


class Lag(Service):
    """Watches the lag of one group on one topic.

    Args:
        connection: librdkafka settings that lead to the brokers.
        group: whose offsets.
        topic: what it reads.
        partitions: of the topic.
    """

    def __init__(self, connection: Mapping[str, str], group: str, topic: str, partitions: int) -> None:
        super().__init__()
        self._consumer = Consumer({**connection, "group.id": group, "isolation.level": "read_committed"})
        self._topic = topic
        self._histories = {partition: History() for partition in range(partitions)}
        self._seconds: dict[int, float] = {}

    def seconds(self, partition: int) -> float:
        """Return how far behind the group is on a partition; 0 while nothing is known."""
        return self._seconds.get(partition, 0.0)

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            try:
                self._seconds = await asyncio.to_thread(self._look)
            except KafkaException as error:
                self.log.warning("lag of %s is unknown: %s", self._topic, error)
            await self.sleep(LOOK_SECONDS)

    def _look(self) -> dict[int, float]:
        asked = [TopicPartition(self._topic, partition) for partition in self._histories]
        now, found = time.monotonic(), {}
        for at in self._consumer.committed(asked, timeout=TIMEOUT):
            end = self._consumer.get_watermark_offsets(TopicPartition(at.topic, at.partition), timeout=TIMEOUT)[1]
            found[at.partition] = self._histories[at.partition].note(now, end, max(0, at.offset))
        return found
