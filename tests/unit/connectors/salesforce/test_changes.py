"""Change events: the header, the bitmaps, and which updates concern us."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import fastavro
import pytest

from connectors.errors import DecodeError
from connectors.salesforce.changes import Change, EventSchema

STRINGS = {"type": "array", "items": "string"}
HEADER = {
    "type": "record",
    "name": "ChangeEventHeader",
    "fields": [
        {"name": "entityName", "type": "string"},
        {"name": "recordIds", "type": STRINGS},
        {
            "name": "changeType",
            "type": {"type": "enum", "name": "ChangeType", "symbols": ["CREATE", "UPDATE", "DELETE"]},
        },
        {"name": "changeOrigin", "type": "string"},
        {"name": "transactionKey", "type": "string"},
        {"name": "sequenceNumber", "type": "int"},
        {"name": "commitTimestamp", "type": "long"},
        {"name": "commitNumber", "type": "long"},
        {"name": "commitUser", "type": "string"},
        {"name": "nulledFields", "type": STRINGS},
        {"name": "diffFields", "type": STRINGS},
        {"name": "changedFields", "type": STRINGS},
    ],
}
PLAIN = (
    *("Title", "Company", "Address", "Phone", "MobilePhone", "Fax", "Email", "Website", "Description", "LeadSource"),
    *("Status", "Industry", "Rating", "AnnualRevenue", "NumberOfEmployees", "OwnerId", "HasOptedOutOfEmail"),
    *("IsConverted", "ConvertedDate", "ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId"),
    *("IsUnreadByOwner", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"),
)
NAME = {
    "type": "record",
    "name": "PersonName",
    "fields": [{"name": n, "type": ["null", "string"]} for n in ("First", "Last")],
}
ADDRESS = {
    "type": "record",
    "name": "Address",
    "fields": [{"name": name, "type": ["null", "string"]} for name in ("Street", "City")],
}


def kind_of(name: str) -> Any:
    """Return the type of a field: compounds are records."""
    return ["null", "string", ADDRESS] if name == "Address" else ["null", "string"]


SCHEMA = {
    "type": "record",
    "name": "LeadChangeEvent",
    "namespace": "com.sforce.eventbus",
    "fields": [
        {"name": "ChangeEventHeader", "type": HEADER},
        {"name": "Name", "type": ["null", "string", NAME], "default": None},
        *({"name": name, "type": kind_of(name), "default": None} for name in PLAIN),
    ],
}
SENT = {
    "entityName": "Lead",
    "recordIds": ["00Q1", "00Q2"],
    "changeType": "UPDATE",
    "changeOrigin": "com/salesforce/api/rest/67.0;client=sluiceway",
    "transactionKey": "k",
    "sequenceNumber": 1,
    "commitTimestamp": 1_774_000_000_123,
    "commitNumber": 10_000_000_000_000_001,
    "commitUser": "005A",
    "nulledFields": [],
    "diffFields": [],
    "changedFields": [],
}


def read(**header: Any) -> Change:
    """Write an event as Salesforce does and read it."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(SCHEMA), {"ChangeEventHeader": SENT | header})
    return EventSchema(json.dumps(SCHEMA)).read(buffer.getvalue())


def test_the_header_says_who_and_when() -> None:
    """Records, instant in milliseconds, user, and the program that made the change."""
    change = read()
    assert (change.object, change.ids, change.kind, change.user) == ("Lead", ("00Q1", "00Q2"), "UPDATE", "005A")
    assert change.committed == datetime(2026, 3, 20, 9, 46, 40, 123_000, tzinfo=UTC)
    assert change.by("sluiceway")
    assert not change.by("sluice")
    assert not read(changeOrigin="").by("sluiceway")
    assert read(changeOrigin="com/salesforce/api/soap/61.0;client=sluiceway/").by("sluiceway")


CONVERSION = {
    *("Status", "IsConverted", "ConvertedDate", "ConvertedAccountId", "ConvertedContactId"),
    *("ConvertedOpportunityId", "LastModifiedDate"),
}


@pytest.mark.parametrize(
    ("changed", "nulled", "fields"),
    [
        (["0x08F81000"], [], CONVERSION),  # the guide's own example
        (["0x08f81000"], [], CONVERSION),
        (["0x10", "4-0x02"], ["0x20"], {"Address", "Address.City", "Phone"}),
        (["1-0x03"], [], {"Name.First", "Name.Last"}),
        ([], [], None),
        (["0x80000000"], [], None),  # a bit beyond the last field
        (["4-0x04"], [], None),
        (["99-0x01"], [], None),
        (["garbage"], [], None),
    ],
)
def test_bitmaps_number_the_fields(changed: list[str], nulled: list[str], fields: set[str] | None) -> None:
    """Bits count from the last; `4-` means inside field 4; where a bit has no field nothing is known."""
    assert read(changedFields=changed, nulledFields=nulled).fields == fields


@pytest.mark.parametrize(
    ("touched", "columns", "concerned"),
    [
        ({"Phone"}, ("Phone",), True),
        ({"Phone", "LastModifiedDate"}, ("Email", "LastModifiedDate"), False),
        ({"LastModifiedDate"}, ("Id", "LastModifiedDate"), False),
        ({"Name.FirstName"}, ("FirstName",), True),
        ({"Name.FirstName"}, ("Name",), True),
        ({"Name"}, ("LastName",), True),
        ({"BillingAddress.City"}, ("BillingCity",), True),
        ({"BillingAddress.City"}, ("BillingStreet", "ShippingCity"), False),
        ({"BillingAddress"}, ("BillingStreet",), True),
        ({"Address.City"}, ("City",), True),
        ({"OwnerId"}, ("Owner.Name",), True),
        ({"Region__c"}, ("Region__r.Name",), True),
        ({"Region__c"}, ("Region2__r.Name",), False),
        (None, ("Phone",), True),
    ],
)
def test_an_update_concerns_us_if_we_read_the_field(
    touched: set[str] | None, columns: tuple[str, ...], concerned: bool
) -> None:
    """As it is, as a part of a name or an address, or through a reference; system fields never count."""
    fields = None if touched is None else frozenset(touched)
    change = Change("Account", ("001",), "UPDATE", datetime(2026, 1, 1, tzinfo=UTC), "", "", fields)
    assert change.touches(columns) is concerned
    made = Change("Account", ("001",), "CREATE", datetime(2026, 1, 1, tzinfo=UTC), "", "", fields)
    assert made.touches(columns)


@pytest.mark.parametrize(
    ("ids", "kind", "uncounted"),
    [(("001*",), "UPDATE", True), (("001A",), "GAP_OVERFLOW", True), (("001A",), "GAP_UPDATE", False)],
)
def test_some_events_name_no_records(ids: tuple[str, ...], kind: str, uncounted: bool) -> None:
    """A prefix with a star, or an overflow: everything that changed is to be looked for."""
    assert Change("Account", ids, kind, datetime(2026, 1, 1, tzinfo=UTC), "", "", None).uncounted is uncounted


@pytest.mark.parametrize(
    "text", ["", "{}", '{"fields": []}', '{"type": "record", "name": "X", "fields": [{"name": "a"}]}']
)
def test_a_broken_schema_is_said_to_be_one(text: str) -> None:
    """What cannot be read is an error of its own, for the source to look for itself."""
    with pytest.raises(DecodeError, match="schema of an event"):
        EventSchema(text)


def test_a_broken_event_is_said_to_be_one() -> None:
    """As above."""
    with pytest.raises(DecodeError, match="does not follow its schema"):
        EventSchema(json.dumps(SCHEMA)).read(b"\x02")
