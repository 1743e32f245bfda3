"""What the accounts have already is found before anything is created there."""

from typing import Any

import pytest

from tests.unit.stages.kit import Company, at, body, of, snapshot, stored, version

MAILED = {"PrimaryEmailAddr": {"Address": "ann@acme.example"}, "GivenName": "Ann", "FamilyName": "Lee"}


@pytest.mark.parametrize(
    ("kind", "known", "person"),
    [
        ("Customer", {"DisplayName": "ACME", "CompanyName": "Acme Incorporated"}, False),
        ("Customer", {"DisplayName": "Ann Lee", "CompanyName": None, **MAILED}, True),
        ("Item", {"Name": "Another name", "Sku": "W-1"}, False),
    ],
)
def test_it_is_updated_and_not_created(company: Company, kind: str, known: dict[str, Any], person: bool) -> None:
    """A company by its name without legal form, a person by mailbox and name, an item by SKU."""
    company.connect()
    company.record("quickbooks", kind, stored(kind, "58", **known), version(0))
    sold = snapshot(Account=None) if person else snapshot()
    sold["Opportunity"] |= {"AccountId": None} if person else {}
    commands = company.record("salesforce", "OpportunitySnapshot", sold, at(1), remote_id="006A")
    found = [command.remote_id for command in commands if (command.vendor, command.object) == ("quickbooks", kind)]
    assert "58" in found


def test_what_has_no_product_is_the_tenants_own_item(company: Company) -> None:
    """Its name is looked up by the delivery."""
    company.connect(rules="defaults: {item: Consulting}")
    commands = company.record("salesforce", "OpportunitySnapshot", snapshot(Lines=[]), at(1), remote_id="006A")
    (line,) = body(of(commands, "quickbooks", "Invoice"))["Line"]
    item = line["SalesItemLineDetail"]["ItemRef"]["value"]
    assert item == {"$lookup": {"object": "Item", "name": "Consulting"}}
