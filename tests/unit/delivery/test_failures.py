"""What becomes of a command when the vendor fails, refuses, clashes or pauses."""

from tests.unit.delivery.kit.story import failing, passing, play
from tests.unit.delivery.kit.vendor import FakeVendor, Stored
from tests.unit.delivery.kit.virtual import virtual
from tests.unit.delivery.kit.world import LIMITS, World, put

INVOICE = {"CustomerRef": {"value": {"$ref": "party/1"}}}


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
        await passing(0.5)
        world.send(put("party/1", 2))
        await passing(10)
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
        await passing(2)
        world.vendor.of("Customer")[0].token = 7
        world.send(put("party/1", 2))
        await passing(2)
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


def test_a_young_object_is_not_taken_for_gone() -> None:
    """While the vendor's reads may not show our last write yet, not finding the object means waiting."""
    vendor = FakeVendor(failing(n1="stale"), read_lag=1.5)

    async def story() -> World:
        world = World(vendor)
        world.send(put("party/1"))
        world.own()
        await passing(0.5)
        world.send(put("party/1", 2))
        await passing(30)
        await world.end()
        return world

    world = virtual(story())
    assert not world.dead_letters
    assert vendor.of("Customer")[0].body["note"] == "party/1 v2"


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
        await passing(60)
        assert len(world.reviews) == 1
        assert len(world.rows("todo")) == 1
        assert [r.object_key for r in world.results] == ["party/2"]
        world.send(put("party/1", 2, body={"name": "Ada L."}))
        await passing(10)
        await world.end()
        return world

    world = virtual(story())
    assert world.settled
    assert [r.object_key for r in world.results] == ["party/2", "party/1"]


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
        await passing(20)
        world.directory.put(revision=2)
        world.delivery.connection_changed("t1")
        await passing(5)
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
