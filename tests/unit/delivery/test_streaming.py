"""A source that waits for events: what it holds meanwhile, and what ends its waiting."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from connectors.errors import ConnectorError, FatalError, RetryableError
from connectors.ports import Limits, Window
from tests.unit.delivery.kit.feed import Feed
from tests.unit.delivery.kit.story import passing
from tests.unit.delivery.kit.vendor import most_within
from tests.unit.delivery.kit.virtual import virtual
from tests.unit.delivery.kit.world import LIMITS, World, put

ALONE = Limits((Window(1000, 60.0),), 1, 2.0)
Story = Callable[[World, Feed], Awaitable[None]]


def told(feed: Feed, story: Story, limits: Limits = LIMITS, lag: float = 0.0) -> World:
    """Return the world after the story was played beside the source's runner."""

    async def play() -> World:
        world = World(feed.vendor, limits, source=feed)
        runner = world.own().source("t1", "acme", lambda: lag)
        world._tasks.append(asyncio.ensure_future(runner.run()))
        await story(world, feed)
        await world.end()
        return world

    return virtual(play())


def names(world: World) -> list[str]:
    """Return what was read, in order."""
    return [record.remote_id for record in world.records]


def test_who_waits_holds_nothing() -> None:
    """With one slot in all, a write is carried out while the source waits, and an event is read at once."""

    async def story(world: World, feed: Feed) -> None:
        await passing(500)
        world.send(put("party/1"))
        await passing(1)
        assert len(world.results) == 1
        feed.publish()
        await passing(0.5)
        assert names(world) == ["event 0"]

    world = told(Feed(requests=2), story, ALONE)
    assert {record.origin for record in world.records} == {"stream"}
    assert world.rows("slot") == []


def test_every_request_takes_a_permit() -> None:
    """A busy stream keeps the vendor's window as everything else does."""

    async def story(world: World, feed: Feed) -> None:
        feed.publish(12)
        await passing(100)
        assert len(names(world)) == 12

    feed = Feed(requests=3)
    told(feed, story, Limits((Window(5, 10.0),), 2, 2.0))
    assert len(feed.vendor.arrivals) == 36
    assert most_within(feed.vendor.arrivals, 10.0) <= 5


def test_a_pause_ends_the_waiting() -> None:
    """While the operator pauses the connection nobody listens; then it goes on from the cursor."""

    async def story(world: World, feed: Feed) -> None:
        feed.publish(2)
        await passing(1)
        world.directory.put(paused=True)
        world.delivery.connection_changed("t1")
        await passing(1)
        assert feed.open == 0
        feed.publish(2)
        await passing(100)
        assert len(names(world)) == 2
        world.directory.put(revision=2)
        world.delivery.connection_changed("t1")
        await passing(1)

    feed = Feed()
    world = told(feed, story)
    assert names(world) == [f"event {n}" for n in range(4)]
    assert feed.reads == [None, "2/0"]


@pytest.mark.parametrize(("error", "seconds"), [(RetryableError("reset"), 5.0), (FatalError("no rights"), 301.0)])
def test_an_error_is_waited_out(error: ConnectorError, seconds: float) -> None:
    """After an error the source is opened again where it stood; after one that a person must mend, in five minutes."""

    async def story(_: World, feed: Feed) -> None:
        feed.publish()
        await passing(1)
        feed.errors.append(error)
        feed.publish()
        await passing(seconds)

    feed = Feed()
    world = told(feed, story)
    assert names(world) == ["event 0", "event 1"]
    assert feed.reads == [None, "1/0"]


def test_events_pass_a_backfill_that_has_no_room() -> None:
    """While the partition is behind, pages of history wait and events do not."""

    async def story(world: World, feed: Feed) -> None:
        feed.publish(3)
        await passing(60)
        assert names(world) == ["event 0", "event 1", "event 2"]

    told(Feed(history=3), story, lag=5.0)

    async def with_room(world: World, _: Feed) -> None:
        await passing(5)
        assert names(world) == ["page 0", "page 1", "page 2"]

    told(Feed(history=3), with_room)


def test_its_age_is_since_it_last_was_caught_up() -> None:
    """What the gauge shows grows while nothing tells that the end is reached."""

    async def play() -> None:
        feed = Feed()
        world = World(source=feed)
        runner = world.own().source("t1", "acme", lambda: 0.0)
        world._tasks.append(asyncio.ensure_future(runner.run()))
        await passing(100)
        assert runner.age_seconds > 99
        feed.publish()
        await passing(1)
        assert runner.age_seconds < 2
        await world.end()

    virtual(play())
