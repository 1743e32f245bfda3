"""How long one record takes through an idle worker: from `produce` until a read_committed reader has it."""

import random
import time
from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer, Producer, TopicPartition

from tests.bench.arena import HEADERS, PARTITIONS, Arena
from tests.bench.job import make

SOURCE = "bench-single"
SINGLES = 50
WARM_UP = 5
PATIENCE = 30.0


def measure(arena: Arena, seed: int) -> Mapping[str, Sequence[float]]:
    """Return seconds of single records by contestant, sorted; the contestants run one after the other, with state."""
    arena.topics(SOURCE)
    return {kind: _singles(arena, kind, random.Random(seed)) for kind in ("loop", "runtime")}  # noqa: S311  seeded


def _singles(arena: Arena, kind: str, dice: random.Random) -> Sequence[float]:
    task = arena.task(SOURCE, 10**9, count=True)
    producer = Producer({"bootstrap.servers": arena.servers, "linger.ms": 0})
    reader = Consumer(
        {
            "bootstrap.servers": arena.servers, "group.id": f"{task.name}-reader", "enable.auto.commit": False,
            "isolation.level": "read_committed", "fetch.wait.max.ms": 50,
        }
    )  # fmt: skip
    reader.assign([TopicPartition(task.target, partition, 0) for partition in range(PARTITIONS)])
    try:
        with arena.contestant(kind, task):
            taken = [_one(producer, reader, number, dice) for number in range(WARM_UP + SINGLES)]
    finally:
        reader.close()
    return sorted(taken[WARM_UP:])


def _one(producer: Producer, reader: Consumer, number: int, dice: random.Random) -> float:
    """Send a record once the worker has been idle for a moment; the first ones wait for its start."""
    time.sleep(0.1 + dice.random() * 0.1)
    key, value = make(number, dice)
    began = time.perf_counter()
    producer.produce(SOURCE, value, key, number % PARTITIONS, headers=HEADERS)
    producer.flush()
    while time.perf_counter() - began < PATIENCE:
        message = reader.poll(0.5)
        if message is not None and message.error() is None and message.key() == key:
            return time.perf_counter() - began
    raise RuntimeError(f"record {number} did not come back within {PATIENCE:.0f} s")
