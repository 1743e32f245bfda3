"""What becomes of a command to write."""

from tests.unit.delivery.kit.vendor import FakeVendor
from tests.unit.delivery.kit.virtual import virtual
from tests.unit.delivery.kit.world import World, put


def test_a_command_is_delivered() -> None:
    """A command ends as an object at the vendor, a result in the inbox and an empty work list."""

    async def story() -> World:
        world = World()
        world.send(put("party/1"))
        await world.settle()
        return world

    world = virtual(story())
    assert [each.object for each in world.vendor.of("Customer")] == ["Customer"]
    assert [(r.object_key, r.remote_id, r.version) for r in world.results] == [("party/1", "1", 1)]
    assert world.kinds == ["looked", "attempted", "delivered"]
    assert world.rows("attempt") == world.rows("slot") == []
