"""Fields that hold canonical ids of objects that have not come yet."""

import pytest

from tests.unit.stages.kit import Company, stored, version


@pytest.mark.parametrize(("later", "named"), [({"value": "59"}, "59"), (None, None)])
def test_a_field_waits_for_what_its_record_names_last(
    company: Company, later: dict[str, str] | None, named: str | None
) -> None:
    """The object that it named before may come first, and is not what it is about any more."""
    company.connect("quickbooks")
    company.record("quickbooks", "Invoice", stored("Invoice", "7", 1, CustomerRef={"value": "58"}), version(1))
    company.record("quickbooks", "Invoice", stored("Invoice", "7", 2, CustomerRef=later), version(2))
    company.record("quickbooks", "Customer", stored("Customer", "58"), version(0))
    assert company.only("invoice")["customer_id"] is None
    company.record("quickbooks", "Customer", stored("Customer", "59", CompanyName="Benson Ltd"), version(0))
    other = company.party("Benson Ltd")["id"]
    assert company.only("invoice")["customer_id"] == (other if named else None)
