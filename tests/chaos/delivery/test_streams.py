"""Owners of a streaming source die at every place where it could matter."""

import asyncio
from collections.abc import Iterable

import pytest

from tests.unit.delivery.kit.feed import Feed
from tests.unit.delivery.kit.virtual import VirtualClock, virtual
from tests.unit.delivery.kit.world import World

SECONDS = 30.0
MOST_POINTS = 200
EXPECTED = {f"event {n}" for n in range(6)} | {f"page {n}" for n in range(4)}


async def followed(kill_at: Iterable[int]) -> World:
    """Return the world after owners that may die followed a stream with a backfill beside it."""
    feed = Feed(requests=2, history=4)
    world = World(feed.vendor, kill_at=kill_at, source=feed)
    feed.point = world.point
    end, published = VirtualClock().now().timestamp() + SECONDS, 0
    while VirtualClock().now().timestamp() < end:
        runner = world.own().source("t1", "acme", lambda: 0.0)
        world._tasks.append(asyncio.ensure_future(runner.run()))
        while VirtualClock().now().timestamp() < end and not world._killed.is_set():
            if published < 6:
                feed.publish()
                published += 1
            await asyncio.sleep(0.4)
        world._killed.clear()
        await world.end()
    return world


def test_a_death_anywhere_loses_and_repeats_nothing(request: pytest.FixtureRequest) -> None:
    """Killed at any one place, the next owner reads on from the cursor: every record is in the inbox, once."""
    every = 4 if request.config.getoption("--chaos-rounds") == 1 else 1
    for kill_at in range(request.config.getoption("--chaos-seed") % every, MOST_POINTS, every):
        world = virtual(followed((kill_at,)))
        assert sorted(record.remote_id for record in world.records) == sorted(EXPECTED), kill_at
        if world.points < kill_at:
            return
    pytest.fail("more places to die at than expected")
