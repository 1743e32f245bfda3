"""Change events: what a transaction tells, and in which bits."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import fastavro
import pytest

from connectors.sandbox.salesforce import leads, records
from connectors.sandbox.salesforce.changes import Author, Change
from connectors.sandbox.salesforce.declaring import text
from connectors.sandbox.salesforce.org import Org, Unit
from connectors.sandbox.salesforce.pubsub.bodies import Bits, hexadecimal
from connectors.sandbox.salesforce.pubsub.capture import Commit, Event, events_of
from connectors.sandbox.salesforce.pubsub.layout import event_name, slots
from connectors.sandbox.salesforce.pubsub.schemas import schema_id, schema_of
from connectors.sandbox.salesforce.seed import furnish

NOW = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)
MOST = 1000


class Heard:
    """Keeps what the last unit told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.most = MOST

    def save(self, changes: list[Change]) -> None:
        """Keep nothing."""

    def declare(self, name: str, field: Any) -> None:
        """Keep nothing."""

    def bury(self, _purged: object) -> None:
        """Keep nothing."""

    def announce(self, org: Org, changes: list[Change], _author: Author, _now: datetime) -> None:
        """Keep the events."""
        self.events = events_of(org.schema, changes, self.most)


@pytest.fixture
def heard() -> Heard:
    """The listener of the org."""
    return Heard()


@pytest.fixture
def unit(heard: Heard) -> Unit:
    """The next transaction of a furnished org."""
    org = Org("acme", 1, heard)  # type: ignore[arg-type]  # what an org uses of a journal
    made = org.unit(NOW - timedelta(days=1))
    furnish(made)
    made.commit()
    made.now = NOW
    return made


def _make(unit: Unit, name: str, **values: object) -> str:
    return records.create(unit, unit.org.schema.addressed(name), values)


def _change(unit: Unit, name: str, record_id: str, **values: object) -> None:
    records.update(unit, unit.org.schema.addressed(name), record_id, values)


def _index(unit: Unit, name: str, field: str) -> int:
    return [slot.name for slot in slots(unit.org.schema.addressed(name))].index(field) + 1


@pytest.mark.parametrize(
    ("bits", "shown"),
    [
        ((12, 19, 20, 21, 22, 23, 27), "0x08F81000"),
        ((5, 6, 7, 10, 24, 26, 29, 30), "0x650004E0"),
        ((0,), "0x01"),
    ],
)
def test_bitmaps_are_the_documented_ones(bits: tuple[int, ...], shown: str) -> None:
    """The guide's own examples: whole bytes, upper case, bit 0 last."""
    assert hexadecimal(sum(1 << bit for bit in bits)) == shown
    found = Bits()
    for bit in bits:
        found.add(bit)
    found.add(4, 1)
    assert found.shown() == [shown, "4-0x02"]
    assert Bits().shown() == []


def test_a_converted_lead_has_the_guides_bitmap_and_order(unit: Unit, heard: Heard) -> None:
    """Account, contact and opportunity are made in one transaction before the lead changes the documented fields."""
    lead = _make(unit, "Lead", LastName="Ito", Company="Ito KK", IsUnreadByOwner=False)
    unit.commit()
    unit.now += timedelta(minutes=1)
    leads.convert(unit, {"leadId": lead, "convertedStatus": "Closed - Converted"})
    unit.commit()
    assert [(event.entity, event.kind) for event in heard.events[:4]] == [
        ("Account", "CREATE"),
        ("Contact", "CREATE"),
        ("Opportunity", "CREATE"),
        ("Lead", "UPDATE"),
    ]
    assert heard.events[3].body.changed.shown() == ["0x08F81000"]


def test_an_update_tells_what_changed_and_nothing_else(unit: Unit, heard: Heard) -> None:
    """Changed fields have values, emptied ones a bit in both maps, parts of a compound their parent's index."""
    account = _make(unit, "Account", Name="A", Phone="1", Website="https://a.example", BillingCity="Bonn")
    unit.commit()
    assert heard.events[0].kind == "CREATE"
    assert heard.events[0].body.changed.shown() == []
    assert heard.events[0].body.values["BillingAddress"]["City"] == "Bonn"
    unit.now += timedelta(minutes=1)
    _change(unit, "Account", account, Name="B", Phone=None, BillingStreet="Weg 1")
    unit.commit()
    (event,) = heard.events
    name, phone = _index(unit, "Account", "Name"), _index(unit, "Account", "Phone")
    place, stamp = _index(unit, "Account", "BillingAddress"), _index(unit, "Account", "LastModifiedDate")
    own = hexadecimal(1 << name | 1 << phone | 1 << stamp)
    assert event.body.changed.shown() == [own, f"{place}-0x01"]
    assert event.body.nulled.shown() == [hexadecimal(1 << phone)]
    moved = int((NOW + timedelta(minutes=1)).timestamp() * 1000)
    assert event.body.values == {"Name": "B", "BillingAddress": {"Street": "Weg 1"}, "LastModifiedDate": moved}
    _change(unit, "Account", account, BillingStreet=None, BillingCity=None)
    unit.commit()
    assert hexadecimal(1 << place) in heard.events[0].body.nulled.shown()


