"""What Shopify tells of payments and refunds, and what the accounts then have."""

import json
from collections.abc import Mapping, Sequence
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


def money(amount: float) -> dict[str, Any]:
    """Return an amount as Shopify writes it."""
    return {"shopMoney": {"amount": f"{amount:.2f}", "currencyCode": "USD"}}


def line(number: int, price: float, quantity: int, current: int, tax: float = 0) -> dict[str, Any]:
    """Return a position of which some pieces may be off by now; its taxes count these as well."""
    taxes = [{"priceSet": money(tax)}] if tax else []
    pieces = {"quantity": quantity, "currentQuantity": current}
    priced = {"originalUnitPriceSet": money(price), "taxLines": taxes}
    return {"id": f"gid://shopify/LineItem/{number}", "title": "Chair", **pieces, **priced}


def back(amount: float, **pieces: int) -> dict[str, Any]:
    """Return a refund of an amount, and of pieces of positions, chairs of 10.00 or a lamp of 20.00."""
    prices = {"chair": (1, 10), "lamp": (2, 20)}
    nodes = [
        {"quantity": count, "restockType": "CANCEL", "lineItem": {"id": f"gid://shopify/LineItem/{prices[name][0]}"},
         "subtotalSet": money(prices[name][1] * count), "totalTaxSet": money(0)} for name, count in pieces.items()
    ]  # fmt: skip
    return {"id": f"gid://shopify/Refund/{amount:.0f}", "createdAt": "2026-03-02T10:00:00Z",
            "totalRefundedSet": money(amount), "refundLineItems": {"nodes": nodes}}  # fmt: skip


def sold(chairs: int, lamps: int, current: float, *refunds: dict[str, Any], paid: str, **more: Any) -> dict[str, Any]:
    """Return an order of three chairs, a lamp and 5.00 for shipping of which less may be left."""
    received = [] if paid == "PENDING" else [
        {"id": "gid://shopify/OrderTransaction/1", "kind": "SALE", "status": "SUCCESS", "gateway": "manual",
         "processedAt": "2026-03-01T10:00:00Z", "amountSet": money(55)}]  # fmt: skip
    return {
        **sample(), "displayFinancialStatus": paid, "transactions": received, "refunds": list(refunds),
        "lineItems": {"nodes": [line(1, 10, 3, chairs), line(2, 20, 1, lamps)]}, "subtotalPriceSet": money(50),
        "totalShippingPriceSet": money(5), "totalTaxSet": money(0), "totalPriceSet": money(55),
        "currentSubtotalPriceSet": money(current - 5), "currentTotalTaxSet": money(0),
        "currentTotalPriceSet": money(current), **more,
    }  # fmt: skip


EDITS: Mapping[str, tuple[dict[str, Any], int, Sequence[int]]] = {
    "as it was sold": (sold(3, 1, 55, paid="PENDING"), 55, (3, 1)),
    "edited down": (sold(2, 1, 45, paid="PENDING"), 45, (2, 1)),
    "a position taken off": (sold(3, 0, 35, back(0, lamp=1), paid="PENDING"), 35, (3,)),
    "all but shipping taken off": (sold(0, 0, 5, paid="PENDING"), 5, ()),
    "edited down, paid": (sold(2, 1, 45, paid="PAID"), 45, (2, 1)),
    "edited down, the money given back": (sold(2, 1, 45, back(10), paid="PARTIALLY_REFUNDED"), 55, (3, 1)),
    "given back": (sold(2, 1, 45, back(10, chair=1), paid="PARTIALLY_REFUNDED"), 55, (3, 1)),
    "all given back": (sold(0, 0, 0, back(55, chair=3, lamp=1), paid="REFUNDED"), 55, (3, 1)),
    "goodwill": (sold(3, 1, 55, back(4), paid="PARTIALLY_REFUNDED"), 55, (3, 1)),
    "goodwill that the current total counts": (sold(3, 1, 51, back(4), paid="PARTIALLY_REFUNDED"), 55, (3, 1)),
    "more taken off than was given back": (
        sold(2, 0, 25, back(0, chair=1), back(20, lamp=1), paid="PARTIALLY_REFUNDED"), 45, (2, 1),
    ),
    "cancelled": (sold(0, 0, 0, paid="VOIDED", cancelledAt="2026-03-03T10:00:00Z"), 55, (3, 1)),
}  # fmt: skip


