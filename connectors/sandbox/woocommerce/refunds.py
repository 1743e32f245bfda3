"""Refunds: a record of its own under its order, whose totals stay (`wc_create_refund`)."""

from decimal import Decimal
from typing import Any

from connectors.sandbox.woocommerce.errors import WooError
from connectors.sandbox.woocommerce.kinds import ORDER, REFUND
from connectors.sandbox.woocommerce.shop import Entity, Shop
from connectors.sandbox.woocommerce.values import ZERO, amount, money


def create(shop: Shop, order: Entity, body: Any) -> Entity:
    """Refund part or all of an order; refunding all that is left makes the order refunded.

    Raises:
        WooError: the amount is negative or more than is left.
    """
    sent = shop.checked(REFUND, body)
    lines = [_line(shop, order, row) for row in sent.get("line_items", [])]
    refunded = sum((-amount(line["total"]) - amount(line["total_tax"]) for line in lines), ZERO)
    asked = amount(sent["amount"]) if "amount" in sent else refunded
    if asked < 0:
        raise WooError("woocommerce_rest_invalid_order_refund", "Refund amount must be greater than zero.")
    left = amount(order["total"]) - done(order)
    if asked == 0 or asked > left:
        raise WooError("woocommerce_rest_cannot_create_order_refund", "Invalid refund amount.", 500)
    refund = shop.insert(
        REFUND,
        {
            "amount": money(asked),
            "reason": sent.get("reason", ""),
            "refunded_by": sent.get("refunded_by", 1),
            "refunded_payment": bool(sent.get("api_refund", True)),
            "meta_data": sent.get("meta_data", []),
            "line_items": lines,
            "shipping_lines": [],
            "tax_lines": [],
            "fee_lines": [],
        },
        parent=order["id"],
    )
    summary = {"id": refund["id"], "reason": refund["reason"], "total": money(-asked)}
    changed = {**order, "refunds": [*order["refunds"], summary]}
    if asked == left:
        changed["status"] = "refunded"
    shop.replace(ORDER, changed)
    return refund


def remove(shop: Shop, refund: Entity) -> None:
    """Delete a refund; the order forgets it."""
    shop.erase(REFUND, refund)
    order = shop.get(ORDER.name, refund["_parent"])
    if order is not None:
        shop.replace(ORDER, {**order, "refunds": [row for row in order["refunds"] if row["id"] != refund["id"]]})


def done(order: Entity) -> Decimal:
    """What has been refunded."""
    return -sum((amount(row["total"]) for row in order["refunds"]), ZERO)


def _line(shop: Shop, order: Entity, sent: Any) -> Entity:
    source = next((line for line in order["line_items"] if line["id"] == sent.get("id")), None)
    if source is None:
        raise WooError("woocommerce_rest_invalid_item_id", "Order item ID provided is not associated with order.")
    tax = sum((amount(row.get("refund_total", "0")) for row in sent.get("refund_tax") or []), ZERO)
    total = amount(sent.get("refund_total", "0"))
    copied = {name: source[name] for name in ("name", "product_id", "variation_id", "tax_class", "sku", "price")}
    return {
        **copied,
        "id": shop.next_id("item"),
        "quantity": -int(amount(sent.get("quantity", 0))),
        "subtotal": money(-total),
        "subtotal_tax": money(-tax),
        "total": money(-total),
        "total_tax": money(-tax),
        "taxes": [],
        "meta_data": [{"id": shop.next_id("meta"), "key": "_refunded_item_id", "value": str(source["id"])}],
    }
