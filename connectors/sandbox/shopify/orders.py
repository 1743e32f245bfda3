"""Orders: made, paid, changed, cancelled, deleted. What Shopify computes is computed here: totals, balance, status."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.sandbox.shopify import customers, hooks, inventory, order_lines
from connectors.sandbox.shopify.errors import Problem
from connectors.sandbox.shopify.ids import number_of
from connectors.sandbox.shopify.money import Bag, Currencies, bag_of, bag_sent, total
from connectors.sandbox.shopify.shop import Row, Shop

FIRST_NUMBER = 1001
RECEIVES = {"sale", "capture"}
CHANGED = ("email", "phone", "note", "po_number")


def create(shop: Shop, sent: Mapping[str, Any], behaviour: str = "BYPASS") -> Row:
    """Make an order of an OrderCreateOrderInput in snake case. Raises Problem."""
    if not sent.get("line_items"):
        raise Problem("Line items must have at least one line item", "order", "lineItems", code="INVALID")
    shop_currency = sent.get("currency") or shop.currency
    money = Currencies(shop_currency, sent.get("presentment_currency") or shop_currency)
    customer = _customer(shop, sent)
    number = shop.ctx.database.next(shop.account, "order number", FIRST_NUMBER)
    row: Row = {
        "name": f"#{number}",
        "number": number - FIRST_NUMBER + 1,
        "order_number": number,
        "token": shop.token("order"),
        "cart_token": sent.get("cart_token"),
        "checkout_token": sent.get("checkout_token"),
        "checkout_id": sent.get("checkout_id"),
        "email": sent.get("email") or (customer or {}).get("email"),
        "contact_email": sent.get("email") or (customer or {}).get("email"),
        "phone": sent.get("phone"),
        "processed_at": sent.get("processed_at") or shop.now(),
        "cancelled_at": None,
        "cancel_reason": None,
        "closed_at": None,
        "confirmed": True,
        "test": bool(sent.get("test")),
        "currency": money.shop,
        "presentment_currency": money.presentment,
        "taxes_included": bool(sent.get("taxes_included")),
        "note": sent.get("note"),
        "note_attributes": [
            {"name": each["key"], "value": each["value"]} for each in sent.get("custom_attributes") or ()
        ],
        "tags": sorted(set(sent.get("tags") or ())),
        "po_number": sent.get("po_number"),
        "source_name": sent.get("source_name") or "api",
        "payment_gateway_names": [],
        "payment_terms": None,
        "billing_address": customers.address(shop, sent.get("billing_address")),
        "shipping_address": customers.address(shop, sent.get("shipping_address")),
        "line_items": [order_lines.line(shop, each, money, index) for index, each in enumerate(sent["line_items"])],
        "shipping_lines": [order_lines.shipping(shop, each, money) for each in sent.get("shipping_lines") or ()],
        "fulfillments": [],
        "refunds": [],
        "fulfillment_status": None,
        "_customer": str(customer["id"]) if customer else None,
        "_transactions": [],
        "_status": "open",
        "_fulfillment": "unfulfilled",
    }
    order_lines.discount(row, sent.get("discount_code"), money)
    row["tax_lines"] = order_lines.tax_lines(sent.get("tax_lines"), Bag(), money) or order_lines.summed_taxes(
        row, money
    )
    order_lines.totals(row, money)
    for each in sent.get("transactions") or ():
        kind = (each.get("kind") or "SALE").lower()
        transact(shop, row, kind, bag_sent(each["amount_set"]), each.get("gateway") or "manual", sent=each)
    if (sent.get("financial_status") or "") == "PAID" and not row["_transactions"]:
        transact(shop, row, "sale", bag_of(row["total_price_set"]), "manual")
    settle(row)
    stored = shop.new("Order", row)
    _take_stock(shop, stored, behaviour)
    hooks.tell(shop, "orders/create", stored)
    if stored["financial_status"] == "paid":
        hooks.tell(shop, "orders/paid", stored)
    if customer:
        _count(shop, customer, 1, bag_of(stored["total_price_set"]))
    return stored


def update(shop: Shop, row: Row, sent: Mapping[str, Any]) -> Row:
    """Change what an OrderInput may change."""
    for name in CHANGED:
        if name in sent:
            row[name] = sent[name]
    if "tags" in sent:
        row["tags"] = sorted(set(sent["tags"] or ()))
    if "custom_attributes" in sent:
        row["note_attributes"] = [{"name": each["key"], "value": each["value"]} for each in sent["custom_attributes"]]
    if "shipping_address" in sent:
        row["shipping_address"] = customers.address(shop, sent["shipping_address"])
    return touch(shop, row)


def touch(shop: Shop, row: Row, *topics: str) -> Row:
    """Store a changed order and tell of it, by further topics too."""
    settle(row)
    shop.save(row)
    for topic in (*topics, "orders/updated"):
        hooks.tell(shop, topic, row)
    return row


def mark_paid(shop: Shop, row: Row) -> Row:
    """Record that what is outstanding was paid. Raises Problem."""
    outstanding = bag_of(row["total_outstanding_set"])
    if outstanding.shop <= 0 or row["cancelled_at"]:
        raise Problem("Order cannot be marked as paid.", "id")
    transact(shop, row, "sale", outstanding, "manual")
    return touch(shop, row, "orders/paid")


def close(shop: Shop, row: Row) -> Row:
    """Archive an order."""
    row["closed_at"], row["_status"] = row["closed_at"] or shop.now(), "closed"
    return touch(shop, row)


def cancel(shop: Shop, row: Row, reason: str, *, restock: bool) -> Row:
    """Cancel an order. Raises Problem."""
    if row["cancelled_at"]:
        raise Problem("Order has already been cancelled", "orderId")
    row["cancelled_at"] = row["closed_at"] = shop.now()
    row["cancel_reason"], row["_status"] = reason.lower(), "cancelled"
    if not received(row).shop:
        row["_voided"] = True
    if restock:
        for line in row["line_items"]:
            put_back(shop, line, line["current_quantity"], None)
    return touch(shop, row, "orders/cancelled")


def delete(shop: Shop, row: Row) -> None:
    """Delete an order for good."""
    shop.remove(row)
    hooks.tell(shop, "orders/delete", {"id": row["id"]})


def transact(
    shop: Shop, row: Row, kind: str, amount: Bag, gateway: str, *, sent: Mapping[str, Any] | None = None
) -> Row:
    """Add a transaction to an order that the caller will store."""
    sent = sent or {}
    money = Currencies(row["currency"], row["presentment_currency"])
    made: Row = {
        "__typename": "OrderTransaction",
        "id": shop.next_id("OrderTransaction"),
        "kind": kind,
        "status": (sent.get("status") or "SUCCESS").lower(),
        "gateway": gateway,
        "amount_set": amount.stored(money),
        "created_at": shop.now(),
        "processed_at": sent.get("processed_at") or shop.now(),
        "test": bool(sent.get("test")),
        "parent_id": sent.get("parent_id"),
    }
    row["_transactions"].append(made)
    if gateway not in row["payment_gateway_names"]:
        row["payment_gateway_names"].append(gateway)
    return made


def received(row: Row) -> Bag:
    """What was paid, refunds not taken off."""
    return _sum_of(row, RECEIVES)


def refunded(row: Row) -> Bag:
    """What was paid back."""
    return _sum_of(row, {"refund"})


def settle(row: Row) -> None:
    """Bring balance and financial status up to date."""
    money = Currencies(row["currency"], row["presentment_currency"])
    paid, back, due = received(row), refunded(row), bag_of(row["current_total_price_set"])
    row["total_received_set"] = paid.stored(money)
    row["total_refunded_set"] = back.stored(money)
    row["net_payment_set"] = (paid - back).stored(money)
    row["total_outstanding_set"] = (Bag() if row["cancelled_at"] else due - (paid - back)).stored(money)
    authorized = any(each["kind"] == "authorization" for each in row["_transactions"])
    if row.get("_voided"):
        row["financial_status"] = "voided"
    elif back.shop and back.shop >= paid.shop:
        row["financial_status"] = "refunded"
    elif back.shop:
        row["financial_status"] = "partially_refunded"
    elif paid.shop and paid.shop >= due.shop:
        row["financial_status"] = "paid"
    elif paid.shop:
        row["financial_status"] = "partially_paid"
    else:
        row["financial_status"] = "authorized" if authorized else ("paid" if not due.shop else "pending")


def put_back(shop: Shop, line: Row, quantity: int, location_id: str | None) -> None:
    """Return goods of a line to stock."""
    variant = shop.get("ProductVariant", line["variant_id"]) if line["variant_id"] else None
    if variant is None or not quantity:
        return
    item = shop.need("InventoryItem", variant["inventory_item_id"])
    levels = inventory.levels_of(shop, item)
    level = inventory.level_at(shop, item, location_id) if location_id else levels[0]
    if level is not None and item["tracked"]:
        inventory.move(shop, level, quantity)


def _sum_of(row: Row, kinds: set[str]) -> Bag:
    successes = (each for each in row["_transactions"] if each["status"] == "success" and each["kind"] in kinds)
    return total(bag_of(each["amount_set"]) for each in successes)


def _customer(shop: Shop, sent: Mapping[str, Any]) -> Row | None:
    attributes = sent.get("customer") or {}
    gid = sent.get("customer_id") or (attributes.get("to_associate") or {}).get("id")
    if gid:
        found = shop.get("Customer", number_of(str(gid), "Customer"))
        if found is None:
            raise Problem("Customer does not exist", "order", "customer", code="INVALID")
        return found
    wanted = attributes.get("to_upsert")
    if wanted is None:
        return None
    [*same] = shop.find("Customer", "email", wanted["email"]) if wanted.get("email") else []
    return customers.update(shop, same[0], wanted) if same else customers.create(shop, wanted)


def _take_stock(shop: Shop, row: Row, behaviour: str) -> None:
    if behaviour == "BYPASS":
        return
    for index, line in enumerate(row["line_items"]):
        variant = shop.get("ProductVariant", line["variant_id"]) if line["variant_id"] else None
        if variant is None or not variant["inventory_management"]:
            continue
        strict = behaviour == "DECREMENT_OBEYING_POLICY" and variant["inventory_policy"] == "deny"
        if strict and variant["inventory_quantity"] < line["quantity"]:
            raise Problem("Unable to reserve inventory", "order", "lineItems", str(index), code="INVALID")
        put_back(shop, line, -line["quantity"], None)


def _count(shop: Shop, customer: Row, orders: int, spent: Bag) -> None:
    """A customer's number of orders and what they came to; the customer changes with them."""
    fresh = shop.need("Customer", customer["id"])
    fresh["orders_count"] += orders
    fresh["total_spent"] = str(Decimal(fresh["total_spent"]) + spent.shop)
    customers.touch(shop, fresh)
