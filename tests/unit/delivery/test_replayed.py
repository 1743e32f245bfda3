"""A dead letter that is sent again, when the object it is about has gone on meanwhile."""

import pytest

from connectors.kafka.records import Command
from streams.dead_letters import original
from streams.runtime.types import Record
from tests.unit.delivery.kit.story import failing, passing
from tests.unit.delivery.kit.vendor import FakeVendor
from tests.unit.delivery.kit.virtual import virtual
from tests.unit.delivery.kit.world import CODEC, World, put


def replay(world: World) -> None:
    """Do what `sluiceway dlq replay` does with the one dead letter."""
    (letter,) = world.dead_letters
    again = original(Record(letter.topic, letter.partition, 0, letter.key, letter.value, letter.headers, 0))
    world.send(CODEC.decode_as(again.value or b"", Command), headers=again.headers)


@pytest.mark.parametrize(
    ("state", "detail"),
    [
        ("delivered", "version 2 was asked for since"),
        ("waiting", "a newer version is to be delivered"),
        ("under way", "a newer version is to be delivered"),
    ],
)
def test_an_older_version_overwrites_nothing(state: str, detail: str) -> None:
    """The vendor has the newer body, was sent the older one only before, and the journal tells why."""

    async def story() -> World:
        world = World(FakeVendor(failing(n0="reject"), latency=3.0))
        world.send(put("party/1"))
        world.own()
        await passing(10)
        if state == "waiting":
            world.directory.put(paused=True, revision=2)
            world.delivery.connection_changed("t1")
        world.send(put("party/1", 2))
        await passing({"delivered": 10, "waiting": 1, "under way": 4}[state])
        assert len(world.vendor.writes) == {"delivered": 2, "waiting": 1, "under way": 2}[state]
        replay(world)
        await passing(1)
        world.directory.put(revision=3)
        world.delivery.connection_changed("t1")
        await passing(20)
        await world.end()
        return world

    world = virtual(story())
    assert world.settled
    assert [call.body["note"] for call in world.vendor.writes] == ["party/1 v1", "party/1 v2"]
    assert [one.body["note"] for one in world.vendor.of("Customer")] == ["party/1 v2"]
    told = [(one.version, one.detail) for one in world.journal if one.kind == "superseded"]
    assert told == [(1, detail)]


def test_a_version_that_is_still_the_newest_is_delivered() -> None:
    """Nothing came meanwhile: what was refused is carried out as it was asked for."""

    async def story() -> World:
        world = World(FakeVendor(failing(n0="reject")))
        world.send(put("party/1"))
        await world.settle(5)
        replay(world)
        await world.settle(5)
        return world

    world = virtual(story())
    assert [one.body["note"] for one in world.vendor.of("Customer")] == ["party/1 v1"]
