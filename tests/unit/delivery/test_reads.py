"""What becomes of a command to read, and of a source's pages."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from connectors.errors import ConnectorError, FatalError, QuotaError, RejectedError, RetryableError
from connectors.kafka.records import VendorRecord, VendorResult
from connectors.ports import Batch, Call, Raw
from tests.unit.delivery.kit.story import passing
from tests.unit.delivery.kit.vendor import FakeVendor
from tests.unit.delivery.kit.virtual import VirtualClock, virtual
from tests.unit.delivery.kit.world import CODEC, World, fetch, put


@dataclass
class Pages:
    """A source whose pages are numbered; `error` is raised once before the page it names."""

    pages: int = 3
    records: int = 2
    error: tuple[int, ConnectorError | ZeroDivisionError] | None = None
    name: str = "acme"
    reads: list[str | None] = field(default_factory=list)
    given: list[int] = field(default_factory=list)

    async def read(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yield the pages after the cursor."""
        self.reads.append(cursor)
        for number in range(int(cursor or 0), self.pages):
            if self.error is not None and self.error[0] == number:
                error, self.error = self.error[1], None
                raise error
            self.given.append(number)
            yield Batch([Raw("Account", f"{number}-{n}", "1", b"{}") for n in range(self.records)], str(number + 1))


def test_fetches_are_gathered() -> None:
    """Fetches that come together are read with one call, and end as records and journal lines in the same commit."""

    async def story() -> World:
        world = World()
        world.send(*(fetch(str(n)) for n in range(20)), fetch("3"), fetch("x", object_type="Invoice"))
        await world.settle()
        return world

    world = virtual(story())
    assert sorted(len(ids) for _, ids in world.vendor.fetched) == [1, 20]
    assert len(world.records) == 21
    assert {r.origin for r in world.records} == {"fetch"}
    assert world.kinds.count("fetched") == 21


def test_at_most_fifty_at_once() -> None:
    """One call reads at most fifty objects."""

    async def story() -> World:
        world = World()
        world.send(*(fetch(str(n)) for n in range(120)))
        await world.settle()
        return world

    world = virtual(story())
    assert [len(ids) for _, ids in world.vendor.fetched] == [50, 50, 20]


def test_a_steady_stream_is_not_gathered_for_ever() -> None:
    """While fetches keep coming they are gathered for three seconds at most."""

    async def story() -> World:
        world = World()
        world.own()
        for n in range(200):
            world.send(fetch(str(n)))
            await passing(0.04)
        await passing(5)
        await world.end()
        return world

    world = virtual(story())
    assert world.settled
    assert world.vendor.arrivals[0] <= 3.2
    assert 3 <= len(world.vendor.fetched) <= 7


def test_a_fetch_under_way_does_not_swallow_the_next() -> None:
    """A hint that comes while its object is being read leads to another read."""

    async def story() -> World:
        world = World(FakeVendor(latency=2.0))
        world.own()
        world.send(fetch("1"))
        await passing(1)
        world.send(fetch("1"))
        await passing(10)
        await world.end()
        return world

    assert [ids for _, ids in virtual(story()).vendor.fetched] == [("1",), ("1",)]


def test_a_read_older_than_promised_is_repeated() -> None:
    """While the vendor's reads lag behind what a hint promised the object is read again; then the record is written."""

    async def story() -> World:
        world = World(FakeVendor(versions={"1": "2026-01-01"}))
        world.own()
        world.send(fetch("1", "2026-01-02"))
        await passing(1)
        assert not world.records
        world.vendor.versions["1"] = "2026-01-02"
        await passing(60)
        await world.end()
        return world

    world = virtual(story())
    assert [r.source_version for r in world.records] == ["2026-01-02"]
    assert world.settled


def test_an_echo_of_our_own_write_is_dropped() -> None:
    """A hint no newer than the answer to our own write needs no call; a newer one does."""

    async def story() -> World:
        world = World(FakeVendor(versions={"1": "v1"}))
        world.own()
        world.send(put("party/1"))
        await passing(2)
        world.send(fetch("1", "v0", "Customer"))
        await passing(2)
        assert world.vendor.fetched == []
        world.send(fetch("1", "v1", "Customer"))
        await passing(2)
        await world.end()
        return world

    world = virtual(story())
    assert len(world.vendor.fetched) == 1
    assert world.settled


def test_our_own_new_object_is_not_read_as_a_stranger() -> None:
    """A record that may be a create of ours in doubt follows that create's result."""

    async def story() -> World:
        world = World(FakeVendor(lambda number, _: "commit_then_reset" if number == 0 else "ok", latency=0.2))
        world.own()
        world.send(put("party/1"))
        await passing(1)
        world.send(fetch("1", None, "Customer"))
        await passing(20)
        await world.end()
        return world

    world = virtual(story())
    kinds = [CODEC.decode(output.value or b"")[0] for output in world.on("inbox.v1")]
    assert kinds == [VendorResult.SCHEMA, VendorRecord.SCHEMA]


