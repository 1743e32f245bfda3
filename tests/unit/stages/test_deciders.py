"""Whose figures the prospects of those who decide orders show."""

from typing import Any

import pytest

from connectors.kafka.records import Command, Decision
from tests.unit.stages.kit import ACCOUNT, AT, CONTACT, TENANT, Company, at, body, of, opportunity, snapshot, stored
from tests.unit.stages.kit import version as stamp

NAMES = {"58": "Acme, Inc.", "59": "Bolt Ltd"}


def account(customer: str) -> dict[str, Any]:
    """Return the account of a customer of the accounts."""
    return {**ACCOUNT, "Id": f"001{customer}", "Name": NAMES[customer], "Phone": None, "BillingStreet": customer}


def won(customer: str, first_name: str, order: str, second: int = 1) -> dict[str, Any]:
    """Return the snapshot of an order of a customer that somebody with an own address decided."""
    address = f"{first_name}@{first_name}.example"
    person = {**CONTACT, "Id": f"003{first_name}", "FirstName": first_name, "Email": address, "AccountId": None}
    role = {"Id": f"00K{order}", "ContactId": person["Id"], "IsPrimary": True, "Role": "Buyer", "Contact": person}
    sold = {**opportunity(second), "Id": order, "AccountId": f"001{customer}"}
    return snapshot(second, Opportunity=sold, Account=account(customer), ContactRoles=[role])


def decided(company: Company, customer: str, first_name: str, order: str, second: int = 1) -> list[Command]:
    """Let somebody decide a customer's order."""
    sold = won(customer, first_name, order, second)
    return company.record("salesforce", "OpportunitySnapshot", sold, at(second), remote_id=order)


def told(company: Company, customer: str, second: int) -> set[tuple[str, str]]:
    """Let a customer pay, and return which prospects are told that, as whose."""
    paid = stored("Payment", f"7{customer}", second, CustomerRef={"value": customer}, TotalAmt=second, Line=[])
    commands = company.record("quickbooks", "Payment", paid, stamp(second))
    found = [body(command) for command in commands if (command.vendor, command.operation) == ("pardot", "PUT")]
    return {(prospect["firstName"], prospect["company"]) for prospect in found}


@pytest.fixture
def two(company: Company) -> Company:
    """A tenant with two customers: of the one an order was decided by Ann, of the other by Bob."""
    company.connect()
    for customer, first_name in (("58", "Ann"), ("59", "Bob")):
        asked = decided(company, customer, first_name, f"006{customer}")
        names: dict[str, Any] = {"DisplayName": NAMES[customer], "CompanyName": NAMES[customer]}
        company.result(of(asked, "quickbooks", "Customer"), customer, stored("Customer", customer, **names))
    return company


def test_each_customers_persons_are_its_own_again_once_a_merge_is_undone(two: Company) -> None:
    """While they are one all are told alike; then nobody is told what another customer pays."""
    assert told(two, "58", 1) == {("Ann", "Acme, Inc.")}
    acme, bolt = (two.party(name)["id"] for name in NAMES.values())
    two.take(Decision(TENANT, "merge", AT, party=bolt, other=acme))
    assert told(two, "58", 2) == {("Ann", "Bolt Ltd"), ("Bob", "Bolt Ltd")}
    decided(two, "59", "Cid", "006C", 3)
    two.take(Decision(TENANT, "split", AT, party=bolt))
    for customer, first_name, order in (("58", "Ann", "00658"), ("59", "Bob", "00659"), ("59", "Cid", "006C")):
        decided(two, customer, first_name, order, 3)
    assert told(two, "58", 4) == {("Ann", "Acme, Inc.")}
    assert told(two, "59", 4) == {("Bob", "Bolt Ltd"), ("Cid", "Bolt Ltd")}


def test_who_decided_an_order_of_another_customer_is_told_of_that_one_alone(two: Company) -> None:
    """The account of an opportunity was mistaken, and is put right; who decided another order stays."""
    decided(two, "58", "Bob", "006B", 2)
    decided(two, "58", "Ann", "006D", 2)
    assert told(two, "58", 3) == {("Ann", "Acme, Inc."), ("Bob", "Acme, Inc.")}
    decided(two, "59", "Bob", "006B", 4)
    decided(two, "59", "Ann", "006D", 4)
    assert told(two, "58", 5) == {("Ann", "Acme, Inc.")}
