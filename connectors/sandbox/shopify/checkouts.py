"""Checkouts: what buyers do in the shop front, and the abandoned ones the Admin API lists (commerce facts 1.5)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.sandbox.shopify import customers, hooks, order_lines, orders
from connectors.sandbox.shopify.errors import Problem
from connectors.sandbox.shopify.money import Bag, Currencies, bag_of, total
from connectors.sandbox.shopify.shop import Row, Shop

KIND = "AbandonedCheckout"
PLAIN = ("phone", "note", "buyer_accepts_marketing", "buyer_accepts_sms_marketing", "landing_site", "referring_site")


def create(shop: Shop, sent: Mapping[str, Any]) -> Row:
    """Begin a checkout: `{email?, line_items: [{variant_id, quantity}], ...}`. Raises Problem."""
    token = shop.token("checkout")
    domain = shop.identity["shop"]
    row: Row = {
        "token": token,
        "cart_token": shop.token("cart"),
        "email": None,
        "phone": None,
        "note": "",
        "completed_at": None,
        "closed_at": None,
        "currency": shop.currency,
        "presentment_currency": shop.currency,
        "abandoned_checkout_url": f"https://{domain}/{shop.profile['id']}/checkouts/{token}/recover?key={token[:8]}",
        "buyer_accepts_marketing": False,
        "buyer_accepts_sms_marketing": False,
        "landing_site": "/",
        "referring_site": "",
        "source_name": "web",
        "taxes_included": False,
        "discount_codes": [],
        "billing_address": None,
        "shipping_address": None,
        "line_items": [],
        "_customer": None,
        "_status": "open",
    }
    _apply(shop, row, sent)
    stored = shop.new(KIND, row)
    stored["name"] = f"#{stored['id']}"
    shop.put(stored)
    hooks.tell(shop, "checkouts/create", stored)
    return stored


def update(shop: Shop, row: Row, sent: Mapping[str, Any]) -> Row:
    """Go on with a checkout. Raises Problem."""
    _apply(shop, row, sent)
    shop.save(row)
    hooks.tell(shop, "checkouts/update", row)
    return row


def complete(shop: Shop, row: Row) -> Row:
    """Buy: the checkout becomes a paid order. Raises Problem."""
    if row["completed_at"]:
        raise Problem("Checkout has already been completed")
    if not row["email"] and not row["phone"]:
        raise Problem("Contact information can't be blank", "email")
    lines = [{"variant_id": str(line["variant_id"]), "quantity": line["quantity"]} for line in row["line_items"]]
    sent: Row = {
        "email": row["email"],
        "line_items": lines,
        "customer_id": row["_customer"],
        "financial_status": "PAID",
        "source_name": "web",
        "billing_address": row["billing_address"],
        "shipping_address": row["shipping_address"],
    }
    tokens = {"cart_token": row["cart_token"], "checkout_token": row["token"], "checkout_id": row["id"]}
    order = orders.create(shop, {**sent, **tokens}, "DECREMENT_IGNORING_POLICY")
    row["completed_at"], row["_status"] = shop.now(), "closed"
    shop.save(row)
    hooks.tell(shop, "checkouts/update", row)
    return order


def delete(shop: Shop, row: Row) -> None:
    """The buyer's checkout goes."""
    shop.remove(row)
    hooks.tell(shop, "checkouts/delete", {"id": row["id"]})


def by_token(shop: Shop, token: str) -> Row | None:
    """The checkout with this token."""
    found = shop.find(KIND, "token", token)
    return found[0] if found else None


def _apply(shop: Shop, row: Row, sent: Mapping[str, Any]) -> None:
    for name in PLAIN:
        if name in sent:
            row[name] = sent[name]
    for name in ("billing_address", "shipping_address"):
        if name in sent:
            row[name] = customers.address(shop, sent[name])
    if sent.get("email"):
        row["email"] = str(sent["email"]).lower()
        known = shop.find("Customer", "email", row["email"])
        buyer = known[0] if known else customers.create(shop, {"email": row["email"]})
        row["_customer"] = str(buyer["id"])
    money = Currencies(row["currency"], row["presentment_currency"])
    if "line_items" in sent:
        row["line_items"] = [_line(shop, each, money) for each in sent["line_items"]]
    goods = total(order_lines.line_total(line) for line in row["line_items"])
    nothing = Bag().stored(money)
    row["total_line_items_price_set"] = row["subtotal_price_set"] = row["total_price_set"] = goods.stored(money)
    row["total_tax_set"] = row["total_discounts_set"] = nothing


def _line(shop: Shop, sent: Mapping[str, Any], money: Currencies) -> Row:
    variant = shop.get("ProductVariant", sent.get("variant_id"))
    if variant is None:
        raise Problem("Variant does not exist", "line_items", "variant_id")
    product = shop.need("Product", variant["product_id"])
    price = Bag(Decimal(variant["price"]), Decimal(variant["price"]))
    row: Row = {
        "__typename": "AbandonedCheckoutLineItem",
        "id": shop.next_id("AbandonedCheckoutLineItem"),
        "product_id": product["id"],
        "variant_id": variant["id"],
        "title": product["title"],
        "variant_title": variant["title"],
        "sku": variant["sku"],
        "quantity": int(sent.get("quantity", 1)),
        "price_set": price.stored(money),
        "total_discount_set": Bag().stored(money),
    }
    return row | {"line_price": bag_of(row["price_set"]).times(row["quantity"]).stored(money)["shop_money"]["amount"]}
