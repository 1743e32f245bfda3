"""What two parties were together, and are not any more: nothing of the one goes to the vendor's object of the other."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import connectors
from connectors.kafka.records import Command, Decision
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from tests.unit.delivery.kit.story import passing
from tests.unit.delivery.kit.vendor import FakeVendor, Stored
from tests.unit.delivery.kit.virtual import virtual
from tests.unit.delivery.kit.world import CODEC, TENANT, World, put
from tests.unit.stages import kit
from tests.unit.stages.kit import ACCOUNT, AT, Company, at, snapshot, stored, version

BOOKS = "quickbooks"
THEIRS = {"note": "theirs"}
INVOICE = {"CustomerRef": {"value": {"$ref": "party/1"}}}


class Books:
    """A company whose accounts are a vendor in memory: what the stages ask for is delivered, and answered."""

    def __init__(self) -> None:
        globex: dict[str, Any] = {"DisplayName": "Globex", "CompanyName": "Globex"}
        self.vendor = FakeVendor(named="DisplayName", names={("Account", "Sales of Product Income"): "79"})
        self.vendor.objects["58"] = Stored("58", "Customer", "another's", dict(globex))
        self.world = World(self.vendor)
        self.asked: list[Command] = []
        self.fetched: set[str | None] = set()
        self.company = Company(Pipeline(CODEC, Templates.load(Path(connectors.__file__).parent)))
        self.company.connect("salesforce", BOOKS)
        self.company.record("salesforce", "Account", ACCOUNT, at(1))
        self.company.record("salesforce", "Account", {**ACCOUNT, "Id": "001B", "Name": "Globex", "Phone": None}, at(0))
        self.company.record(BOOKS, "Customer", stored("Customer", "58", **globex), version(0))
        self.acme, self.globex = (self.company.party(name)["id"] for name in ("Acme, Inc.", "Globex"))

    def ask(self, commands: list[Command]) -> None:
        """Send what is to be written to the accounts."""
        self.fetched |= {one.remote_id for one in commands if one.operation == "FETCH"}
        own = [one for one in commands if one.vendor == BOOKS and one.operation != "FETCH"]
        self.asked += own
        self.world.send(*(replace(one, tenant=TENANT, vendor="acme") for one in own))

    def merge(self) -> None:
        """Let Globex be part of Acme."""
        self.ask(self.company.take(Decision(kit.TENANT, "merge", AT, party=self.globex, other=self.acme)))

    def split(self) -> None:
        """Take that back."""
        self.ask(self.company.take(Decision(kit.TENANT, "split", AT, party=self.globex)))

    def win(self, id_: str, second: int, account: str = "001A") -> None:
        """Let an opportunity be won, of Acme's or Globex's."""
        won = snapshot(second, ContactRoles=[])
        won["Opportunity"] = {**won["Opportunity"], "Id": id_, "Name": id_, "AccountId": account}
        won["Account"] = {**ACCOUNT, "Id": account, "Name": {"001A": "Acme, Inc.", "001B": "Globex"}[account]}
        self.ask(self.company.record("salesforce", "OpportunitySnapshot", won, at(second), remote_id=id_))

    async def deliver(self) -> None:
        """Carry out what was asked; the answers are taken in."""
        known = len(self.world.results)
        await self.world.settle()
        for result in self.world.results[known:]:
            self.ask(self.company.take(replace(result, tenant=kit.TENANT, vendor=BOOKS)))

    def customers(self) -> dict[str, str]:
        """Return the name of each customer in the accounts."""
        return {one.id: one.body["DisplayName"] for one in self.vendor.of("Customer")}

    def billed(self) -> dict[str, str]:
        """Return whom each invoice was billed to."""
        return {one.body["PrivateNote"]: one.body["CustomerRef"]["value"] for one in self.vendor.of("Invoice")}


def test_after_a_split_the_accounts_have_each_its_own() -> None:
    """Acme was billed as Globex's customer while they were one; parted it has one of its own, and Globex its name."""

    async def story() -> Books:
        books = Books()
        books.merge()
        books.win("first", 1)
        await books.deliver()
        assert books.customers() == {"58": "Acme, Inc."}
        books.split()
        books.win("second", 2)
        await books.deliver()
        return books

    books = virtual(story())
    (own,) = (id_ for id_ in books.customers() if id_ != "58")
    assert books.customers() == {"58": "Globex", own: "Acme, Inc."}
    assert books.billed()["second"] == own
    assert not books.world.dead_letters


def test_what_waits_when_two_are_parted_is_billed_to_its_own() -> None:
    """Orders of both were agreed while they were one, and not delivered before that is undone; both are read anew."""

    async def story() -> Books:
        books = Books()
        books.merge()
        books.win("of acme", 1)
        books.win("of globex", 2, "001B")
        books.split()
        assert books.fetched >= {"of acme", "of globex"}
        books.win("of acme", 1)
        books.win("of globex", 2, "001B")
        await books.deliver()
        return books

    books = virtual(story())
    (own,) = (id_ for id_ in books.customers() if id_ != "58")
    assert books.customers() == {"58": "Globex", own: "Acme, Inc."}
    assert books.billed() == {"of acme": own, "of globex": "58"}
    assert not books.world.dead_letters


def test_an_answer_that_was_under_way_gives_nothing_back() -> None:
    """What was written as one is answered once they are two: the customer stays Globex's, Acme has none there."""
    books = Books()
    books.merge()
    books.win("of acme", 1)
    (told,) = (one for one in books.asked if one.object == "Customer")
    books.split()
    both: dict[str, Any] = {"DisplayName": "Acme, Inc.", "CompanyName": "Acme, Inc."}
    books.company.result(told, "58", stored("Customer", "58", 1, **both))
    refs = {name: [ref["id"] for ref in books.company.party(name)["refs"]] for name in ("Acme, Inc.", "Globex")}
    assert refs == {"Acme, Inc.": ["001A"], "Globex": ["58", "001B"]}


