"""What becomes of a command to write."""

import json
from collections.abc import Callable

import pytest

from connectors.kafka.records import Command
from connectors.kafka.topics import COMMAND
from connectors.ports import Call
from tests.unit.delivery.kit.vendor import FakeVendor, Stored
from tests.unit.delivery.kit.virtual import virtual
from tests.unit.delivery.kit.world import LIMITS, World, put

INVOICE = {"CustomerRef": {"value": {"$ref": "party/1"}}}


def play(*commands: Command, vendor: FakeVendor | None = None, seconds: float = 600.0, max_batch: int = 1) -> World:
    """Return the world after the commands were settled, or the time was up."""

    async def story() -> World:
        world = World(vendor, LIMITS, max_batch=max_batch)
        world.send(*commands)
        await world.settle(seconds)
        return world

    return virtual(story())


def failing(**by_number: str) -> Callable[[int, Call], str]:
    """Return a script: write `n0`, `n1` … fail so."""
    return lambda number, _: by_number.get(f"n{number}", "ok")


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
            await _passing(0.05)
        world.send(put("party/1", 3, body=body), put("party/1", 2, body={"note": "older"}, lane="other"))
        await _passing(2)
        await world.end()
        return world

    world = virtual(story())
    assert len(world.vendor.writes) == 1
    assert world.kinds[-1] == "superseded" or "superseded" in world.kinds
    assert world.settled


async def _passing(seconds: float) -> None:
    import asyncio  # noqa: PLC0415

    await asyncio.sleep(seconds)


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
        await _passing(300)
        world.directory.put(paused=True, revision=2)
        world.delivery.connection_changed("t1")
        await _passing(3600)
        world.directory.put(revision=3)
        world.delivery.connection_changed("t1")
        await _passing(200)
        assert not world.dead_letters
        world.send(put("party/1", lane="other"))
        await _passing(30)
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
    broken = Command(**{name: getattr(command, name) for name in command.__slots__} | {"body": body})
    world = play(broken)
    assert len(world.dead_letters) == 1
    assert not world.vendor.writes


def test_retry_after_is_kept() -> None:
    """A throttled call is repeated no earlier than the vendor wishes, with the same request id."""
    world = play(put("party/1"), vendor=FakeVendor(failing(n0="throttle")))
    first, second = world.vendor.writes
    assert first.request_id == second.request_id
    (retrying,) = [entry for entry in world.journal if entry.kind == "retrying"]
    assert retrying.code == "3001"
    assert retrying.not_before is not None
    assert (retrying.not_before - retrying.at).total_seconds() == 1.0


def test_in_doubt_waits_looks_and_repeats() -> None:
    """After a lost answer: the vendor's time, one look, then the same request id."""
    world = play(put("party/1"), vendor=FakeVendor(failing(n0="reset")))
    first, second = world.vendor.writes
    assert first.request_id == second.request_id
    assert world.vendor.arrivals[-2] - world.vendor.arrivals[-3] >= LIMITS.in_doubt_seconds
    assert len(world.vendor.finds) == 2
    assert second.attempted_at == world.vendor.finds[1].attempted_at


def test_found_in_doubt_is_adopted() -> None:
    """What was carried out although the answer was lost is not sent again."""
    world = play(put("party/1"), vendor=FakeVendor(failing(n0="commit_then_reset"), remembers=False))
    assert len(world.vendor.writes) == 1
    assert world.kinds[-1] == "adopted"
    assert [r.remote_id for r in world.results] == ["1"]


def test_another_body_waits_out_the_doubt() -> None:
    """A newer version of an object in doubt is not sent before the doubt is over."""

    async def story() -> World:
        world = World(FakeVendor(failing(n0="commit_late")))
        world.send(put("party/1"))
        world.own()
        await _passing(0.5)
        world.send(put("party/1", 2))
        await _passing(10)
        await world.end()
        return world

    world = virtual(story())
    assert len(world.vendor.of("Customer")) == 1
    assert world.vendor.of("Customer")[0].body["note"] == "party/1 v2"
    assert world.vendor.overlaps == []


def test_not_sent_is_not_in_doubt() -> None:
    """A call that surely was not sent is repeated without look or wait for the vendor's time."""
    world = play(put("party/1"), vendor=FakeVendor(failing(n0="not_sent")))
    assert len(world.vendor.finds) == 1
    assert "in_doubt" not in world.kinds


def test_stale_reads_the_token_again() -> None:
    """A change by someone else costs one look for the fresh token, then the write is repeated."""

    async def story() -> World:
        world = World()
        world.send(put("party/1"))
        world.own()
        await _passing(2)
        world.vendor.of("Customer")[0].token = 7
        world.send(put("party/1", 2))
        await _passing(2)
        await world.end()
        return world

    world = virtual(story())
    assert world.vendor.of("Customer")[0].body["note"] == "party/1 v2"
    assert [c.remote.sync_token for c in world.vendor.writes if c.remote] == ["0", "7"]


def test_an_id_from_the_crosswalk_is_updated() -> None:
    """A command that knows the vendor's id updates that object, with a token read first."""
    vendor = FakeVendor()
    vendor.objects["41"] = Stored("41", "Customer", "", {}, token=3)
    world = play(put("party/1", remote_id="41"), vendor=vendor)
    (call,) = world.vendor.writes
    assert call.remote is not None
    assert (call.remote.id, call.remote.sync_token) == ("41", "3")


