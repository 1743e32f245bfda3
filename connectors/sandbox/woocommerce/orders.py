"""Orders: creation, edits, statuses, payment; the trash (`WC_REST_Orders_Controller`, `WC_Order`)."""

from collections.abc import Mapping
from typing import Any

from connectors.sandbox.accounts import derive
from connectors.sandbox.woocommerce import stock
from connectors.sandbox.woocommerce.errors import WooError, invalid
from connectors.sandbox.woocommerce.kinds import BILLING, CUSTOMER, ORDER, ORDER_STATUSES, SHIPPING
from connectors.sandbox.woocommerce.shop import TRASHED, Entity, Shop
from connectors.sandbox.woocommerce.totals import item, total_up
from connectors.sandbox.woocommerce.values import with_meta

DRAFT = "checkout-draft"
PAID = frozenset({"processing", "completed"})
LINES = ("line_items", "shipping_lines", "fee_lines", "coupon_lines")
RECALCULATED = frozenset({*LINES, "billing", "shipping"})


def create(shop: Shop, body: Any, *, via: str = "rest-api") -> Entity:
    """Make an order.

    Raises:
        WooError: something sent is not valid.
    """
    sent = shop.checked(ORDER, body)
    _check(shop, sent)
    order = _apply(shop, {**_blank(shop), "created_via": via}, sent)
    status = sent.get("status", "pending")
    order = _enter(shop, total_up(shop, order), status)
    if sent.get("set_paid"):
        order = _paid(shop, order)
    # The shop front keeps its draft to itself; only later edits of it are announced (WooCommerce issue 66995).
    stored = shop.insert(ORDER, order, event="" if status == DRAFT else "created")
    stored = {**stored, "number": str(stored["id"])}
    return shop.write(ORDER, stock.move(shop, stored), "")


def change(shop: Shop, order: Entity, body: Any) -> Entity:
    """Change an order; lines with an id are changed, those with quantity 0 or a null product taken away.

    Raises:
        WooError: something sent is not valid.
    """
    sent = shop.checked(ORDER, body)
    _check(shop, sent)
    changed = _apply(shop, order, sent)
    if RECALCULATED & set(sent):
        changed = total_up(shop, changed)
    if "status" in sent:
        changed = _enter(shop, changed, sent["status"])
    if sent.get("set_paid") and order["date_paid"] is None:
        changed = _paid(shop, changed)
    restored = order["status"] == TRASHED and changed["status"] != TRASHED
    return shop.replace(ORDER, stock.move(shop, changed), "restored" if restored else "updated")


def trash(shop: Shop, order: Entity) -> Entity:
    """Move an order to the trash."""
    kept = {**order, "_before_trash": order["status"], "_trashed": "1", "status": TRASHED}
    return shop.replace(ORDER, kept, "deleted")


def _blank(shop: Shop) -> Entity:
    key = derive("woocommerce", shop.account, f"order {shop.ctx.random.getrandbits(64)}", 13)
    lines: Entity = {name: [] for name in ("line_items", "tax_lines", "shipping_lines", "fee_lines", "coupon_lines")}
    return {
        "parent_id": 0,
        "status": "pending",
        "currency": shop.settings["currency"],
        "version": shop.settings["version"],
        "prices_include_tax": False,
        **dict.fromkeys(("discount_total", "discount_tax", "shipping_total", "shipping_tax"), "0.00"),
        **dict.fromkeys(("cart_tax", "total", "total_tax"), "0.00"),
        "customer_id": 0,
        "order_key": f"wc_order_{key}",
        "billing": dict(BILLING),
        "shipping": dict(SHIPPING),
        **dict.fromkeys(("payment_method", "payment_method_title", "transaction_id"), ""),
        **dict.fromkeys(("customer_ip_address", "customer_user_agent", "customer_note", "cart_hash"), ""),
        **dict.fromkeys(("date_completed", "date_completed_gmt", "date_paid", "date_paid_gmt")),
        "number": "",
        "meta_data": [],
        **lines,
        "refunds": [],
        "payment_url": "",
        "is_editable": True,
        "needs_payment": True,
        "needs_processing": True,
        "currency_symbol": "$",
    }


def _check(shop: Shop, sent: Mapping[str, Any]) -> None:
    status = sent.get("status")
    if status is not None and status not in ORDER_STATUSES:
        raise invalid({"status": f"status is not one of {', '.join(ORDER_STATUSES)}."})
    if sent.get("customer_id") and shop.get(CUSTOMER.name, sent["customer_id"]) is None:
        raise WooError("woocommerce_rest_invalid_customer_id", "Customer ID is invalid.")
    if len(str(sent.get("currency", "USD"))) != len("USD"):
        raise invalid({"currency": "currency is not a known currency."})


def _apply(shop: Shop, order: Entity, sent: Entity) -> Entity:
    plain = {name: value for name, value in sent.items() if name not in {*LINES, "status", "set_paid"}}
    changed = shop.merged(ORDER, order, plain)
    for name in LINES:
        if name not in sent:
            continue
        if name == "coupon_lines":
            changed[name] = [dict(line) for line in sent[name]]
        else:
            changed[name] = _lines(shop, name, order[name], sent[name])
    return changed


def _lines(shop: Shop, name: str, known: list[Entity], sent: list[Any]) -> list[Entity]:
    lines = {line["id"]: line for line in known}
    for row in sent:
        id_ = row.get("id")
        if id_ is not None and id_ not in lines:
            raise WooError("woocommerce_rest_invalid_item_id", "Order item ID provided is not associated with order.")
        gone = row.get("quantity") == 0 or any(row.get(key, "") is None for key in ("product_id", "method_id", "name"))
        if gone and id_ is not None:
            del lines[id_]
        else:
            made = item(shop, lines.get(id_), row) if name == "line_items" else _plain(shop, lines.get(id_), row)
            lines[made["id"]] = made
    return list(lines.values())


def _plain(shop: Shop, known: Entity | None, sent: Mapping[str, Any]) -> Entity:
    """A shipping or fee line."""
    line = dict(known or {"id": shop.next_id("item"), "total": "0.00", "meta_data": []})
    fields = ("method_id", "method_title", "instance_id", "name", "tax_class", "tax_status", "total")
    line |= {name: sent[name] for name in fields if sent.get(name) is not None}
    line["meta_data"] = with_meta(line["meta_data"], sent.get("meta_data") or [], lambda: shop.next_id("meta"))
    return line


def _enter(shop: Shop, order: Entity, status: str) -> Entity:
    """The order in a status; the first time paid or completed is stamped."""
    changed = {name: value for name, value in order.items() if name not in {"_trashed", "_before_trash"}}
    changed |= {"status": status, "needs_payment": status in {"pending", "failed", DRAFT}}
    if status in PAID and order["date_paid"] is None:
        changed |= shop.dates("date_paid")
    if status == "completed" and order["date_completed"] is None:
        changed |= shop.dates("date_completed")
    return changed


def _paid(shop: Shop, order: Entity) -> Entity:
    """What `payment_complete` does: goods that need handling make it processing."""
    virtual = order["line_items"] and all(_is_virtual(shop, line) for line in order["line_items"])
    return _enter(shop, order, "completed" if virtual else "processing")


def _is_virtual(shop: Shop, line: Entity) -> bool:
    product = shop.get("product_variation", line["variation_id"]) or shop.get("product", line["product_id"])
    return bool(product and product["virtual"])