@pytest.mark.parametrize("renamed", [True, False])
def test_a_former_object_in_the_way_is_not_taken(renamed: bool) -> None:
    """A look-up finds it by name: until its owner gives it another one the create waits, then a person is asked."""

    async def story() -> World:
        vendor = FakeVendor(named="name")
        vendor.objects["58"] = Stored("58", "Customer", "party/2", {"name": "Acme"})
        world = World(vendor)
        world.send(put("party/1", 2, body={"name": "Acme"}, former_ids=["58"]))
        world.own()
        await passing(1)
        if renamed:
            world.send(put("party/2", 1, "theirs", body={"name": "Globex"}, remote_id="58"))
        await passing(900)
        await world.end()
        return world

    world = virtual(story())
    names = {one.id: one.body["name"] for one in world.vendor.of("Customer")}
    assert names == ({"58": "Globex", "2": "Acme"} if renamed else {"58": "Acme"})
    assert len(world.reviews) == (0 if renamed else 1)


def test_who_was_overwritten_meanwhile_is_written_anew() -> None:
    """Acme's words went to Globex's customer, which was told its own before: parted, it is told them once more."""

    async def story() -> Books:
        books = Books()
        books.win("first", 1, "001B")
        await books.deliver()
        books.merge()
        books.win("second", 2)
        await books.deliver()
        assert books.customers() == {"58": "Acme, Inc."}
        books.split()
        await books.deliver()
        return books

    assert virtual(story()).customers()["58"] == "Globex"


def test_what_is_one_again_before_it_was_delivered_is_written_there() -> None:
    """Parted and joined again in one breath: the last command counts, and no second object is made."""

    async def story() -> World:
        vendor = FakeVendor()
        vendor.objects["58"] = Stored("58", "Customer", "party/2", dict(THEIRS))
        world = World(vendor)
        world.own()
        world.send(put("party/1", 1, remote_id="58"))
        await passing(5)
        world.send(put("party/1", 2, former_ids=["58"]), put("party/1", 3, remote_id="58"))
        await passing(5)
        await world.end()
        return world

    world = virtual(story())
    assert {one.id: one.body["note"] for one in world.vendor.of("Customer")} == {"58": "party/1 v3"}


FAULTS = ("ok", "ok", "ok", "commit_then_reset", "commit_late", "reset", "throttle", "not_sent", "stale")
STEPS = st.one_of(
    st.sampled_from(["put", "join", "leave", "order", "kill"]),
    st.sampled_from([0.0, 0.03, 0.15, 1.0, 5.0]),
)


class Merging:
    """One object that now and then is another's, `58`, as the stages ask for it; each change is asked for at once."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.vendor = FakeVendor(lambda number, _: faults[number] if number < len(faults) else "ok")
        self.vendor.objects["58"] = Stored("58", "Customer", "party/2", dict(THEIRS))
        self.world = World(self.vendor)
        self.version = self.theirs = self.orders = self.heard = 0
        self.own: str | None = None
        self.is_joined = False
        self.settled_orders: list[str] = []

    @property
    def where(self) -> str | None:
        """Where the crosswalk knows it."""
        return "58" if self.is_joined else self.own

    async def take(self, step: str | float) -> None:
        """Do one step."""
        self.listen()
        if isinstance(step, float):
            await passing(step)
        elif step == "kill":
            await self.world.end()
            self.world.own()
        elif step == "order":
            self.orders += 1
            self.settled_orders.append(f"order/{self.orders}")
            self.world.send(put(f"order/{self.orders}", body=INVOICE))
        elif step == "put":
            self.put()
        elif self.is_joined != (step == "join"):
            self.is_joined = step == "join"
            self.settled_orders.clear()
            if not self.is_joined:
                self.theirs += 1
                self.world.send(put("party/2", self.theirs, "theirs", body=THEIRS, remote_id="58", anew=True))
            self.put()

    def put(self) -> None:
        """Ask for a new state."""
        self.version += 1
        former = () if self.is_joined or not self.theirs else ("58",)
        self.world.send(put("party/1", self.version, remote_id=self.where, former_ids=former))

    def listen(self) -> None:
        """Take in the answers."""
        for result in self.world.results[self.heard :]:
            self.heard += 1
            if result.object_key == "party/1" and result.remote_id != "58":
                self.own = result.remote_id


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS, max_size=14), st.lists(st.sampled_from(FAULTS), max_size=10))
def test_an_object_is_written_where_it_is(steps: Sequence[str | float], faults: Sequence[str]) -> None:
    """Whatever fails and dies in between: each has its own words at the end, and what refers to one means its own."""

    async def story() -> Merging:
        told = Merging(faults)
        told.world.own()
        for step in ("put", *steps, "order"):
            await told.take(step)
        await told.world.end()
        await told.world.settle()
        told.listen()
        return told

    told = virtual(story())
    vendor, world = told.vendor, told.world
    assert world.settled
    assert not world.dead_letters
    customers = {one.id: one.body["note"] for one in vendor.of("Customer")}
    assert [id_ for id_ in customers if id_ != "58"] == ([told.own] if told.own is not None else [])
    assert told.where is not None
    # Of two keys that write one object, once they are joined again, nobody says who is last.
    last = {"theirs"} if told.theirs and told.is_joined else set()
    assert customers[told.where] in {f"party/1 v{told.version}", *last}
    if told.theirs and not told.is_joined:
        assert customers["58"] == "theirs"
    billed = {one.object_key: one.body["CustomerRef"]["value"] for one in vendor.of("Invoice")}
    assert {billed[key] for key in told.settled_orders} == {told.where}
