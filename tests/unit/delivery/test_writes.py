"""What becomes of a command to write."""

import json

import pytest
from msgspec.structs import replace

from connectors.kafka.topics import COMMAND
from tests.unit.delivery.kit.story import failing, passing, play
from tests.unit.delivery.kit.vendor import FakeVendor
from tests.unit.delivery.kit.virtual import virtual
from tests.unit.delivery.kit.world import World, put

INVOICE = {"CustomerRef": {"value": {"$ref": "party/1"}}}


def test_a_command_is_delivered() -> None:
    """A command ends as an object at the vendor, a result in the inbox and an empty work list."""
    world = play(put("party/1"))
    assert len(world.vendor.of("Customer")) == 1
    assert [(r.object_key, r.remote_id, r.version) for r in world.results] == [("party/1", "1", 1)]
    assert world.kinds == ["looked", "attempted", "delivered"]
    assert world.rows("attempt") == world.rows("slot") == []


def test_results_carry_the_trace() -> None:
    """The result has the tenant's key, CloudEvents headers and the command's trace."""

    async def story() -> World:
        world = World()
        world.send(put("party/1"), headers=[("traceparent", b"00-aa-bb-01")])
        await world.settle()
        return world

    (output,) = virtual(story()).on("inbox.v1")
    headers = dict(output.headers)
    assert output.key == b"t1"
    assert headers["traceparent"] == b"00-aa-bb-01"
    assert headers["x-tenant"] == b"t1"
    assert headers["ce_type"] == b"sluiceway.inbox.VendorResult"
    assert headers["content-type"] == b"application/avro"


def test_a_write_follows_its_object_into_a_merge() -> None:
    """The crosswalk knows which object of the vendor is left; it gets the content that the other one had."""

    async def story() -> World:
        world = World()
        world.send(put("party/1"), put("party/2"))
        await world.settle()
        world.send(put("party/1", 2, body={"note": "party/1 v1"}, remote_id="2"))
        await world.settle()
        return world

    last = virtual(story()).vendor.writes[-1]
    assert (last.object_key, last.remote.id if last.remote else None) == ("party/1", "2")


def test_an_equal_body_needs_no_call() -> None:
    """A later version with the content that the vendor has is settled without a call, and older ones stay dropped."""
    body = {"note": "same"}
    world = play(put("party/1", 1, body=body), put("party/2"), put("party/1", 1, body=body))
    assert len(world.vendor.writes) == 2

    async def story() -> World:
        world = World()
        world.send(put("party/1", 1, body=body))
        world.own()
        while not world.settled:
            await world.point("wait")
            await passing(0.05)
        world.send(put("party/1", 3, body=body), put("party/1", 2, body={"note": "older"}, lane="other"))
        await passing(2)
        await world.end()
        return world

    world = virtual(story())
    assert len(world.vendor.writes) == 1
    assert [kind for kind in world.kinds if kind in {"unchanged", "superseded"}] == ["superseded", "unchanged"]
    assert world.settled


def test_newer_replaces_unstarted() -> None:
    """Of several versions that nobody has begun only the newest is sent, in the place of the first."""
    world = play(put("party/1", 1), put("party/1", 2), put("party/1", 3))
    assert [call.body["note"] for call in world.vendor.writes][-1] == "party/1 v3"
    assert len(world.vendor.writes) <= 2
    assert len(world.vendor.of("Customer")) == 1


def test_a_party_precedes_its_invoice() -> None:
    """In one lane the customer is delivered first, and the invoice gets its id."""
    world = play(put("party/1"), put("order/1", body=INVOICE))
    assert [call.object for call in world.vendor.writes] == ["Customer", "Invoice"]
    assert world.vendor.of("Invoice")[0].body == {"CustomerRef": {"value": "1"}}


@pytest.mark.parametrize("lane", ["party", "another"])
def test_a_child_waits_for_its_parent(lane: str) -> None:
    """An invoice that comes before its customer lets it pass and follows at once."""
    world = play(put("order/1", body=INVOICE), put("party/1", lane=lane), seconds=60)
    assert world.settled
    assert [call.object for call in world.vendor.writes] == ["Customer", "Invoice"]


def test_a_parent_that_never_comes() -> None:
    """After ten minutes the child is a dead letter with its original bytes and the missing key."""
    world = play(put("order/1", body=INVOICE), seconds=599)
    assert not world.dead_letters
    world = play(put("order/1", body=INVOICE), seconds=610)
    (letter,) = world.dead_letters
    headers = dict(letter.headers)
    assert letter.value == world.log[0].value
    assert headers["__connect.errors.topic"] == COMMAND.name.encode()
    assert headers["__connect.errors.offset"] == b"0"
    assert headers["x-error-class"] == b"MissingReferenceError"
    assert headers["x-stage"] == b"connect.delivery"
    assert b"party/1" in headers["__connect.errors.exception.message"]
    assert world.settled


def test_the_parents_clock_stands_while_paused() -> None:
    """A pause of the connection does not count towards the ten minutes."""

    async def story() -> World:
        world = World()
        world.send(put("order/1", body=INVOICE))
        world.own()
        await passing(300)
        world.directory.put(paused=True, revision=2)
        world.delivery.connection_changed("t1")
        await passing(3600)
        world.directory.put(revision=3)
        world.delivery.connection_changed("t1")
        await passing(200)
        assert not world.dead_letters
        world.send(put("party/1", lane="other"))
        await passing(30)
        await world.end()
        return world

    world = virtual(story())
    assert [call.object for call in world.vendor.writes] == ["Customer", "Invoice"]
    assert {"paused", "resumed"} <= set(world.kinds)


