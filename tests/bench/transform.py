"""The transform handler on one core, without Kafka: inbox bytes in, output bytes out, state in RocksDB."""

import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import connectors
from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.records import ConnectionChanged, VendorRecord
from connectors.kafka.topics import DLQ, INBOX
from streams.agents.transform import Transform
from streams.runtime import memory
from streams.runtime.breaker import Breaker, BreakerRule
from streams.runtime.guard import Guard
from streams.runtime.store import Meta, Store
from streams.runtime.types import Output, Record, Rows
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from tests.bench.mix import Mix, connection

CHUNK = 500
PARTITIONS = 4
POPULATION = 1_000


@dataclass(frozen=True, slots=True)
class Result:
    """One run.

    Attributes:
        events: records of the measured day.
        seconds: of processor time.
        outputs: records they led to.
    """

    events: int
    seconds: float
    outputs: int


class Bench:
    """One worker's share of the work: guard, handler, store; `folder` holds the store."""

    def __init__(self, folder: Path) -> None:
        self._codec = Codec(LocalIds())
        templates = Templates.load(Path(connectors.__file__).parent)
        self._handler = Transform(Pipeline(self._codec, templates), self._codec, PARTITIONS)
        self._guard = Guard("bench", self._codec, PARTITIONS, 900_000)
        self._breaker = Breaker(BreakerRule(50, 0.5, 200))
        self._store = Store(folder, time.time)
        self._store.open("bench", "bench", 0, 3600.0)
        self._offset = 0
        self._units = 0
        memory.settle()

    def record(self, value: VendorRecord | ConnectionChanged) -> Record:
        """Return a value as it would be consumed."""
        self._offset += 1
        headers = [("traceparent", b"00-" + b"1" * 32 + b"-" + b"1" * 16 + b"-01"), ("x-tenant", b"bench")]
        return Record(
            INBOX.name, 0, self._offset, b"bench", self._codec.encode(INBOX, value), headers, 1_772_000_000_000
        )

    async def run(self, records: Sequence[Record]) -> int:
        """Work on records chunk by chunk and return the number of outputs.

        Raises:
            RuntimeError: one became a dead letter.
        """
        made = 0
        for at in range(0, len(records), CHUNK):
            work = await self._guard.run(records[at : at + CHUNK], self._store, self._handler, self._breaker)
            self._commit(work.rows)
            if (letter := next((out for out in work.outputs if out.topic == DLQ.name), None)) is not None:
                raise RuntimeError(_why(letter))
            made += len(work.outputs)
        return made

    def _commit(self, rows: Rows) -> None:
        self._units += 1
        self._store.queue(rows, self._units)
        self._store.write(rows, Meta("bench", "bench", 0, 0.0))
        self._store.settle(self._units)

    def close(self) -> None:
        """Close the store."""
        self._store.close()


def _why(letter: Output) -> str:
    return str(dict(letter.headers))


async def _once(events: int, seed: int, folder: Path) -> Result:
    bench, mix = Bench(folder), Mix(random.Random(seed))  # noqa: S311  seeded
    try:
        await bench.run([bench.record(connection()), *map(bench.record, mix.population(POPULATION))])
        records = [bench.record(value) for value in mix.day(events)]
        began = time.process_time()
        outputs = await bench.run(records)
        return Result(events, time.process_time() - began, outputs)
    finally:
        bench.close()


def measure(events: int, seed: int) -> Result:
    """Work on a seeded day of a tenant and return what it took."""
    with tempfile.TemporaryDirectory(prefix="sluiceway-bench-") as folder:
        return asyncio.run(_once(events, seed, Path(folder, "state")))
