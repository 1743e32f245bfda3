"""What workers notice of each other's coming and going."""

import asyncio
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from streams.runtime import shard as shards
from streams.runtime.broker import Application, Broker
from streams.runtime.shard import Shard
from streams.runtime.store import Store
from streams.runtime.types import Output, ShardLostError
from tests.chaos.harness import PARTITIONS, Harness

SESSION_SECONDS = 6.0
STOP_SECONDS = 2.0
EVERY = 0.05


async def trickle(relay: Harness) -> None:
    """Send a record to each partition every moment, until cancelled."""
    while True:
        await asyncio.to_thread(relay.send, PARTITIONS)
        await asyncio.sleep(EVERY)


def gaps(relay: Harness) -> dict[int, float]:
    """Return the longest time without an output in each partition, by the broker's clock, in seconds."""
    times = defaultdict[int, list[float]](list)
    for message in relay.read(relay.topic("out")):
        partition = message.partition()
        assert partition is not None
        times[partition].append(message.timestamp()[1] / 1000)
    return {partition: max(b - a for a, b in pairwise(sorted(at))) for partition, at in times.items()}


async def taken_again(relay: Harness, before: int) -> None:
    """Wait until a partition is taken once more than `before`."""
    await relay.until(lambda: len(relay.taken()) > before, 30)


async def test_partitions_that_stay_keep_running(relay: Harness) -> None:
    """While workers join, leave and die, partitions that do not move have no pause near the session timeout."""
    first = relay.start()
    await relay.until(lambda: len(set(relay.taken())) == PARTITIONS)
    second = relay.start()
    await relay.running(second)
    sending = asyncio.ensure_future(trickle(relay))
    await relay.until(lambda: relay.sent > 40 * PARTITIONS)
    before = len(relay.taken())
    for killed in (False, True):
        third = relay.start()
        await relay.running(third)
        took = len(relay.taken())
        if killed:
            relay.kill(third)
        else:
            assert await relay.stop(third) < STOP_SECONDS
        await taken_again(relay, took)
    sending.cancel()
    await asyncio.wait([sending])
    await relay.drained()
    assert {first.poll(), second.poll()} == {None}
    relay.check_exact()
    found, moved = gaps(relay), set(relay.taken()[before:])
    stayed = {partition: gap for partition, gap in found.items() if partition not in moved}
    assert stayed
    assert max(stayed.values()) < SESSION_SECONDS / 2, found
    assert max(found[partition] for partition in moved) > SESSION_SECONDS / 2, found


class Interrupted:
    """A producer in whose commit something happens."""

    def __init__(self, producer: Any, happens: Any) -> None:
        self._producer = producer
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        """Be the producer otherwise."""
        return getattr(self._producer, name)

    def commit_transaction(self, timeout: float) -> None:
        """Let it happen, then go on."""
        self._happens()
        self._producer.commit_transaction(timeout)


class Ended(BaseException):
    """The process ended."""


@pytest.mark.parametrize("revoked", [True, False])
async def test_a_late_commit_is_fenced(
    relay: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revoked: bool
) -> None:
    """The next owner takes over while a commit is under way: nothing of it is seen, and who knew nothing ends."""

    def die(reason: str, _error: BaseException | None = None) -> None:
        raise Ended(reason)

    monkeypatch.setattr(shards, "die", die)
    application = Application(relay.name, relay.topic("in"), relay.topic("state"))
    executor = ThreadPoolExecutor(4)
    owners = []
    for number in range(2):
        broker = Broker(application, {"bootstrap.servers": relay.servers}, 10_000)
        broker.connect()
        store = Store(tmp_path / f"{number}", lambda: 0.0)
        owners.append(Shard(broker, 0, store, executor, lambda: True, lambda: 0.0))
    former, latter = owners
    never: Any = asyncio.Event()
    former.take_over(never)

    def overtake() -> None:
        latter.take_over(never)
        former.lost = revoked

    interrupted: Any = Interrupted(former._producer, overtake)
    former._producer = interrupted
    former.start()
    committer = former._committer
    assert committer is not None
    committer.remove_done_callback(former._committer_ended)
    origin = [("origin", b"0:0"), ("count", b"1")]
    late = asyncio.ensure_future(former.commit([Output(relay.topic("out"), 0, b"k", b"late", origin)], {b"a": b"1"}, 5))
    if revoked:
        with pytest.raises(ShardLostError):
            await late
    else:
        with pytest.raises(Ended, match="fenced"):
            await committer
        former.lost = True
        late.cancel()
    assert relay.read(relay.topic("out")) == []
    assert (latter.committed, latter.get(b"a"), latter._broker.committed(0)) == (0, None, None)
    latter.start()
    await latter.commit([Output(relay.topic("out"), 0, b"k", b"ours", origin)], {b"a": b"2"}, 5)
    assert [message.value() for message in relay.read(relay.topic("out"))] == [b"ours"]
    assert (latter.get(b"a"), latter._broker.committed(0)) == (b"2", 5)
    for owner in owners:
        await owner.close(0)
        await asyncio.to_thread(owner.let_go)
        owner._broker.close()
    executor.shutdown()
