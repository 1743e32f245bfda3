"""The broker, the input, and the contestants as processes of their own."""

import asyncio
import json
import queue
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from connectors.kafka.embedded.kafka import kafka
from connectors.kafka.embedded.ports import free_ports
from connectors.kafka.embedded.process import start
from tests.bench.job import KEYS, make
from tests.bench.meter import Run, Task

PARTITIONS = 4
PATIENCE = 180.0
ROOT = Path(__file__).parents[2]
MODULES = {"loop": "tests.bench.by_hand", "runtime": "tests.bench.on_runtime"}
HEADERS: list[tuple[str, str | bytes | None]] = [
    ("traceparent", b"00-" + b"1" * 32 + b"-" + b"1" * 16 + b"-01"),
    ("x-tenant", b"bench"),
    ("x-origin", b"poll"),
]


@dataclass(slots=True)
class Arena:
    """One broker.

    Attributes:
        servers: bootstrap servers.
        folder: for logs and state.
    """

    servers: str
    folder: Path
    _numbers: int = 0

    def topics(self, *names: str) -> None:
        """Create topics."""
        admin = AdminClient({"bootstrap.servers": self.servers})
        for made in admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names]).values():
            made.result(20)

    def fill(self, topic: str, records: int, dice: random.Random) -> None:
        """Produce the input, keys to partitions by the key's number."""
        producer = Producer({"bootstrap.servers": self.servers, "linger.ms": 20, "compression.type": "lz4"})
        samples = [make(number, dice) for number in range(min(records, 2 * KEYS))]
        for number in range(records):
            key, value = samples[number % len(samples)]
            while True:
                try:
                    producer.produce(topic, value, key, int(key[2:]) % PARTITIONS, headers=HEADERS)
                except BufferError:
                    producer.poll(0.1)
                else:
                    break
        producer.flush()

    def task(self, source: str, records: int, *, count: bool) -> Task:
        """Return a task with topics and state of its own."""
        self._numbers += 1
        name = f"run{self._numbers}"
        self.topics(f"{name}-out", f"{name}-state")
        return Task(name, self.servers, source, f"{name}-out", f"{name}-state", records, count, str(self.folder / name))

    def drop(self, task: Task) -> None:
        """Delete what a task wrote."""
        admin = AdminClient({"bootstrap.servers": self.servers})
        for gone in admin.delete_topics([task.target, task.changelog]).values():
            gone.result(20)

    @contextmanager
    def contestant(self, kind: str, task: Task) -> Iterator["Contestant"]:
        """Run a contestant; it is gone in the end, whatever happens, the death of this process included."""
        with (self.folder / f"{task.name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", MODULES[kind], json.dumps(asdict(task))],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
            try:
                yield Contestant(process, self.folder / f"{task.name}.log")
            finally:
                process.kill()
                process.wait()
                for stream in (process.stdin, process.stdout):
                    if stream is not None:
                        stream.close()


class Contestant:
    """A running contestant."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._log = log
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=[process], daemon=True).start()

    def _read(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        self._lines.put(next((line for line in process.stdout if line.startswith(b"{")), b""))

    def result(self) -> Run:
        """Wait for its figures.

        Raises:
            RuntimeError: it ended or took too long; with the end of its log.
        """
        try:
            line = self._lines.get(timeout=PATIENCE)
        except queue.Empty:
            line = b""
        if not line:
            raise RuntimeError(f"a contestant did not finish. {self._log.read_text(errors='replace')[-2000:]}")
        return Run(**json.loads(line))


@asynccontextmanager
async def arena() -> AsyncIterator[Arena]:
    """Start a broker with nothing in it; stopped and removed in the end."""
    with tempfile.TemporaryDirectory(prefix="sluiceway-bench-") as name:
        port, controller_port = free_ports(2)
        folder = Path(name)
        child = await start(await kafka(folder, port=port, controller_port=controller_port, say=_quiet))
        try:
            found = Arena(f"127.0.0.1:{port}", folder)
            await asyncio.to_thread(found.topics, "dlq.v1", "journal.v1")
            yield found
        finally:
            await child.stop()


def _quiet(text: str) -> None:
    sys.stderr.write(f"{text}\n")
