"""What those are told who wait for a command."""

from collections.abc import Sequence

from connectors.kafka.records import Reply
from connectors.kafka.topics import REPLY
from streams.replies import Asked
from tests.unit.delivery.kit.story import failing, passing
from tests.unit.delivery.kit.vendor import FakeVendor, Stored
from tests.unit.delivery.kit.virtual import virtual
from tests.unit.delivery.kit.world import CODEC, World, put

KEYS = [Asked("k1", "d1"), Asked("k:2", "d2")]


def told(world: World) -> Sequence[tuple[str, str, str | None]]:
    """Return key, state and remote id of the replies."""
    replies = [CODEC.decode_as(output.value or b"", Reply) for output in world.on(REPLY.name)]
    return [(reply.key, reply.state, reply.remote_id) for reply in replies]


def settled(vendor: FakeVendor | None = None) -> World:
    """Return the world after a command that answers a request was settled, or waits for a person."""

    async def story() -> World:
        world = World(vendor)
        world.send(put("party/1"), headers=[KEYS[0].header])
        await world.settle(60)
        return world

    return virtual(story())


def test_delivered_is_done() -> None:
    """The answer has the vendor's id, in the commit of the result; a command that nobody asked for has none."""
    assert told(settled()) == [("k1", "done", "1")]


def test_refused_is_failed() -> None:
    """A dead letter says why to who waits."""
    world = settled(FakeVendor(failing(n0="reject")))
    assert told(world) == [("k1", "failed", None)]
    assert len(world.dead_letters) == 1


def test_a_clash_is_in_review() -> None:
    """Another's object of that name: a person decides; what then takes its place answers."""
    vendor = FakeVendor()
    vendor.objects["9"] = Stored("9", "Customer", "other", {"name": "Ada"})

    async def story() -> World:
        world = World(vendor)
        world.send(put("party/1", body={"name": "Ada"}), headers=[KEYS[0].header])
        world.own()
        await passing(60)
        assert told(world) == [("k1", "in_review", None)]
        world.send(put("party/1", 2, body={"name": "Ada L."}))
        await passing(10)
        await world.end()
        return world

    assert told(virtual(story())) == [("k1", "in_review", None), ("k1", "done", "2")]


def test_nothing_to_do_is_done() -> None:
    """The vendor has it already: the answer comes without a call."""

    async def story() -> World:
        world = World()
        world.send(put("party/1", 1, body={"note": "same"}))
        world.own()
        await passing(5)
        world.send(put("party/1", 2, body={"note": "same"}), headers=[KEYS[0].header])
        await passing(5)
        world.send(put("party/1", 2, body={"note": "same"}), headers=[KEYS[1].header])
        await passing(5)
        await world.end()
        return world

    world = virtual(story())
    assert told(world) == [("k1", "done", "1"), ("k:2", "done", "1")]
    assert len(world.vendor.writes) == 1


def test_who_waited_for_a_replaced_command_is_answered_too() -> None:
    """A newer version in its place answers both."""

    async def story() -> World:
        world = World()
        world.directory.put(paused=True)
        world.send(put("party/1", 1), headers=[KEYS[0].header])
        world.send(put("party/1", 2))
        world.send(put("party/1", 3), headers=[KEYS[1].header])
        world.own()
        await passing(1)
        await world.end()
        world.directory.put()
        await world.settle(60)
        return world

    world = virtual(story())
    assert len(world.vendor.writes) == 1
    assert sorted(told(world)) == [("k1", "done", "1"), ("k:2", "done", "1")]


def test_a_request_overtakes_other_lanes() -> None:
    """Many wait; the request that came last is the first to be worked on."""

    async def story() -> World:
        world = World()
        world.directory.put(paused=True)
        world.send(*(put(f"party/{number}", lane=str(number)) for number in range(5)))
        world.send(put("party/asked", lane="asked"), headers=[KEYS[0].header])
        world.own()
        await passing(1)
        await world.end()
        world.directory.put()
        await world.settle(60)
        return world

    assert virtual(story()).vendor.finds[0].object_key == "party/asked"
