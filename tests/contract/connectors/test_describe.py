"""What vendors describe, on real sandboxes."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from connectors.ports import FieldInfo

Company = Any  # the fixture's class lives in conftest, which tests cannot import
Connect = Callable[..., Awaitable[Company]]


@pytest.mark.parametrize(
    ("vendor", "object_type", "expected"),
    [
        ("salesforce", "Opportunity", FieldInfo("Project_Code__c", "Project Code", "string", 255)),
        ("salesforce", "Opportunity", FieldInfo("Sluiceway_Paid_On__c", "Sluiceway Paid On", "date")),
        ("pardot", "Prospect", FieldInfo("Subscription_Plan__c", "Subscription Plan", "picklist")),
        ("pardot", "Prospect", FieldInfo("Lifetime_Value__c", "Lifetime Value", "number")),
        ("quickbooks", "Invoice", FieldInfo("2", "Source", "string", 31)),
    ],
)
async def test_custom_fields_are_described(
    connect: Connect, vendor: str, object_type: str, expected: FieldInfo
) -> None:
    """Name, label, type and length as the company has them."""
    describer = (await connect(vendor)).connector.describer
    assert describer is not None
    found = {field.name: field for field in await describer.fields(object_type)}
    assert found[expected.name] == expected


async def test_standard_fields_are_described_beside(connect: Connect) -> None:
    """They may be read into custom fields too, and their lists are known."""
    company = await connect("salesforce")
    found = {field.name: field for field in await company.connector.describer.fields("Opportunity")}
    assert found["StageName"].custom is False
    assert found["StageName"].restricted
    assert "Closed Won" in found["StageName"].values
    assert found["IsWon"].writable is False
