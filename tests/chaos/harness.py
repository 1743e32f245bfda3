"""Runs relay workers (`relay.py`) as processes on a real broker, breaks them, and checks what a reader sees."""

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

PARTITIONS = 4
ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Seen:
    """What a read_committed reader found: outputs by origin, and the last count of each key."""

    origins: Counter[str]
    counts: dict[str, int]


@dataclass(slots=True)
class Harness:
    """One application with its own topics.

    Attributes:
        servers: bootstrap servers.
        name: of the application; prefix of its topics.
        folder: state and logs.
        dice: this round's chance.
        env: further environment of the workers.
    """

    servers: str
    name: str
    folder: Path
    dice: random.Random
    env: dict[str, str] = field(default_factory=dict)
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    sent: int = 0
    keys: Counter[str] = field(default_factory=Counter)
    logs: dict[int, Path] = field(default_factory=dict)
    _group: Consumer = field(init=False)

    def __post_init__(self) -> None:
        """Create the topics."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # Uncommitted: else it would wait for a transaction that a killed worker has left open.
        reader = {"bootstrap.servers": self.servers, "group.id": self.name, "isolation.level": "read_uncommitted"}
        self._group = Consumer(reader)
        admin = AdminClient({"bootstrap.servers": self.servers})
        topics = [
            NewTopic(self.topic("in"), PARTITIONS, 1),
            NewTopic(self.topic("out"), PARTITIONS, 1, config={"message.timestamp.type": "LogAppendTime"}),
        ]
        topics.append(NewTopic(self.topic("state"), PARTITIONS, 1, config={"cleanup.policy": "compact"}))
        there = admin.list_topics(timeout=10).topics
        topics += [NewTopic(shared, PARTITIONS, 1) for shared in ("dlq.v1", "journal.v1") if shared not in there]
        for made in admin.create_topics(topics).values():
            made.result(20)
        while not {topic.topic for topic in topics} <= admin.list_topics(timeout=10).topics.keys():
            time.sleep(0.05)  # made, but the broker does not tell everyone yet

    def topic(self, kind: str) -> str:
        """Return the name of one of its topics."""
        return f"{self.name}-{kind}"

    def start(self) -> "subprocess.Popen[bytes]":
        """Start one more worker."""
        env = os.environ | {
            "APP": self.name,
            "SERVERS": self.servers,
            "IN": self.topic("in"),
            "OUT": self.topic("out"),
            "CHANGELOG": self.topic("state"),
            "STATE": str(self.folder),
        }
        path = self.folder / f"worker-{len(self.logs)}.log"
        with path.open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.relay"], env=env | self.env, cwd=ROOT, stdout=log, stderr=log
            )
        self.logs[worker.pid] = path
        self.workers.append(worker)
        return worker

    async def running(self, worker: "subprocess.Popen[bytes]") -> None:
        """Wait until a worker has a partition."""
        await self.until(lambda: "taken over" in self.log(worker))

    def taken(self) -> list[int]:
        """Return the partitions that were taken over, as often as that happened."""
        return [int(partition) for partition in re.findall(r"partition (\d+) taken over", self.log())]

    async def stop(self, worker: "subprocess.Popen[bytes]") -> float:
        """Stop a worker as a supervisor does; return the seconds it took, its exit code is 0."""
        began = time.monotonic()
        worker.terminate()
        await self.until(lambda: worker.poll() is not None, 10)
        self.workers.remove(worker)
        assert worker.returncode == 0, self.log(worker)
        return time.monotonic() - began

    def kill(self, worker: "subprocess.Popen[bytes]") -> None:
        """End a worker at once."""
        worker.kill()
        worker.wait()
        self.workers.remove(worker)

    def close(self) -> None:
        """End all workers."""
        for worker in list(self.workers):
            worker.send_signal(signal.SIGCONT)
            self.kill(worker)
        self._group.close()

    def log(self, worker: "subprocess.Popen[bytes] | None" = None) -> str:
        """Return what a worker logged, or all of them."""
        paths = self.logs.values() if worker is None else [self.logs[worker.pid]]
        return "".join(path.read_text() for path in paths)

    def send(self, count: int, value: Callable[[int], bytes] = lambda n: b"v%d" % n) -> None:
        """Produce `count` records, round robin over the partitions, 100 keys each in one partition."""
        producer = Producer({"bootstrap.servers": self.servers, "linger.ms": 5})
        for number in range(self.sent, self.sent + count):
            partition = number % PARTITIONS
            key = f"k{partition}-{number % 100}"
            self.keys[key] += 1
            while True:
                try:
                    producer.produce(self.topic("in"), value(number), key, partition, headers=[("n", str(number))])
                except BufferError:
                    producer.poll(0.1)
                else:
                    break
        producer.flush()
        self.sent += count

    def progress(self) -> int:
        """Return how many records are committed, by offsets of the group (at most a few markers too many).

        A broker that has just started may not know the group's coordinator yet: then nothing is committed.
        """
        asked = [TopicPartition(self.topic("in"), p) for p in range(PARTITIONS)]
        try:
            return sum(max(0, at.offset) for at in self._group.committed(asked, timeout=10))
        except KafkaException:
            return 0

    async def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until `condition` holds.

        Raises:
            AssertionError: it did not within `seconds`; with the end of the workers' log.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.log()[-4000:]
            await asyncio.sleep(0.1)

    async def drained(self, seconds: float = 90.0) -> None:
        """Wait until every record sent is committed."""
        await self.until(lambda: self.progress() >= self.sent, seconds)

    def read(self, topic: str, matching: Callable[[Message], bool] = lambda _: True) -> list[Message]:
        """Return all committed records of a topic."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.servers,
                "group.id": f"{self.name}-reader",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 50,
            }
        )
        consumer.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
        found, ended = [], 0
        while ended < PARTITIONS:
            for message in [*consumer.consume(1, 1.0), *consumer.consume(5000, 0)]:
                if message.error() is not None:
                    ended += 1
                elif matching(message):
                    found.append(message)
        consumer.close()
        return found

    def seen(self) -> Seen:
        """Read the output topic."""
        origins: Counter[str] = Counter()
        counts: dict[str, int] = defaultdict(int)
        for message in self.read(self.topic("out")):
            headers: dict[str, Any] = dict(message.headers() or [])
            origins[headers["origin"].decode()] += 1
            key = (message.key() or b"").decode()
            counts[key] = max(counts[key], int(headers["count"]))
        return Seen(origins, dict(counts))

    def check_exact(self, missing: int = 0) -> None:
        """Assert that nothing is lost or doubled and that the keyed counts are exact."""
        seen = self.seen()
        doubled = {origin: n for origin, n in seen.origins.items() if n > 1}
        assert not doubled, f"{len(doubled)} doubled, e.g. {list(doubled.items())[:5]}"
        assert len(seen.origins) == self.sent - missing, f"{self.sent - missing - len(seen.origins)} lost"
        if not missing:
            assert seen.counts == dict(self.keys)
