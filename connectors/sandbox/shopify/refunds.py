"""Refunds: goods taken back and money returned; the order's `current_*` figures follow."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.sandbox.shopify import hooks, order_lines, orders
from connectors.sandbox.shopify.errors import Problem
from connectors.sandbox.shopify.ids import number_of
from connectors.sandbox.shopify.money import Bag, Currencies, bag_of, total
from connectors.sandbox.shopify.shop import Row, Shop


def create(shop: Shop, order: Row, sent: Mapping[str, Any]) -> Row:
    """Refund as a RefundInput in snake case asks. Raises Problem."""
    money = Currencies(order["currency"], order["presentment_currency"])
    lines = [_line(shop, order, each, money, index) for index, each in enumerate(sent.get("refund_line_items") or ())]
    amounts = [_amount(order, each, index) for index, each in enumerate(sent.get("transactions") or ())]
    shipping = _shipping(order, sent.get("shipping"))
    back = total(amounts)
    if back.shop > (orders.received(order) - orders.refunded(order)).shop:
        raise Problem("Refund amount is greater than what was paid and not yet refunded", "transactions")
    if not lines and not amounts and not shipping.shop:
        raise Problem("Refund must have at least one line item, a shipping refund or a transaction")
    transactions = [
        orders.transact(shop, order, "refund", amount, each["gateway"], sent={"parent_id": each.get("parent_id")})
        for amount, each in zip(amounts, sent.get("transactions") or (), strict=True)
    ]
    refund: Row = {
        "__typename": "Refund",
        "id": shop.next_id("Refund"),
        "created_at": shop.now(),
        "updated_at": shop.now(),
        "processed_at": shop.now(),
        "note": sent.get("note"),
        "restock": any(line["restock_type"] != "no_restock" for line in lines),
        "refund_line_items": lines,
        "transactions": transactions,
        "_total_refunded": back.stored(money),
    }
    order["refunds"].append(refund)
    _reduce(order, lines, shipping, money)
    for line in lines:
        if line["restock_type"] != "no_restock":
            bought = next(each for each in order["line_items"] if each["id"] == line["line_item_id"])
            orders.put_back(shop, bought, line["quantity"], line["_location"])
    orders.touch(shop, order)
    hooks.tell(shop, "refunds/create", {**refund, "order_id": order["id"]})
    shop.written.append("Refund")
    return {**refund, "_order": order}


def _line(shop: Shop, order: Row, sent: Mapping[str, Any], money: Currencies, index: int) -> Row:
    number = number_of(sent["line_item_id"], "LineItem")
    bought = next((each for each in order["line_items"] if str(each["id"]) == number), None)
    if bought is None:
        raise Problem(
            "Refund line items line item does not belong to this order", "refundLineItems", str(index), "lineItemId"
        )
    quantity = sent["quantity"]
    if not 0 < quantity <= bought["current_quantity"]:
        raise Problem("Refund line items quantity cannot refund more items than were purchased", "refundLineItems")
    share = Decimal(quantity) / bought["quantity"]
    taxes = total(bag_of(tax["price_set"]) for tax in bought["tax_lines"])
    location = sent.get("location_id")
    return {
        "__typename": "RefundLineItem",
        "id": shop.next_id("RefundLineItem"),
        "line_item_id": bought["id"],
        "quantity": quantity,
        "restock_type": (sent.get("restock_type") or "NO_RESTOCK").lower(),
        "subtotal_set": (order_lines.line_total(bought) - bag_of(bought["total_discount_set"]))
        .times(share)
        .stored(money),
        "total_tax_set": taxes.times(share).stored(money),
        "location_id": int(number_of(location, "Location") or 0) or None if location else None,
        "_location": number_of(location, "Location") if location else None,
    }


def _amount(order: Row, sent: Mapping[str, Any], index: int) -> Bag:
    """The amount of a transaction, sent in the currency the buyer sees."""
    amount = Decimal(str(sent["amount"]))
    if amount <= 0:
        raise Problem("Transaction amount must be positive", "transactions", str(index), "amount")
    paid = orders.received(order)
    rate = paid.shop / paid.presentment if paid.presentment else Decimal(1)
    return Bag(amount * rate, amount)


def _shipping(order: Row, sent: Mapping[str, Any] | None) -> Bag:
    if not sent:
        return Bag()
    whole = bag_of(order["total_shipping_price_set"])
    if sent.get("full_refund"):
        return whole
    amount = Decimal(str(sent.get("amount") or 0))
    if amount > whole.shop:
        raise Problem("Shipping refund cannot be more than the shipping price", "shipping", "amount")
    return Bag(amount, amount)


def _reduce(order: Row, lines: list[Row], shipping: Bag, money: Currencies) -> None:
    """Take the refunded goods off the `current_*` figures."""
    subtotal = total(bag_of(line["subtotal_set"]) for line in lines)
    tax = total(bag_of(line["total_tax_set"]) for line in lines)
    for line in lines:
        bought = next(each for each in order["line_items"] if each["id"] == line["line_item_id"])
        bought["current_quantity"] -= line["quantity"]
    off = {"subtotal_price": subtotal, "total_tax": tax}
    off["total_price"] = subtotal + shipping + (Bag() if order["taxes_included"] else tax)
    for name, bag in off.items():
        order[f"current_{name}_set"] = (bag_of(order[f"current_{name}_set"]) - bag).stored(money)