def test_an_id_that_is_gone() -> None:
    """A known object that the vendor has no more is a dead letter that says so, not a new object."""
    world = play(put("party/1", remote_id="41"))
    assert not world.vendor.writes
    (letter,) = world.dead_letters
    assert b"is gone at the vendor" in dict(letter.headers)["__connect.errors.exception.message"]


def test_a_duplicate_of_ours_is_adopted() -> None:
    """A clash with an object that carries our reference becomes an update of it."""
    vendor = FakeVendor(read_lag=0.0)
    made = Stored("9", "Customer", "party/1", {"name": "Ada"}, visible_at=1.0)
    vendor.objects["9"] = made
    vendor._keyed["party/1"] = [made]
    vendor.latency = 0.6
    world = play(put("party/1", body={"name": "Ada", "note": "new"}), vendor=vendor)
    assert [each.id for each in vendor.of("Customer")] == ["9"]
    assert made.body["note"] == "new"
    assert world.settled


def test_a_foreign_duplicate_is_reviewed() -> None:
    """A clash with someone else's object is asked once and parked; the lane goes on; a newer version tries again."""
    vendor = FakeVendor()
    vendor.objects["9"] = Stored("9", "Customer", "other", {"name": "Ada"})

    async def story() -> World:
        world = World(vendor)
        world.send(put("party/1", body={"name": "Ada"}), put("party/2"))
        world.own()
        await _passing(60)
        assert len(world.reviews) == 1
        assert len(world.rows("todo")) == 1
        assert [r.object_key for r in world.results] == ["party/2"]
        world.send(put("party/1", 2, body={"name": "Ada L."}))
        await _passing(10)
        await world.end()
        return world

    world = virtual(story())
    assert world.settled
    assert [r.object_key for r in world.results] == ["party/2", "party/1"]


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
        await _passing(1)
        world.directory.put(revision=2)
        world.delivery.connection_changed("t1")
        await _passing(5)
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


def test_unauthorised_pauses_and_tries_again() -> None:
    """A refused token pauses the connection; the command is delivered when it is accepted again, five minutes later."""
    world = play(put("party/1"), put("party/2", lane="b"), vendor=FakeVendor(failing(n0="unauthorized")), seconds=290)
    assert not world.dead_letters
    assert len(world.vendor.writes) <= 2
    world = play(put("party/1"), vendor=FakeVendor(failing(n0="unauthorized")), seconds=320)
    assert [r.object_key for r in world.results] == ["party/1"]
    assert [kind for kind in world.kinds if kind in {"paused", "resumed"}] == ["paused", "resumed"]


def test_a_changed_connection_ends_the_pause() -> None:
    """New credentials are tried at once, not after five minutes."""

    async def story() -> World:
        world = World(FakeVendor(failing(n0="unauthorized")))
        world.send(put("party/1"))
        world.own()
        await _passing(20)
        world.directory.put(revision=2)
        world.delivery.connection_changed("t1")
        await _passing(5)
        await world.end()
        return world

    assert virtual(story()).settled


def test_a_spent_quota_pauses_until_its_reset() -> None:
    """The vendor's own limit pauses the connection until the instant it names; nothing is lost."""
    world = play(put("party/1"), vendor=FakeVendor(failing(n0="quota")), seconds=4000)
    (paused,) = [entry for entry in world.journal if entry.kind == "paused"]
    assert paused.not_before is not None
    assert world.settled
    assert len(world.results) == 1


def test_a_surprise_ends_as_a_dead_letter() -> None:
    """A connector that raises what it must not is tried three times and looked after, then given up."""
    world = play(put("party/1"), vendor=FakeVendor(lambda *_: "surprise"))
    assert len(world.vendor.writes) == 3
    (letter,) = world.dead_letters
    assert dict(letter.headers)["x-error-class"] == b"UnexpectedError"
    assert dict(letter.headers)["x-attempt"] == b"3"


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
        await _passing(1)
        world.directory.put(revision=2)
        world.delivery.connection_changed("t1")
        await _passing(30)
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
        await _passing(0.02)
        world.shard.lose()
        await _passing(5)
        assert world._tasks[0].done()
        assert world._tasks[0].exception() is None

    virtual(story())


def test_a_stop_lets_calls_end() -> None:
    """Cancelled, a call under way may end within a second and its outcome is committed."""

    async def story() -> World:
        world = World(FakeVendor(latency=0.4))
        world.send(put("party/1"))
        world.own()
        await _passing(0.6)
        world._tasks[0].cancel()
        await _passing(2)
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
        await _passing(5)
        assert world.vendor.arrivals == []
        world.shard.fresh = True
        await _passing(5)
        await world.end()
        return world

    world = virtual(story())
    assert world.settled
    assert len(world.vendor.writes) == 1


def test_body_is_sent_with_exact_decimals() -> None:
    """Amounts reach the sink as decimals with the digits of the command."""
    command = put("order/1")
    exact = Command(**{n: getattr(command, n) for n in command.__slots__} | {"body": '{"Amount": 1234567890.10}'})
    world = play(exact)
    assert str(world.vendor.writes[0].body["Amount"]) == "1234567890.10"
    assert json.loads(exact.body)
