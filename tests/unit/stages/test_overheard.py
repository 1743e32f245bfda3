"""Records that carry our own writes, or a person's, before the answers to these are here."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.kafka.codec import Codec
from connectors.kafka.records import Command, ConnectionChanged, Tick, VendorRecord
from connectors.wire import dumps
from streams.stages import overheard
from streams.stages.tables import Rows
from tests.unit.stages.kit import ALL, AT, LINES, TENANT, Company, at, body, of, snapshot, stored, version
from tests.unit.stages.test_loops import ENOUGH, world

DAY = "2026-03-02"


class Person:
    """A contact of the CRM that is a prospect too; the newest word counts, and Pardot stores capitals."""

    def __init__(self, company: Company) -> None:
        self.company = company
        systems = world(company, "newest")
        assert systems.rounds(ENOUGH) is not None
        self.contact = systems.objects["salesforce", "Contact", "003A"]
        (self.id,) = (id_ for vendor, _, id_ in systems.objects if vendor == "pardot")
        self.stored = systems.objects["pardot", "Prospect", self.id]

    def named(self, second: int, name: str) -> Command:
        """Let the CRM give the person another name, and return what is then asked of Pardot."""
        return of(self.told(second, name), "pardot", "Prospect")

    def told(self, second: int, name: str) -> Sequence[Command]:
        """Let the CRM give the person another name."""
        contact = {**self.contact, "FirstName": name, "SystemModstamp": f"{DAY}T10:00:{second:02d}.000+0000"}
        return self.company.record("salesforce", "Contact", contact, _at(second))

    def says(self, second: int, arrived: datetime = AT, **fields: Any) -> Sequence[Command]:
        """Let Pardot's source tell of the prospect."""
        found = dumps({**self.stored, "updatedAt": _at(second), **fields})
        record = VendorRecord(TENANT, "pardot", "Prospect", self.id, _at(second), "poll", found, arrived)
        return self.company.take(record)

    def answers(self, command: Command, second: int, **fields: Any) -> Sequence[Command]:
        """Let Pardot answer."""
        return self.company.result(command, self.id, {**self.stored, "updatedAt": _at(second), **fields})

    @property
    def now(self) -> dict[str, Any]:
        """The canonical record."""
        (found,) = (party for party in self.company.latest("party").values() if party and party["given_name"])
        return dict(found)

    @property
    def rows(self) -> int:
        """How many versions wait."""
        return sum(key.startswith(b"overheard") for key in self.company.state.rows)


def _at(second: int) -> str:
    return f"{DAY}T10:00:{second:02d}.000000Z"


@pytest.fixture
def person(company: Company) -> Person:
    """Somebody known to all three vendors."""
    return Person(company)


@pytest.mark.parametrize("answered", [11, 12, 13])
def test_our_own_word_is_nobodys_whenever_the_answer_comes(person: Person, answered: int) -> None:
    """The answer may be older than the record, of its version, or newer; said again later it is ours as well."""
    command = person.named(10, "bea")
    assert person.says(12, firstName="BEA") == []
    assert person.answers(command, answered, firstName="BEA") == []
    assert person.says(14, firstName="BEA", score=5) == []
    assert (person.now["given_name"], person.now["custom"]["Score"]) == ("bea", 5)
    assert person.now["provenance"]["given_name"] == f"salesforce/Contact/{_at(10)}"
    assert (person.now["conflicts"], person.rows) == ([], 0)


def test_what_we_did_not_write_is_taken_in_at_once(person: Person) -> None:
    """Only fields of a command wait, and only until its answer is here."""
    command = person.named(10, "bea")
    person.says(12, firstName="BEA", website="https://bea.example")
    assert (person.now["website"], person.now["given_name"]) == ("https://bea.example", "bea")
    person.answers(command, 12, firstName="BEA")
    person.says(13, firstName="Zoe")
    assert (person.now["given_name"], person.rows) == ("Zoe", 0)


def test_a_no_waits_for_nothing(person: Person, codec: Codec) -> None:
    """Where a mapping writes opt-outs, that somebody opted out is known at once: it can be nobody's word but true."""
    command = person.named(10, "bea")
    sent, row_key = Rows(TENANT, person.company.state, codec).sent, ("pardot", command.object_key)
    asked = sent.get(*row_key)
    assert asked is not None
    sent.set(replace(asked, fields=[*asked.fields, "optedOut"]), *row_key)
    sent.flush()
    person.says(12, firstName="BEA", optedOut=True)
    assert (person.now["opted_out"], person.now["given_name"], person.rows) == (True, "bea", 1)


