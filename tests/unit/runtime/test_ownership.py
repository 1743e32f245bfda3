"""Partitions come and go at any moment."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from streams.runtime import ownership as module
from streams.runtime.ownership import Ownership
from streams.runtime.types import ShardLostError


class FakeShard:
    """A shard whose take-over waits for `gate`; says what happened to it."""

    def __init__(self, world: "World", partition: int) -> None:
        self.partition = partition
        self.world = world
        self.events: list[str] = []
        world.shards.append(self)

    def take_over(self, cancelled: threading.Event) -> int:
        """Fence, unless cancelled."""
        self.world.reached.set()
        self.world.gate.wait(5)
        if cancelled.is_set():
            raise ShardLostError
        self.events.append("fenced")
        return 7

    def start(self) -> None:
        """Note it."""
        self.events.append("started")

    async def close(self, grace: float) -> None:
        """Note it."""
        self.events.append(f"closed {grace:g}")

    def let_go(self) -> None:
        """Note it."""
        self.events.append("let go")


class World:
    """What the fakes share."""

    def __init__(self) -> None:
        self.shards: list[FakeShard] = []
        self.gate = threading.Event()
        self.reached = threading.Event()
        self.opened: list[tuple[int, int | None]] = []
        self.closing: list[int] = []


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Put fake shards in the place of real ones."""
    world = World()
    monkeypatch.setattr(module, "Shard", lambda _broker, partition, *_: FakeShard(world, partition))
    return world


@pytest.fixture
def ownership(world: World, tmp_path: Path) -> Iterator[Ownership]:
    """Return the ownership of fake shards."""

    async def opened(shard: Any, offset: int | None) -> None:
        world.opened.append((shard.partition, offset))

    async def closing(shard: Any) -> None:
        world.closing.append(shard.partition)

    executor = ThreadPoolExecutor(4)
    yield Ownership(None, tmp_path, executor, lambda: True, opened, closing)  # type: ignore[arg-type]  # asks none
    world.gate.set()
    executor.shutdown()


async def taken(ownership: Ownership, *partitions: int) -> None:
    """Wait for the take-overs."""
    await asyncio.wait([ownership.taking[partition].task for partition in partitions])


async def test_a_partition_comes_and_goes(ownership: Ownership, world: World) -> None:
    """Taken over, opened at its offset, closed with a second's grace, let go."""
    world.gate.set()
    ownership.begin([1])
    await taken(ownership, 1)
    assert (world.opened, dict(ownership.taking)) == ([(1, 7)], {})
    await ownership.drop([1], lost=False)
    await ownership.settled()
    assert world.shards[0].events == ["fenced", "started", "closed 1", "let go"]
    assert world.closing == [1]


@pytest.mark.parametrize("lost", [False, True])
async def test_a_take_over_that_is_revoked_before_it_began(ownership: Ownership, world: World, lost: bool) -> None:
    """The poller asked to cancel before the loop had begun: nobody is fenced, nothing opened."""
    ownership.cancel([1])
    ownership.begin([1])
    dropping = asyncio.ensure_future(ownership.drop([1], lost=lost))
    await asyncio.to_thread(world.reached.wait, 5)
    world.gate.set()
    await dropping
    await taken(ownership, 1)
    await ownership.settled()
    assert (world.shards[0].events, world.opened) == (["let go"], [])


async def test_a_revoke_waits_for_a_fence_under_way(ownership: Ownership, world: World) -> None:
    """Else it would fence the next owner; a partition that is lost already is not waited for."""
    ownership.begin([1])
    await asyncio.to_thread(world.reached.wait, 5)
    dropping = asyncio.ensure_future(ownership.drop([1], lost=False))
    done, _ = await asyncio.wait([dropping], timeout=0.05)
    assert not done
    await ownership.drop([1], lost=True)
    world.gate.set()
    await dropping


async def test_a_partition_that_comes_back_waits_until_it_was_let_go(ownership: Ownership, world: World) -> None:
    """The same databases are never open twice."""
    world.gate.set()
    ownership.begin([1])
    await taken(ownership, 1)
    await ownership.drop([1], lost=False)
    ownership.begin([1])
    await taken(ownership, 1)
    assert world.shards[0].events[-1] == "let go"
    assert world.shards[1].events == ["fenced", "started"]
    await ownership.drop([1], lost=False)
    await ownership.settled()