def test_a_rejected_command_is_a_dead_letter() -> None:
    """What the vendor refuses goes to the dead letters with code and reason; its lane goes on."""
    world = play(put("party/1"), put("party/2"), vendor=FakeVendor(failing(n0="reject")))
    (letter,) = world.dead_letters
    assert dict(letter.headers)["__connect.errors.exception.message"] == b"the amount is wrong"
    assert [r.object_key for r in world.results] == ["party/2"]
    assert world.settled


@pytest.mark.parametrize("body", ["[]", "{", '{"a": NaN}'])
def test_a_body_that_is_no_object(body: str) -> None:
    """A body that is not a JSON object is a dead letter; nothing is sent."""
    command = put("party/1")
    broken = replace(command, body=body)
    world = play(broken)
    assert len(world.dead_letters) == 1
    assert not world.vendor.writes


def test_lookups_are_asked_once() -> None:
    """A look-up is resolved through the sink and remembered; one without a hit is a dead letter that names it."""
    vendor = FakeVendor(names={("Class", "Web"): "77"})
    found = {"ClassRef": {"value": {"$lookup": {"object": "Class", "name": "Web"}}}}
    missing = {"ClassRef": {"value": {"$lookup": {"object": "Class", "name": "Shop"}}}}
    world = play(put("order/1", body=found), put("order/2", body=found), put("order/3", body=missing), vendor=vendor)
    assert [each.body for each in vendor.of("Invoice")] == [{"ClassRef": {"value": "77"}}] * 2
    assert vendor.looked_up == [("Class", "Web"), ("Class", "Shop")]
    (letter,) = world.dead_letters
    assert b"no Class named 'Shop'" in dict(letter.headers)["__connect.errors.exception.message"]


def test_void_of_what_never_was() -> None:
    """A void that comes before anything was sent takes the put with it; the vendor hears nothing."""

    async def story() -> World:
        world = World()
        world.directory.put(paused=True)
        world.send(put("order/1"), put("order/1", 2, operation="VOID"))
        world.own()
        await passing(1)
        world.directory.put(revision=2)
        world.delivery.connection_changed("t1")
        await passing(5)
        await world.end()
        return world

    world = virtual(story())
    assert world.vendor.arrivals == []
    assert world.settled
    assert world.kinds[-1] == "unchanged"


@pytest.mark.parametrize("operation", ["VOID", "DELETE"])
def test_ending_an_object(operation: str) -> None:
    """A void or delete goes to the object that was created, with its token."""
    world = play(put("order/1"), put("party/2"), put("order/1", 2, operation=operation))
    assert world.vendor.of("Invoice") == []
    assert world.results[-1].operation == operation
    assert world.settled


def test_a_batch_has_one_outcome_each() -> None:
    """Of calls sent together each has its own end; never two of one lane."""
    vendor = FakeVendor(lambda _, call: "reject" if call.object_key == "party/3" else "ok")
    world = play(*(put(f"party/{n}", lane=f"{n % 4}") for n in range(8)), vendor=vendor, max_batch=5)
    assert len(world.results) == 7
    assert len(world.dead_letters) == 1
    assert world.settled


def test_live_goes_before_backfill() -> None:
    """A command of a backfill waits until live ones are under way."""

    async def story() -> World:
        world = World()
        world.directory.put(paused=True)
        world.send(*(put(f"party/{n}", lane=f"old {n}") for n in range(30)), headers=[("x-origin", b"backfill")])
        world.send(put("party/live", lane="live"))
        world.own()
        await passing(1)
        world.directory.put(revision=2)
        world.delivery.connection_changed("t1")
        await passing(30)
        await world.end()
        return world

    world = virtual(story())
    assert world.settled
    assert world.vendor.finds[0].object_key == "party/live"


def test_a_lost_shard_ends_quietly() -> None:
    """When the partition belongs to someone else the delivery ends without an error."""

    async def story() -> None:
        world = World()
        world.send(put("party/1"))
        world.own()
        await passing(0.02)
        world.shard.lose()
        await passing(5)
        assert world._tasks[0].done()
        assert world._tasks[0].exception() is None

    virtual(story())


def test_a_stop_lets_calls_end() -> None:
    """Cancelled, a call under way may end within a second and its outcome is committed."""

    async def story() -> World:
        world = World(FakeVendor(latency=0.4))
        world.send(put("party/1"))
        world.own()
        await passing(0.6)
        world._tasks[0].cancel()
        await passing(2)
        return world

    world = virtual(story())
    assert [r.object_key for r in world.results] == ["party/1"]
    assert world.rows("attempt") == world.rows("slot") == []


def test_a_shard_that_may_be_lost_sends_nothing() -> None:
    """While the process has not been heard of within the session timeout nothing is sent; afterwards it goes on."""

    async def story() -> World:
        world = World()
        world.send(put("party/1"))
        world.own()
        world.shard.fresh = False
        await passing(5)
        assert world.vendor.arrivals == []
        world.shard.fresh = True
        await passing(5)
        await world.end()
        return world

    world = virtual(story())
    assert world.settled
    assert len(world.vendor.writes) == 1


def test_body_is_sent_with_exact_decimals() -> None:
    """Amounts reach the sink as decimals with the digits of the command."""
    command = put("order/1")
    exact = replace(command, body='{"Amount": 1234567890.10}')
    world = play(exact)
    assert str(world.vendor.writes[0].body["Amount"]) == "1234567890.10"
    assert json.loads(exact.body)
