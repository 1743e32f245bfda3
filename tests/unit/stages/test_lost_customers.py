"""Orders whose customer's record was deleted at its vendor."""

from typing import Any

import pytest

from connectors.errors import MappingError
from connectors.kafka.records import Command, Decision
from tests.unit.stages.kit import (
    ACCOUNT,
    AT,
    LINES,
    TENANT,
    Company,
    asked,
    at,
    of,
    snapshot,
    stamp,
    stored,
    version,
)  # fmt: skip
from tests.unit.stages.shop import BILLING, VENDORS, kinds, order, reviews, tell

WIDGET = {"Id": "01tA", "SystemModstamp": stamp(5), "Name": "Widget", "ProductCode": "W-1", "IsActive": True}
GONE = "its customer was deleted; give it another at its source"


def agreed(company: Company, second: int, **more: Any) -> list[Command]:
    """Take in a won opportunity whose products are not told with it."""
    lines = [{**line, "Product2": None} for line in LINES]
    body = {**snapshot(second), "Lines": lines, "Account": None, **more}
    return company.record("salesforce", "OpportunitySnapshot", body, at(second), remote_id="006A")


@pytest.fixture
def lost(company: Company) -> Company:
    """A company with an invoiced order whose customer is gone."""
    company.connect()
    agreed(company, 1, Account=ACCOUNT)
    company.record("salesforce", "Account", {}, at(3), remote_id="001A", deleted=True)
    assert reviews(company) == []
    return company


def test_what_fills_an_old_order_is_taken_in_although_its_customer_is_gone(lost: Company) -> None:
    """The product is not to blame: it is known, the order names it and waits for a person."""
    assert ("PUT", "Invoice") not in asked(lost.record("salesforce", "Product2", WIDGET, at(5)))
    [line, _] = lost.only("order")["lines"]
    assert line["product_id"] == lost.only("product")["id"]
    assert [(item.reason, item.open) for item in reviews(lost)] == [(GONE, True)]
    lost.record("salesforce", "Product2", {**WIDGET, "Name": "Widget 2", "SystemModstamp": stamp(6)}, at(6))
    assert len(reviews(lost)) == 1


def test_what_fills_an_order_whose_amendment_waits_is_taken_in_as_well(company: Company) -> None:
    """Then it waits for both, and nothing is asked of the accounts for nobody."""
    company.connect()
    invoice = of(agreed(company, 1, Account=ACCOUNT), "quickbooks", "Invoice")
    company.result(invoice, "145", stored("Invoice", "145"))
    company.record("quickbooks", "Invoice", stored("Invoice", "145", 2, Balance=0), version(2))
    agreed(company, 3, Account=ACCOUNT, Lines=[{**line, "Product2": None, "UnitPrice": 600} for line in LINES])
    company.record("salesforce", "Account", {}, at(4), remote_id="001A", deleted=True)
    assert asked(company.record("salesforce", "Product2", WIDGET, at(5))) == []
    *_, question = reviews(company)
    assert (question.open, question.reason.endswith(f"; {GONE}")) == (True, True)


def test_an_order_that_is_told_again_after_its_customer_went_is_asked_about_once(lost: Company) -> None:
    """It names who is gone: that is a question, not a dead letter; it cannot be answered with yes before he is back."""
    assert asked(agreed(lost, 6)) == []
    assert asked(agreed(lost, 7, Lines=[])) == []
    [question] = reviews(lost)
    assert question.reason == GONE
    with pytest.raises(MappingError, match="customer_id"):
        lost.take(Decision(TENANT, "accept", AT, review=question.id))
    lost.record("salesforce", "Account", ACCOUNT, at(8), undeleted=True)
    assert ("PUT", "Invoice") in asked(lost.take(Decision(TENANT, "accept", AT, review=question.id)))


def test_an_order_whose_customer_is_back_goes_on_when_it_is_told_again(lost: Company) -> None:
    """The question is closed by itself."""
    agreed(lost, 6)
    lost.record("salesforce", "Account", ACCOUNT, at(7), undeleted=True)
    assert ("PUT", "Invoice") in asked(agreed(lost, 8, Lines=LINES[:1]))
    assert [item.open for item in reviews(lost)] == [True, False]


def test_a_shop_s_order_of_a_deleted_customer_is_its_buyer_s(company: Company) -> None:
    """The account at the shop is gone, the order still names it: the buyer is who it was."""
    company.connect(*VENDORS)
    tell(company, order(customer_id=25), "1")
    known = {"id": 25, "email": "ada@buyer.example", "first_name": "Ada", "last_name": "Lane", "billing": BILLING}
    tell(company, {**known, "date_modified_gmt": "2026-03-01T12:00:00"}, "1", "customer")
    buyer = company.only("order")["customer_id"]
    company.record("woocommerce", "customer", {"id": 25}, "2", deleted=True)
    assert kinds(tell(company, order(customer_id=25, number="7a"), "3")) == ["PUT SalesReceipt"]
    assert company.only("order")["customer_id"] == buyer
