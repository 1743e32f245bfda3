"""How chunks go through the agent, without Kafka."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.errors import UnknownSchemaError
from connectors.kafka.codec import Codec, LocalIds
from streams.runtime import log as module
from streams.runtime.breaker import BreakerRule
from streams.runtime.feed import Chunk, Feed
from streams.runtime.guard import Guard
from streams.runtime.layers import Layer
from streams.runtime.log import Log, LogOptions
from streams.runtime.tries import TRYING, Trying
from streams.runtime.types import Output, Record
from tests.unit.runtime.conftest import ShardKit, messages, new_feed


class DiedError(BaseException):
    """The process ended."""


@pytest.fixture
async def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Log:
    """Return a log that is not started."""
    app: Any = SimpleNamespace(channel=lambda: SimpleNamespace(send=None))
    broker: Any = SimpleNamespace(
        application=SimpleNamespace(name="app", topic="in"), partitions=1, config=lambda more: more
    )
    monkeypatch.setattr(module, "Poller", lambda *_: SimpleNamespace(last_poll=time.monotonic(), ends={}))

    def die(reason: str, _error: BaseException | None = None) -> None:
        raise DiedError(reason)

    monkeypatch.setattr(module, "die", die)
    guard = Guard("app", Codec(LocalIds()), 1, 1_000_000)
    log = Log(app, broker, guard, LogOptions(tmp_path, 100, 0.5, BreakerRule(3, 1.0, 100), 6000))
    log._here = asyncio.get_running_loop()
    return log


def relay(record: Record, _layer: Layer) -> Sequence[Output]:
    """Pass everything."""
    return [Output("out", 0, record.key, record.value)]


def chunk_of(kit: ShardKit, count: int, before: Trying | None = None, reach: int = 0) -> tuple[Feed, Chunk]:
    """Return a feed on a shard, and its first chunk."""
    feed = new_feed(before=before, reach=reach)
    feed.shard = kit.shard
    feed.append(messages(*range(count)))
    return feed, feed.take(count)


async def drained(log: Log) -> None:
    """Wait for the commits under way."""
    await asyncio.gather(*log.ownership.tasks._tasks)


async def test_a_chunk_is_committed_beside_the_next(log: Log, kit: ShardKit) -> None:
    """The feed is free as soon as the chunk is computed; the offset is the last record's and one."""
    feed, chunk = chunk_of(kit, 3)
    await log.process(chunk, relay)
    assert (feed.busy, feed.committing) == (False, 1)
    await drained(log)
    assert (feed.committing, kit.shard.committed) == (0, 3)


async def test_an_announced_chunk_is_committed_before_the_next(log: Log, kit: ShardKit) -> None:
    """Else the next one's death would be taken for this one's."""
    feed, chunk = chunk_of(kit, 3, reach=100)
    await log.process(chunk, relay)
    assert feed.busy
    await drained(log)
    assert (feed.busy, kit.shard.committed) == (False, 3)


async def test_a_try_is_committed_before_the_chunk_is_computed(
    log: Log, kit: ShardKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent gets the chunk only when a death in it would be known to the next owner."""
    feed = new_feed(reach=100)
    feed.shard = kit.shard
    feed.append(messages(4, 5))
    log.feeds[0] = feed
    given: list[tuple[Chunk, bytes | None]] = []

    async def send(value: Chunk) -> None:
        given.append((value, kit.store._db.get(TRYING)))

    monkeypatch.setattr(log.channel, "send", send)
    looks = iter([True, False])
    monkeypatch.setattr(Log, "should_stop", property(lambda _: not next(looks)))
    log._work.set()
    await log._feed()
    assert given == []
    await drained(log)
    ((chunk, row),) = given
    assert ([record.offset for record in chunk.records], Trying.load(row)) == ([4, 5], Trying(4, 1, 6))


async def test_a_record_that_killed_five_times_is_given_up(log: Log, kit: ShardKit) -> None:
    """Its handler is not called again."""
    _, chunk = chunk_of(kit, 1, Trying(0, 5, 1))
    await log.process(chunk, lambda *_: pytest.fail("called again"))
    await drained(log)
    assert "dlq.v1" in kit.producer.calls
    assert kit.shard.committed == 1


async def test_an_error_outside_the_records_ends_the_process(
    log: Log, kit: ShardKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not reach Faust, which would start its agent anew and go on behind the chunk."""
    _, chunk = chunk_of(kit, 3)

    async def fails(*_: object) -> None:
        raise ValueError("the dead letter cannot be written either")

    monkeypatch.setattr(Guard, "run", fails)
    with pytest.raises(DiedError, match="cannot be written either"):
        await log.process(chunk, relay)


async def test_a_chunk_of_a_lost_shard_is_dropped(log: Log, kit: ShardKit) -> None:
    """Its state is closed already; that neither ends the process nor makes dead letters."""
    _, chunk = chunk_of(kit, 3)
    await kit.shard.close(0)
    await asyncio.to_thread(kit.shard.let_go)
    await log.process(chunk, lambda _record, layer: [Output("out", 0, None, layer.get(b"a"))])
    assert not log.ownership.tasks._tasks
    _, chunk = chunk_of(kit, 3)
    await log.process(chunk, relay)
    assert not log.ownership.tasks._tasks


async def test_a_chunk_that_waits_for_the_registry_killed_nobody(log: Log, kit: ShardKit) -> None:
    """It is given back whole, and restarts meanwhile do not count as its tries."""
    feed, chunk = chunk_of(kit, 3, reach=100)
    await kit.shard.commit((), {TRYING: chunk.trying})

    def unknown(*_: object) -> Sequence[Output]:
        raise UnknownSchemaError(7)

    await log.process(chunk, unknown)
    assert (feed.waits, feed.position, len(feed.pending), feed.busy) == ("registry", 0, 3, False)
    await drained(log)
    assert kit.shard.get(TRYING) is None
    log._go_on(feed)
    assert feed.ready


async def test_a_chunk_that_opens_the_breaker_killed_nobody(log: Log, kit: ShardKit) -> None:
    """The run of failures is given back, the records before it are committed, the try is taken back."""
    feed, chunk = chunk_of(kit, 9, reach=100)
    await kit.shard.commit((), {TRYING: chunk.trying})

    def broken(record: Record, _layer: Layer) -> Sequence[Output]:
        if record.offset >= 2:
            raise ValueError
        return []

    await log.process(chunk, broken)
    assert (feed.waits, feed.position, len(feed.pending)) == ("breaker", 2, 7)
    tasks = [task for task in log.ownership.tasks._tasks if "_commit" in repr(task)]
    await asyncio.gather(*tasks)
    assert (kit.shard.committed, kit.shard.get(TRYING), feed.busy) == (2, None, False)
    for task in log.ownership.tasks._tasks:
        task.cancel()


async def test_the_end_is_committed_once(log: Log, kit: ShardKit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only when everything before it is committed, and not again."""
    feed, chunk = chunk_of(kit, 3)
    log.feeds[0] = feed
    feed.at_end(5)
    feed.end_seen -= 10
    looks = iter([True, True, True, False])

    async def look(_seconds: float) -> None:
        await drained(log)

    monkeypatch.setattr(log, "sleep", look)
    monkeypatch.setattr(Log, "should_stop", property(lambda _: not next(looks)))
    await log._tend()
    assert kit.shard.committed == 0
    await log.process(chunk, relay)
    looks = iter([True, True, True, False])
    await log._tend()
    await drained(log)
    assert kit.shard.committed == 5
    assert kit.producer.calls.count("offset 5") == 1
