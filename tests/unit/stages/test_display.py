"""Names that only one customer, vendor or employee of the accounts may have."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.unit.stages.kit import CONTACT, Company, at, body, envelope, of, snapshot, version

ANN = {**CONTACT, "Id": "003C", "Email": "lee@home.example", "AccountId": None}


@pytest.fixture
def crm(company: Company) -> Company:
    """A tenant connected to all vendors."""
    company.connect()
    return company


def named(company: Company, kind: str, second: int, **fields: Any) -> None:
    """Take in a vendor or an employee as QuickBooks has it."""
    record = {**envelope("77", second), "DisplayName": "Ann Lee", "Active": True, **fields}
    company.record("quickbooks", kind, record, version(second))


def bought(company: Company) -> str:
    """Let Ann Lee buy, and return the name under which she is asked for as a customer."""
    role = {"Id": "00KA", "ContactId": "003C", "IsPrimary": True, "Role": "Buyer", "Contact": ANN}
    sold = snapshot(Account=None, ContactRoles=[role])
    sold["Opportunity"]["AccountId"] = None
    commands = company.record("salesforce", "OpportunitySnapshot", sold, at(9), remote_id="006A")
    return str(body(of(commands, "quickbooks", "Customer"))["DisplayName"])


@pytest.mark.parametrize("kind", ["Vendor", "Employee"])
def test_no_customer_gets_the_name_of_another_kind(crm: Company, kind: str) -> None:
    """QuickBooks would refuse it; nothing but the name is kept of them."""
    named(crm, kind, 1)
    assert crm.emits == []
    assert bought(crm) == "Ann Lee (lee)"


@pytest.mark.parametrize(
    "after", [{"DisplayName": "Anne Lee"}, {"Active": False, "DisplayName": "Ann Lee (deleted)"}, {"Active": False}]
)
def test_a_name_that_is_given_up_is_free(crm: Company, after: dict[str, Any]) -> None:
    """Renamed or made inactive: the customer may have it."""
    named(crm, "Vendor", 1)
    named(crm, "Vendor", 2, **after)
    named(crm, "Vendor", 1)
    assert bought(crm) == "Ann Lee"


def test_a_deleted_vendor_has_no_name(crm: Company) -> None:
    """Its record comes without a body."""
    named(crm, "Vendor", 1)
    crm.record("quickbooks", "Vendor", {}, version(2), remote_id="77", deleted=True)
    assert bought(crm) == "Ann Lee"


HOLDING = {"CompanyName": "Lee Holding"}


def test_a_customer_that_the_accounts_deleted_has_no_name(crm: Company) -> None:
    """Its record comes without a body."""
    named(crm, "Customer", 1, **HOLDING)
    crm.record("quickbooks", "Customer", {}, version(2), remote_id="77", deleted=True)
    assert bought(crm) == "Ann Lee"


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ([(1, HOLDING)], "Ann Lee (lee)"),
        ([(2, {**HOLDING, "DisplayName": "Lees"}), (1, HOLDING)], "Ann Lee"),
        ([(1, HOLDING), (2, {**HOLDING, "Active": False, "DisplayName": "Ann Lee (deleted)"})], "Ann Lee"),
        ([(1, {"PrimaryEmailAddr": {"Address": ANN["Email"]}})], "Ann Lee"),
    ],
)
def test_no_customer_gets_the_name_that_another_has_in_the_accounts(
    crm: Company, told: Sequence[tuple[int, dict[str, Any]]], name: str
) -> None:
    """Whatever its company is called, by its newest version; the customer itself may have it."""
    for second, fields in told:
        named(crm, "Customer", second, **fields)
    assert bought(crm) == name