@pytest.mark.parametrize(("said", "answered"), [(11, 12), (12, 11), (11, 11)])
def test_a_persons_word_is_not_lost(person: Person, said: int, answered: int) -> None:
    """Before our write or after it: with the answer it is taken in, under its own version, and told on."""
    command = person.named(10, "bea")
    assert person.says(said, firstName="Zoe") == []
    if said == answered:
        person.says(said + 1, firstName="BEA")
    assert person.now["given_name"] == "bea"
    told = person.answers(command, answered + (said == answered), firstName="BEA")
    assert person.now["given_name"] == "Zoe"
    assert person.now["provenance"]["given_name"] == f"pardot/Prospect/{_at(said)}"
    assert body(of(told, "quickbooks", "Customer"))["GivenName"] == "Zoe"


def test_who_says_our_word_again_after_another_speaks_for_himself(person: Person) -> None:
    """The vendor had our word, then another, then ours again: nobody but a person did that."""
    command = person.named(10, "bea")
    person.says(12, firstName="Zoe")
    person.says(13, firstName="BEA")
    person.answers(command, 11, firstName="BEA")
    assert person.now["given_name"] == "BEA"
    assert person.now["provenance"]["given_name"] == f"pardot/Prospect/{_at(13)}"


@pytest.mark.parametrize(
    ("said", "answered", "by"),
    [
        (["ANN"], 10, f"pardot/Prospect/{_at(11)}"),
        (["ANN"], 13, f"salesforce/Contact/{_at(10)}"),
        (["Zoe", "ANN"], 13, f"pardot/Prospect/{_at(12)}"),
    ],
)
def test_what_we_had_written_before_is_ours_until_the_write(
    person: Person, said: Sequence[str], answered: int, by: str
) -> None:
    """Said after the write, or after another word, it is somebody who took it back."""
    command = person.named(10, "bea")
    for second, name in enumerate(said, 11):
        person.says(second, firstName=name)
    person.answers(command, answered, firstName="BEA")
    assert (person.now["provenance"]["given_name"], person.rows) == (by, 0)


def test_each_of_several_commands_has_its_own_answer(person: Person) -> None:
    """What an earlier command wrote is our word as well, and what a later one wrote waits for that one's answer."""
    first, second = person.named(10, "bea"), person.named(11, "cleo")
    for number, name in ((12, "BEA"), (13, "BEA"), (14, "CLEO")):
        assert person.says(number, firstName=name, score=number) == []
    assert person.answers(first, 12, firstName="BEA") == []
    assert (person.now["given_name"], person.rows) == ("cleo", 2)
    assert person.answers(second, 14, firstName="CLEO") == []
    assert person.says(15, firstName="CLEO") == []
    assert (person.now["given_name"], person.rows) == ("cleo", 0)
    assert person.now["provenance"]["given_name"] == f"salesforce/Contact/{_at(11)}"


def test_the_answer_to_a_later_command_is_enough(person: Person) -> None:
    """Delivery leaves out what was overtaken: its words then are a person's, as old as they are."""
    person.named(10, "bea")
    second = person.named(12, "cleo")
    person.says(11, firstName="Zoe")
    person.answers(second, 13, firstName="CLEO")
    assert (person.now["given_name"], person.rows) == ("cleo", 0)


def test_nobody_waits_for_ever(person: Person) -> None:
    """A dead letter has no answer: what waited for an hour is taken in at midnight, but for our own word of before."""
    person.named(10, "bea")
    person.says(11, AT, firstName="Zoe", lastName="LEE")
    for on, when, name in ((2, AT + timedelta(minutes=59), "bea"), (3, AT + timedelta(hours=12), "Zoe")):
        person.company.take(Tick(TENANT, date(2026, 4, on), when))
        assert (person.now["given_name"], person.rows) == (name, int(name == "bea"))
    assert person.now["family_name"] == "Lee"


def _won(company: Company, *, sku: str | None = "W-1") -> tuple[Command, Command, Command]:
    """Connect a tenant where the newest word counts, win an opportunity, and return what is asked of the accounts."""
    accounts, newest = dict.fromkeys(ALL, "1"), {"party": "newest", "product": "newest"}
    company.take(ConnectionChanged(TENANT, 1, accounts, "America/New_York", "USD", policies=newest))
    product = {"Id": "01tA", "Name": "Widget", "ProductCode": sku, "IsActive": True}
    line = {**LINES[0], "Product2": product}
    won = snapshot(Lines=[line])
    asked = company.record("salesforce", "OpportunitySnapshot", won, at(1), remote_id="006A")
    customer, item, invoice = (of(asked, "quickbooks", kind) for kind in ("Customer", "Item", "Invoice"))
    return customer, item, invoice


def _ids(company: Company, entity: str) -> list[str]:
    """Return the ids of the records that stand."""
    found = company.latest(entity).items()
    return [id_ for id_, record in found if record is not None and record["merged_into"] is None]