@pytest.mark.parametrize("what", EDITS)
def test_an_order_is_what_is_left_of_it_and_what_was_given_back(company: Company, what: str) -> None:
    """Edits change what was sold; what went back as money is a refund of its own, and is counted once."""
    connected(company)
    stored, total, quantities = EDITS[what]
    told(company, stored, "1")
    order = company.only("order")
    assert (order["grand_total"], [int(each["quantity"]) for each in order["lines"]]) == (total, list(quantities))
    assert (order["hold"], order["hold_reason"]) == (False, None)
    given = sum(refund["amount"] for refund in order["refunds"])
    assert given == sum(float(part["totalRefundedSet"]["shopMoney"]["amount"]) for part in stored["refunds"])


@pytest.mark.parametrize("included", [True, False])
def test_taxes_follow_an_edit(company: Company, included: bool) -> None:
    """A position's taxes count what was taken off; the invoice has those of what is left, and follows."""
    connected(company)
    before = sold(3, 1, 55, paid="PENDING", taxesIncluded=included)
    taxes = {"totalTaxSet": money(3), "totalPriceSet": money(55 if included else 58)}
    before |= {**taxes, "lineItems": {"nodes": [line(1, 10, 3, 3, 3)]}, "totalShippingPriceSet": money(25)}
    before |= {"currentTotalPriceSet": taxes["totalPriceSet"], "currentTotalTaxSet": money(3)}
    before |= {"subtotalPriceSet": money(30), "currentSubtotalPriceSet": money(30)}
    told(company, before, "1")
    after = before | {"lineItems": {"nodes": [line(1, 10, 3, 2, 3)]}, "currentSubtotalPriceSet": money(20)}
    after |= {"currentTotalTaxSet": money(2), "currentTotalPriceSet": money(45 if included else 47)}
    invoice = body(told(company, after, "2")[-1])
    assert (invoice["Line"][0]["Amount"], invoice["TxnTaxDetail"]["TotalTax"]) == (18 if included else 20, 2)
    assert company.only("order")["hold"] is False


def test_what_was_edited_in_a_way_that_cannot_be_followed_waits(company: Company) -> None:
    """Goodwill beside an edit: whether the current total counts it is unknown, so a person is asked."""
    connected(company)
    told(company, sold(2, 1, 45, back(4), paid="PARTIALLY_REFUNDED"), "1")
    assert company.only("order")["hold_reason"].endswith("a difference of 4")


@pytest.mark.parametrize(
    ("paid", "applied"), [([55], [[45]]), ([30, 25], [[30], [15]]), ([45, 10], [[45], []]), ([20, 20], [[20], [20]])]
)
def test_what_was_paid_beyond_what_an_edit_left_is_credit(
    company: Company, paid: Sequence[int], applied: Sequence[Sequence[int]]
) -> None:
    """No more than the invoice comes to can be paid on it, in however many parts."""
    rules = "rules: [{name: invoices, when: 'true', then: {document: INVOICE}}]"
    company.take(ConnectionChanged(TENANT, 1, {"shopify": "shop", "quickbooks": "1"}, "UTC", "USD", {}, rules))
    edited = EDITS["edited down, paid"][0]
    [whole] = edited["transactions"]
    parts = [{**whole, "id": f"{whole['id']}{n}", "amountSet": money(part)} for n, part in enumerate(paid)]
    payments = [body(c) for c in told(company, {**edited, "transactions": parts}, "1") if c.object == "Payment"]
    assert [payment["TotalAmt"] for payment in payments] == paid
    assert [[each["Amount"] for each in payment.get("Line", [])] for payment in payments] == applied
