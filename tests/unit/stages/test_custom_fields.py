"""A tenant's custom fields: read into canonical records and written to vendors without a template of their own."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import MappingError
from connectors.kafka.records import ConnectionChanged, CustomField
from streams.stages.mapping import Templates
from streams.stages.mapping.custom import check_fields
from streams.stages.mapping.inbound import draft
from streams.stages.mapping.outbound import body
from streams.stages.merge import fresh
from tests.unit.stages.kit import ACCOUNT, ALL, CONTACT, TENANT, Company, at, envelope, of, snapshot
from tests.unit.stages.kit import body as sent

SETTINGS = {"zone": "America/New_York", "currency": "USD"}
BODIES: dict[str, dict[str, Any]] = {
    "salesforce/Account": {"Id": "1", "SystemModstamp": "2026-03-01T10:00:00.000+0000", "Name": "Acme"},
    "pardot/Prospect": {"id": 1, "updatedAt": "2026-03-01T10:00:00+00:00", "email": "ann@acme.example"},
}


def in_quickbooks(text: str | None) -> dict[str, Any]:
    """Return an invoice with its three custom fields, of which the second may have a value."""
    entries = [{"DefinitionId": str(n), "Name": f"F{n}", "Type": "StringType"} for n in (1, 2, 3)]
    return {**envelope("1", 1), "TotalAmt": 1, "CustomField": [
        entries[0], {**entries[1], **({"StringValue": text} if text is not None else {})}, entries[2],
    ]}  # fmt: skip


@pytest.mark.parametrize(
    ("place", "kind", "theirs", "kept"),
    [
        ("salesforce/Account", "string", " Gold ", "Gold"),
        ("salesforce/Account", "string", "", None),
        ("salesforce/Account", "number", Decimal("12.34567"), Decimal("12.3457")),
        ("salesforce/Account", "boolean", False, False),
        ("salesforce/Account", "boolean", None, None),
        ("salesforce/Account", "date", "2026-01-02", date(2026, 1, 2)),
        ("salesforce/Account", "date", "2026-01-02T03:04:05.000+0000", date(2026, 1, 1)),
        ("salesforce/Account", "instant", "2026-01-02T03:04:05.000+0000", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("salesforce/Account", "texts", "Red;Blue", "Red;Blue"),
        ("pardot/Prospect", "texts", ["Red", "Blue"], "Red;Blue"),
        ("pardot/Prospect", "boolean", "true", True),
        ("quickbooks/Invoice", "string", "P-7", "P-7"),
        ("quickbooks/Invoice", "number", "7.5", Decimal("7.5000")),
        ("quickbooks/Invoice", "string", None, None),
    ],
)
def test_each_type_is_read(templates: Templates, place: str, kind: str, theirs: Any, kept: Any) -> None:
    """The vendor's form becomes the canonical type; empty is empty."""
    name = "2" if place == "quickbooks/Invoice" else "X__c"
    mine = templates.replaced({}, {"X": CustomField(kind, {place: name})})
    template = mine.inbound(*place.split("/"))
    assert template is not None
    given = in_quickbooks(theirs) if place == "quickbooks/Invoice" else {**BODIES[place], name: theirs}
    assert draft(template, given, SETTINGS).custom["X"] == kept