def test_what_we_create_is_no_second_one(company: Company) -> None:
    """A customer is known by our reference, an item by its number, a document by its own id: none is made twice."""
    customer, item, invoice = _won(company)
    before = {entity: _ids(company, entity) for entity in ("party", "product", "order")}
    note = f"Typed\nsluiceway:{customer.object_key}"
    shown = {"CompanyName": "ACM", "DisplayName": "ACM", "Notes": note}
    told = {
        customer: ("58", stored("Customer", "58", 9, **shown)),
        item: ("7", stored("Item", "7", 9, Name="WIDGET")),
        invoice: ("145", stored("Invoice", "145", 9)),
    }
    for command, (remote_id, found) in told.items():
        company.record("quickbooks", command.object, found, version(9))
        assert len(_ids(company, "invoice")) == (remote_id == "145")
    assert {entity: _ids(company, entity) for entity in before} == before
    assert company.party("Acme, Inc.")["provenance"]["name"].startswith("salesforce/")
    for command, (remote_id, found) in told.items():
        company.result(command, remote_id, found)
    assert {entity: _ids(company, entity) for entity in before} == before
    assert (company.party("Acme, Inc.")["conflicts"], company.only("product")["name"]) == ([], "Widget")
    assert company.only("invoice")["order_id"] == company.only("order")["id"]
    assert company.only("invoice")["customer_id"] == company.party("Acme, Inc.")["id"]


def test_what_we_create_may_change_before_the_answer(company: Company) -> None:
    """Its second record as well carries our words; what a person said since is taken in."""
    _, item, _ = _won(company)
    for second, description in ((9, None), (10, "Typed")):
        told = stored("Item", "7", second, Name="WIDGET", Description=description)
        company.record("quickbooks", "Item", told, version(second))
    company.result(item, "7", stored("Item", "7", 9, Name="WIDGET"))
    product = company.only("product")
    assert (product["name"], product["description"]) == ("Widget", "Typed")


def test_a_document_waits_for_nothing(company: Company) -> None:
    """Only the accounts speak of an invoice: that it was paid is known at once, whatever we are just writing to it."""
    for command, id_ in zip(_won(company), ("58", "7", "145"), strict=True):
        company.result(command, id_, stored(command.object, id_, 9))
    won = snapshot(5, Lines=[{**LINES[0], "Quantity": 3.0}])
    command = of(
        company.record("salesforce", "OpportunitySnapshot", won, at(5), remote_id="006A"), "quickbooks", "Invoice"
    )
    company.record("quickbooks", "Invoice", stored("Invoice", "145", 12, Balance=0, DueDate="2026-04-30"), version(12))
    company.result(command, "145", stored("Invoice", "145", 11))
    invoice = company.only("invoice")
    assert (invoice["status"], invoice["due_on"]) == ("PAID", date(2026, 4, 30))


def test_our_reference_in_a_copy_means_nothing(company: Company) -> None:
    """Once the answer has told which object is ours, another with the same reference is somebody else."""
    customer, _, _ = _won(company)
    note = f"sluiceway:{customer.object_key}"
    company.result(customer, "58", stored("Customer", "58", 9, Notes=note))
    copy = stored("Customer", "59", 9, Notes=note, CompanyName=None, DisplayName="Bob Roe", GivenName="Bob")
    company.record("quickbooks", "Customer", copy, version(9))
    assert company.party("Bob Roe")["id"] != company.party("Acme, Inc.")["id"]


def test_what_nothing_tells_to_be_ours_becomes_it_with_the_answer(company: Company) -> None:
    """An item without a number is a product of its own until then; what a person said of it since is read again."""
    _, item, _ = _won(company, sku=None)
    (own,) = _ids(company, "product")
    edited = stored("Item", "7", 9, Name="WIDGET", Sku=None, Description="Typed")
    company.record("quickbooks", "Item", edited, version(9))
    assert len(_ids(company, "product")) == 2
    (again,) = [c for c in company.result(item, "7", stored("Item", "7", 8, Name="WIDGET", Sku=None)) if c.remote_id]
    assert (again.operation, again.object, again.remote_id) == ("FETCH", "Item", "7")
    assert _ids(company, "product") == [own]
    company.record("quickbooks", "Item", edited, version(9))
    product = company.latest("product")[own]
    assert (product["name"], product["description"]) == ("Widget", "Typed")


def test_few_versions_wait(person: Person) -> None:
    """Of more the oldest are taken in unanswered."""
    person.named(10, "bea")
    for second in range(11, 14 + overheard.MOST):
        person.says(second, firstName=f"Zoe{second}")
    assert (person.now["given_name"], person.rows) == ("Zoe13", overheard.MOST)