def test_long_texts_travel_as_a_difference(unit: Unit, heard: Heard) -> None:
    """From 1,000 characters on the value is a unified diff named after the new text, listed in diffFields."""
    lines = [f"line {n:06d}\n" for n in range(120)]
    account = _make(unit, "Account", Name="A", Description="".join(lines))
    unit.commit()
    lines[60] = "another\n"
    _change(unit, "Account", account, Description="".join(lines))
    unit.commit()
    (event,) = heard.events
    assert event.body.diffs.shown() == [hexadecimal(1 << _index(unit, "Account", "Description"))]
    assert event.body.values["Description"].startswith("--- \n+++ ")
    assert "+another" in event.body.values["Description"]


def test_equal_changes_of_one_transaction_are_one_event(unit: Unit, heard: Heard) -> None:
    """Two records with the same new value share an event; another value, or another transaction, has its own."""
    ids = [_make(unit, "Lead", LastName=f"L{n}", Company="C") for n in range(3)]
    unit.commit()
    assert len(heard.events) == 3
    unit.now += timedelta(minutes=1)
    for lead, city in zip(ids, ("Bonn", "Bonn", "Köln"), strict=True):
        _change(unit, "Lead", lead, City=city)
    unit.commit()
    assert [event.ids for event in heard.events] == [ids[:2], ids[2:]]


def test_several_changes_of_one_record_are_one_event(unit: Unit, heard: Heard) -> None:
    """Made and changed in one transaction is one CREATE with the final values; made and deleted is nothing."""
    account = _make(unit, "Account", Name="A")
    _change(unit, "Account", account, Name="B")
    gone = _make(unit, "Account", Name="Gone")
    records.delete(unit, unit.org.schema.addressed("Account"), gone)
    unit.commit()
    assert [(event.kind, event.ids, event.body.values["Name"]) for event in heard.events] == [
        ("CREATE", [account], "B")
    ]


def test_deletes_carry_a_header_alone(unit: Unit, heard: Heard) -> None:
    """Deleting has no values; a price book entry's creation has no system fields; line items have no events."""
    account = _make(unit, "Account", Name="A")
    contacts = [_make(unit, "Contact", LastName=f"L{n}", AccountId=account) for n in range(2)]
    unit.commit()
    records.delete(unit, unit.org.schema.addressed("Account"), account)
    unit.commit()
    found = [(event.entity, event.kind, event.ids, event.body.values) for event in heard.events]
    assert found == [("Contact", "DELETE", contacts, {}), ("Account", "DELETE", [account], {})]
    book = next(unit.scan("Pricebook2"))["Id"]
    product = _make(unit, "Product2", Name="P", IsActive=True)
    _make(unit, "PricebookEntry", Pricebook2Id=book, Product2Id=product, UnitPrice=1)
    unit.commit()
    assert "CreatedDate" in heard.events[0].body.values
    assert "CreatedDate" not in heard.events[1].body.values


def test_emptying_the_bin_is_silent(unit: Unit, heard: Heard) -> None:
    """A purge tells nothing of a record in the bin, and DELETE of one that lived."""
    first, second = (_make(unit, "Account", Name=name) for name in "AB")
    unit.commit()
    base = unit.org.schema.addressed("Account")
    records.delete(unit, base, first)
    unit.commit()
    for record_id, told in ((first, []), (second, [("DELETE", [second])])):
        records.purge(unit, base, record_id)
        unit.commit()
        assert [(event.kind, event.ids) for event in heard.events] == told


def test_too_many_changes_overflow(unit: Unit, heard: Heard) -> None:
    """What is over the threshold becomes one overflow event per object."""
    heard.most = 2
    for number in range(4):
        _make(unit, "Lead", LastName=f"L{number}", Company="C")
    _make(unit, "Account", Name="A")
    unit.commit()
    kinds = [(event.entity, event.kind) for event in heard.events]
    assert kinds == [("Lead", "CREATE")] * 2 + [("Lead", "GAP_OVERFLOW"), ("Account", "GAP_OVERFLOW")]


def test_the_schema_reads_what_is_written_and_its_id_follows_the_fields(unit: Unit, heard: Heard) -> None:
    """An event decodes with its schema, header first; a new field changes the id; every field may be null."""
    base = unit.org.schema.addressed("Contact")
    schema = schema_of("Contact", slots(base))
    parsed = json.loads(schema)
    assert parsed["fields"][0]["name"] == "ChangeEventHeader"
    assert all("null" in field["type"] for field in parsed["fields"][1:])
    _make(unit, "Contact", LastName="Ito", FirstName="Mia", Birthdate="2000-01-02", MailingCity="Bonn", OtherCity="Ulm")
    unit.commit()
    commit = Commit.of("key", 7, Author("005000000000001AAA", "com/salesforce/api/rest/67.0"), NOW, [])
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, parsed, commit.encoded(heard.events[0], 1))
    buffer.seek(0)
    read: Any = fastavro.schemaless_reader(buffer, parsed, None)
    assert read["Name"] == {"Salutation": None, "FirstName": "Mia", "LastName": "Ito"}
    assert read["Birthdate"] == int(datetime(2000, 1, 2, tzinfo=UTC).timestamp()) * 1000
    assert (read["MailingAddress"]["City"], read["OtherAddress"]["City"]) == ("Bonn", "Ulm")
    assert read["ChangeEventHeader"]["commitNumber"] > 2**53
    assert {"IsDeleted", "SystemModstamp", "Id", "LastName"}.isdisjoint(read)
    before = schema_id(schema)
    base.add(text("Plan__c"))
    assert schema_id(schema_of("Contact", slots(base))) != before
    assert len(before) == 22
    assert event_name("Plan__c") == "Plan__ChangeEvent"