@pytest.mark.parametrize(
    ("place", "kind", "kept", "theirs"),
    [
        ("pardot/Prospect", "string", "Gold", "Gold"),
        ("pardot/Prospect", "string", None, None),
        ("pardot/Prospect", "number", Decimal("12.3400"), Decimal("12.34")),
        ("pardot/Prospect", "boolean", False, "false"),
        ("salesforce/Account", "boolean", False, False),
        ("pardot/Prospect", "date", date(2026, 1, 2), "2026-01-02"),
        ("salesforce/Account", "instant", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        ("salesforce/Account", "texts", "Red;Blue", "Red;Blue"),
    ],
)
def test_each_type_is_written(templates: Templates, place: str, kind: str, kept: Any, theirs: Any) -> None:
    """In the form that the vendor takes; what its owner has emptied is emptied there too."""
    mine = templates.replaced({}, {"X": CustomField(kind, {}, {place: "X__c"})})
    vendor, kind = place.split("/")
    party = {**fresh("party", TENANT, "p"), "emails": ["ann@acme.example"], "custom": {"X": kept}}
    made = body(mine.named(f"{vendor}/to_{kind.lower()}"), {"customer": party, "contact": party, "settings": SETTINGS})
    assert made["X__c"] == theirs


def test_what_no_system_has_spoken_of_is_not_written(templates: Templates) -> None:
    """A value that people keep at the vendor stays."""
    mine = templates.replaced({}, {"X": CustomField("string", {}, {"pardot/Prospect": "X__c"})})
    party = {**fresh("party", TENANT, "p"), "emails": ["ann@acme.example"]}
    records = {"customer": party, "contact": party, "settings": SETTINGS}
    assert "X__c" not in body(mine.named("pardot/to_prospect"), records)


def test_what_pardot_says_of_a_person_reaches_the_contact(company: Company) -> None:
    """Without any figure to tell; what Salesforce alone has spoken of is not told to it."""
    fields = {
        "Interest": CustomField("number", {"pardot/Prospect": "Interest__c"}, {"salesforce/Contact": "Interest__c"}),
        "Own": CustomField("string", {"salesforce/Contact": "Own__c"}, {"salesforce/Contact": "Own__c"}),
    }
    company.take(ConnectionChanged(TENANT, 1, dict.fromkeys(ALL, "1"), "UTC", "USD", custom_fields=fields))
    assert company.record("salesforce", "Contact", {**CONTACT, "Own__c": "x"}, at(0)) == []
    prospect = {**BODIES["pardot/Prospect"], "firstName": "Ann", "lastName": "Lee", "Interest__c": 7}
    told = of(company.record("pardot", "Prospect", prospect, at(1)), "salesforce", "Contact")
    assert (told.remote_id, sent(told)["Interest__c"]) == (CONTACT["Id"], 7)


def test_an_opportunitys_field_reaches_the_invoice(company: Company) -> None:
    """Project code and sales representative go into the company's own fields, cut where the tenant says so."""
    fields = {
        "ProjectCode": CustomField(
            "string", {"salesforce/Opportunity": "Project_Code__c"}, {"quickbooks/Invoice": "2"}
        ),
        "SalesRep": CustomField(
            "string", {"salesforce/Opportunity": "Sales_Rep_ID__c"}, {"quickbooks/Invoice": "1"}, cut=4
        ),
    }
    accounts = dict.fromkeys(ALL, "1")
    company.take(ConnectionChanged(TENANT, 1, accounts, "America/New_York", "USD", custom_fields=fields))
    company.record("salesforce", "Account", ACCOUNT, at(0))
    won = snapshot()
    won["Opportunity"] |= {"Project_Code__c": "P-7", "Sales_Rep_ID__c": "REP-12"}
    commands = company.record("salesforce", "OpportunitySnapshot", won, at(1), remote_id="006A")
    assert company.only("order")["custom"] == {"ProjectCode": "P-7", "SalesRep": "REP-12"}
    assert sent(of(commands, "quickbooks", "Invoice"))["CustomField"] == [
        {"DefinitionId": "2", "Type": "StringType", "StringValue": "P-7"},
        {"DefinitionId": "1", "Type": "StringType", "StringValue": "REP-"},
    ]


Told = tuple[str, str, dict[str, Any], str]
TIER = {"Tier": CustomField("string", {"salesforce/Account": "Tier__c"}, {"pardot/Prospect": "Tier__c"})}
PROSPECT = {"id": 7, "email": "ann@acme.example", "firstName": "Ann", "lastName": "Lee", "salesforceContactId": "003A"}


@pytest.mark.parametrize("account_first", [True, False])
def test_a_customers_field_reaches_its_prospects_before_any_invoice(company: Company, account_first: bool) -> None:
    """Whatever comes first, each of its persons whom Pardot knows has it, and it follows; nobody else is written."""
    accounts = dict.fromkeys(ALL, "1")
    company.take(ConnectionChanged(TENANT, 1, accounts, "America/New_York", "USD", custom_fields=TIER))
    account: Told = ("salesforce", "Account", {**ACCOUNT, "Tier__c": "Gold"}, at(1))
    others: list[Told] = [("salesforce", "Contact", CONTACT, at(2)), ("pardot", "Prospect", PROSPECT, at(3))]
    found = [c for one in ([account, *others] if account_first else [*others, account]) for c in company.record(*one)]
    assert sent(of(found, "pardot", "Prospect"))["Tier__c"] == "Gold"
    assert of(found, "pardot", "Prospect").remote_id == "7"
    stranger = {**CONTACT, "Id": "003B", "Email": "bo@acme.example", "FirstName": "Bo"}
    assert company.record("salesforce", "Contact", stranger, at(4)) == []
    changed = company.record("salesforce", "Account", {**ACCOUNT, "Tier__c": None}, at(5))
    assert sent(of(changed, "pardot", "Prospect"))["Tier__c"] is None
    assert company.record("salesforce", "Account", {**ACCOUNT, "Industry": "Mining", "Tier__c": None}, at(6)) == []


@pytest.mark.parametrize(
    ("name", "field", "reason"),
    [
        ("no name", CustomField("string", {"salesforce/Account": "X__c"}), "letters, digits"),
        ("X", CustomField("money", {"salesforce/Account": "X__c"}), "use one of string"),
        ("X", CustomField("string", {}, {"pardot/Prospect": "X__c"}), "is read nowhere"),
        ("X", CustomField("string", {"salesforce/Accuont": "X__c"}), "no template reads it"),
        ("X", CustomField("string", {"salesforce/Account": "X__c"}, {"salesforce/Lead": "X__c"}), "no template writes"),
    ],
)
def test_fields_that_cannot_be_are_named(templates: Templates, name: str, field: CustomField, reason: str) -> None:
    """Each with what to write instead."""
    ((path, said),) = check_fields({name: field}, templates)
    assert path.startswith(name)
    assert reason in said


def test_a_templates_own_field_is_not_taken_over(templates: Templates) -> None:
    """Two sources of one field would take turns."""
    with pytest.raises(MappingError, match="Score"):
        templates.replaced({}, {"Score": CustomField("number", {"pardot/Prospect": "Points__c"})})
