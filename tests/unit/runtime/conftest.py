"""Parts of the runtime without Kafka."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from streams.runtime.breaker import Breaker, BreakerRule
from streams.runtime.feed import Feed
from streams.runtime.shard import Shard
from streams.runtime.store import Store
from streams.runtime.tries import Tries, Trying


@dataclass(frozen=True, slots=True)
class Message:
    """A consumed message, as far as the runtime looks at it."""

    at: int
    content: bytes | None = b"v"
    own_headers: Sequence[tuple[str, bytes]] = ()

    def offset(self) -> int:
        """Return its offset."""
        return self.at

    def topic(self) -> str:
        """Return its topic."""
        return "in"

    def partition(self) -> int:
        """Return its partition."""
        return 0

    def key(self) -> bytes:
        """Return its key."""
        return b"k"

    def value(self) -> bytes | None:
        """Return its value."""
        return self.content

    def headers(self) -> list[tuple[str, bytes]]:
        """Return its headers."""
        return list(self.own_headers)

    def timestamp(self) -> tuple[int, int]:
        """Return type and milliseconds."""
        return (1, 1_700_000_000_000 + self.at)


def messages(*offsets: int) -> Sequence[Any]:
    """Return messages with these offsets."""
    return [Message(offset) for offset in offsets]


def new_feed(position: int = 0, before: Trying | None = None, reach: int = 0) -> Feed:
    """Return a feed without a shard."""
    shard: Any = SimpleNamespace(partition=0, lost=False, committed=position)
    return Feed(shard, Tries(before, reach), Breaker(BreakerRule(5, 0.5, 20)), position)


@dataclass
class FakeProducer:
    """A transactional producer that says what was asked of it; `gate` holds up commits."""

    calls: list[str] = field(default_factory=list)
    rows: int = 0
    fails: Exception | None = None
    closed: bool = False

    def begin_transaction(self) -> None:
        """Note it."""
        self.calls.append("begin")

    def produce(self, topic: str, *_: object, on_delivery: Callable[..., None] | None = None, **__: object) -> None:
        """Note it, and deliver at once."""
        self.calls.append(topic)
        if on_delivery is not None:
            self.rows += 1
            on_delivery(None, Message(self.rows))

    def flush(self, _timeout: float) -> int:
        """Everything is delivered."""
        return 0

    def send_offsets_to_transaction(self, offsets: Sequence[Any], *_: object) -> None:
        """Note it."""
        self.calls.append(f"offset {offsets[0].offset}")

    def commit_transaction(self, _timeout: float) -> None:
        """Note it, or fail."""
        if self.fails is not None:
            raise self.fails
        self.calls.append("commit")

    def close(self) -> None:
        """Note it."""
        self.closed = True


@dataclass
class ShardKit:
    """A shard over a real store and a fake producer."""

    shard: Shard
    store: Store
    producer: FakeProducer


@pytest.fixture
async def kit(tmp_path: Path) -> Any:
    """Return a started shard."""
    broker: Any = SimpleNamespace(
        application=SimpleNamespace(name="app", topic="in", state_topic="state"),
        cluster="c",
        state_topic_id="t",
        group_metadata=object(),
    )
    executor = ThreadPoolExecutor(2)
    store = Store(tmp_path / "p0", lambda: 1000.0)
    store.open("c", "t", 0, 3600)
    producer = FakeProducer()
    shard = Shard(broker, 0, store, executor, lambda: True, lambda: 1000.0)
    shard._producer = producer  # type: ignore[assignment]  # what it uses of one
    shard.start()
    yield ShardKit(shard, store, producer)
    if shard._writing.locked():
        shard._writing.release()  # a test that failed while it held up commits
    await shard.close(0)
    await asyncio.to_thread(shard.let_go)
    executor.shutdown()
