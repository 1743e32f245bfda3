"""What Shopify tells of payments and refunds, and what the accounts then have."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from connectors.kafka.records import Command, ConnectionChanged
from tests.unit.stages.kit import TENANT, Company, asked, body

ORDER = Path(__file__).parents[2] / "golden" / "shopify" / "order" / "in.json"


def sample() -> dict[str, Any]:
    """Return an order as the sandbox answered it."""
    stored: dict[str, Any] = json.loads(ORDER.read_text())
    return stored


def connected(company: Company) -> None:
    """Connect Shopify and QuickBooks."""
    company.take(ConnectionChanged(TENANT, 1, {"shopify": "shop", "quickbooks": "1"}, "UTC", "USD"))


def told(company: Company, order: Mapping[str, Any], version: str) -> list[Command]:
    """Take in an order."""
    return company.record("shopify", "Order", order, version, remote_id=order["id"].rpartition("/")[2])


def test_a_payment_that_is_undone_at_the_shop_is_void(company: Company) -> None:
    """Of several transactions only the one that failed after all is taken out of the books."""
    connected(company)
    paid = [
        {"id": f"gid://shopify/OrderTransaction/{n}", "kind": "SALE", "status": "SUCCESS", "gateway": "manual",
         "processedAt": "2026-03-01T10:00:00Z", "amountSet": {"shopMoney": {"amount": "1.00"}}} for n in (1, 2)
    ]  # fmt: skip
    order = {**sample(), "displayFinancialStatus": "PARTIALLY_PAID", "transactions": paid}
    told(company, order, "1")
    failed = {**order, "transactions": [paid[0], {**paid[1], "status": "FAILURE"}]}
    commands = told(company, failed, "2")
    assert [(c.operation, c.object_key.rpartition("/")[2]) for c in commands] == [("VOID", "2")]


def test_what_was_paid_in_part_and_given_back_in_part_is_an_invoice(company: Company) -> None:
    """Shopify then tells only of the refund; a receipt would say that all was paid."""
    connected(company)
    stored = sample()
    paid = {"id": "gid://shopify/OrderTransaction/1", "kind": "SALE", "status": "SUCCESS", "gateway": "manual",
            "processedAt": "2026-03-01T10:00:00Z", "amountSet": {"shopMoney": {"amount": "15.00"}}}  # fmt: skip
    part = {**stored, "displayFinancialStatus": "PARTIALLY_REFUNDED", "transactions": [paid]}
    commands = told(company, part, "1")
    assert [kind for _, kind in asked(commands)][1:] == ["Invoice", "Payment", "RefundReceipt"]


def test_orders_that_are_paid_by_the_same_word_keep_their_own_refunds(company: Company) -> None:
    """A shop that names orders, not payments, in its refunds may give all payments one reference."""
    connected(company)
    stored = sample()
    told(company, stored, "1")
    other = {**stored, "id": "gid://shopify/Order/6000000000002"}
    commands = told(company, other, "1")
    assert "VOID" not in [operation for operation, _ in asked(commands)]
    assert [len(order["refunds"]) for order in company.latest("order").values()] == [1, 1]


@pytest.mark.parametrize("restocked", [True, False])
def test_what_is_given_back_wholly_comes_back_into_stock_as_the_shop_says(company: Company, restocked: bool) -> None:
    """Units of a product do with their item; a broken chair is booked under none."""
    connected(company)
    chair = {"id": "gid://shopify/ProductVariant/6000000000001", "title": "Chair", "sku": "C-1", "price": "12.50"}
    product = {"id": "gid://shopify/Product/6000000000001", "title": "Chair", "status": "ACTIVE"}
    company.record("shopify", "Product", {**product, "variants": {"nodes": [chair]}}, "1", remote_id="6000000000001")
    stored = sample()
    [part] = stored["refunds"]
    [line] = part["refundLineItems"]["nodes"]
    back = [{**line, "quantity": 2, "restockType": "RETURN" if restocked else "NO_RESTOCK"}]
    whole = {**part, "totalRefundedSet": stored["totalPriceSet"], "refundLineItems": {"nodes": back}}
    commands = told(company, {**stored, "refunds": [whole]}, "1")
    first = body(commands[-1])["Line"][0]
    assert (first["Amount"], first["SalesItemLineDetail"]["Qty"]) == (25, 2)
    assert ("ItemRef" in first["SalesItemLineDetail"]) is restocked