def test_one_bad_id_spoils_only_itself() -> None:
    """When a round is refused its objects are read one by one, and only the refused one is a dead letter."""

    async def story() -> World:
        world = World(FakeVendor(refused={"bad"}))
        world.send(fetch("1"), fetch("bad"), fetch("2"))
        await world.settle()
        return world

    world = virtual(story())
    assert sorted(r.remote_id for r in world.records) == ["1", "2"]
    assert len(world.dead_letters) == 1


def test_a_fetch_without_an_id_is_refused_at_intake() -> None:
    """A fetch that does not say what to read is refused where the guard makes a dead letter of it."""

    async def story() -> None:
        world = World()
        world.send(fetch(""))
        world.own()
        await passing(0.1)
        with pytest.raises(RejectedError, match="needs remote_id"):
            world._tasks[1].result()
        world._tasks[0].cancel()

    virtual(story())


def read(pages: Pages, seconds: float = 20.0, kill_at: tuple[int, ...] = ()) -> World:
    """Return the world after its source was read for some time by owners that may die."""

    async def story() -> World:
        world = World(source=pages, kill_at=kill_at)
        end = VirtualClock().now().timestamp() + seconds
        while VirtualClock().now().timestamp() < end:
            delivery = world.own()
            runner = delivery.source("t1", "acme", lambda: 0.0)
            world._tasks.append(asyncio.ensure_future(runner.run()))
            while VirtualClock().now().timestamp() < end and not world._killed.is_set():
                await passing(0.05)
            world._killed.clear()
            await world.end()
        return world

    return virtual(story())


def test_pages_and_cursor_are_one() -> None:
    """Every record is written once, and the next read starts at the cursor after the last page."""
    pages = Pages()
    world = read(pages)
    assert [r.remote_id for r in world.records] == ["0-0", "0-1", "1-0", "1-1", "2-0", "2-1"]
    assert {r.origin for r in world.records} == {"poll"}
    assert pages.reads[0] is None
    assert set(pages.reads[1:]) == {"3"}
    assert len(pages.reads) == 4


def test_a_death_repeats_no_page() -> None:
    """Killed anywhere, the next owner goes on from the cursor: no record is lost or written twice."""
    for kill_at in range(30):
        world = read(Pages(), kill_at=(kill_at,))
        assert [r.remote_id for r in world.records] == ["0-0", "0-1", "1-0", "1-1", "2-0", "2-1"], kill_at


@pytest.mark.parametrize("error", [RetryableError("busy"), ZeroDivisionError(), RejectedError("no")])
def test_a_failed_read_is_repeated_from_the_cursor(error: ConnectorError | ZeroDivisionError) -> None:
    """After an error of any kind the source waits and reads on; nothing is lost or doubled."""
    pages = Pages(error=(1, error))
    world = read(pages, 60)
    assert len(world.records) == 6
    assert pages.reads[:2] == [None, "1"]


def test_a_source_without_rights_pauses_the_connection() -> None:
    """Wrong credentials pause the connection with a line in the journal, and are tried again after five minutes."""
    pages = Pages(error=(0, FatalError("client secret is wrong")))
    world = read(pages, 290)
    assert not world.records
    (paused,) = [entry for entry in world.journal if entry.kind == "paused"]
    assert "client secret is wrong" in (paused.detail or "")
    assert len(read(Pages(error=(0, FatalError("wrong"))), 310).records) == 6


def test_a_source_waits_for_its_quota() -> None:
    """A spent quota pauses until the vendor counts anew."""

    async def later() -> QuotaError:
        return QuotaError("daily", until=VirtualClock().now())

    error = virtual(later())
    assert len(read(Pages(error=(1, error)), 30).records) == 6


def test_a_backfill_waits_for_room() -> None:
    """The next page of a backfill is read only when inbox and command are not behind."""

    async def story() -> None:
        pages, lag = Pages(), [5.0]
        world = World(source=pages)
        runner = world.own().source("t1", "acme", lambda: lag[0])
        world._tasks.append(asyncio.ensure_future(runner.run()))
        await passing(10)
        assert pages.given == [0]
        lag[0] = 0.0
        await passing(10)
        assert pages.given == [0, 1, 2]
        assert runner.age_seconds < 10
        await world.end()

    virtual(story())


def test_a_page_may_hold_our_own_object() -> None:
    """A page read while a create of ours is in doubt waits for its result."""

    class Late(Pages):
        async def read(self, cursor: str | None) -> AsyncIterator[Batch]:
            if cursor is None:
                yield Batch([Raw("Customer", "1", "1", b"{}")], "1")

    def script(number: int, call: Call) -> str:
        _ = call
        return "commit_then_reset" if number == 0 else "ok"

    async def story() -> World:
        world = World(FakeVendor(script), source=Late())
        delivery = world.own()
        world.send(put("party/1"))
        await passing(1)
        world._tasks.append(asyncio.ensure_future(delivery.source("t1", "acme", lambda: 0.0).run()))
        await passing(20)
        await world.end()
        return world

    world = virtual(story())
    kinds = [CODEC.decode(output.value or b"")[0] for output in world.on("inbox.v1")]
    assert kinds == [VendorResult.SCHEMA, VendorRecord.SCHEMA]
