"""What an order costs: lines, coupons, taxes, totals (`WC_Abstract_Order::calculate_totals`)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.sandbox.woocommerce.errors import WooError
from connectors.sandbox.woocommerce.kinds import PRODUCT, VARIATION
from connectors.sandbox.woocommerce.shop import TRASHED, Entity, Shop
from connectors.sandbox.woocommerce.values import CENT, ZERO, amount, money, with_meta

PERCENT = Decimal(100)


def item(shop: Shop, known: Entity | None, sent: Mapping[str, Any]) -> Entity:
    """A line item; product and amounts as sent, the rest from the product.

    Raises:
        WooError: the product is not there, or a line that is new names none.
    """
    line: Entity = dict(known or {"id": shop.next_id("item"), "variation_id": 0, "quantity": 1, "meta_data": []})
    line["quantity"] = int(amount(sent.get("quantity", line["quantity"])))
    product = _product(shop, sent)
    if product is not None:
        variation = product["type"] == "variation"
        line |= {
            "name": product["name"],
            "product_id": int(product["_parent"]) if variation else product["id"],
            "variation_id": product["id"] if variation else 0,
            "tax_class": product["tax_class"],
            "sku": product["sku"],
            "_price": product["price"],
            "_taxable": product["tax_status"] == "taxable",
        }
    elif known is None:
        if not sent.get("name"):
            raise WooError("woocommerce_rest_required_product_reference", "Product ID or SKU is required.")
        line |= {"product_id": 0, "tax_class": "", "sku": "", "_price": "0", "_taxable": True}
    line |= {name: sent[name] for name in ("name", "tax_class") if sent.get(name) is not None}
    worth = amount(line["_price"]) * line["quantity"]
    if known is None or {"quantity", "product_id", "subtotal", "total"} & set(sent):
        before = amount(sent["subtotal"]) if sent.get("subtotal") is not None else None
        after = amount(sent["total"]) if sent.get("total") is not None else None
        line["_subtotal"] = str(before if before is not None else after if after is not None else worth)
        line["_total"] = str(after if after is not None else before if before is not None else worth)
    line["meta_data"] = with_meta(line["meta_data"], sent.get("meta_data") or [], lambda: shop.next_id("meta"))
    return line


def _product(shop: Shop, sent: Mapping[str, Any]) -> Entity | None:
    if sent.get("sku"):
        found = [row for kind in (PRODUCT, VARIATION) for row in shop.find(kind.name, "sku", str(sent["sku"]))]
        if not found:
            raise WooError("woocommerce_rest_required_product_reference", "Product ID or SKU is required.")
        return found[0]
    wanted = sent.get("variation_id") or sent.get("product_id")
    if not wanted:
        return None
    product = shop.get(VARIATION.name, wanted) or shop.get(PRODUCT.name, wanted)
    if product is None or product.get("status") == TRASHED:
        raise WooError("woocommerce_rest_invalid_product_id", "Product ID is invalid.")
    return product


def total_up(shop: Shop, order: Entity) -> Entity:
    """The order with coupons applied, taxes computed and every total in place."""
    order = {**order, "line_items": [dict(line) for line in order["line_items"]]}
    lines = order["line_items"]
    for line in lines:
        line["_after"] = line["_total"]
    coupons = [_coupon(shop, lines, coupon) for coupon in order["coupon_lines"]]
    rates = _rates(shop, order)
    collected: dict[int, Decimal] = {}
    for line in lines:
        _finish(line, rates, collected)
    shipping = [_plain(line, rates, collected, taxed=True) for line in order["shipping_lines"]]
    fees = [_plain(line, rates, collected, taxed=line.get("tax_status") != "none") for line in order["fee_lines"]]
    lines_tax = sum((amount(line["total_tax"]) for line in (*lines, *fees)), ZERO)
    shipping_tax = sum((amount(line["total_tax"]) for line in shipping), ZERO)
    net = sum((amount(line["total"]) for line in (*lines, *fees)), ZERO)
    freight = sum((amount(line["total"]) for line in shipping), ZERO)
    discount = sum((amount(line["subtotal"]) - amount(line["total"]) for line in lines), ZERO)
    saved = sum((amount(line["subtotal_tax"]) - amount(line["total_tax"]) for line in lines), ZERO)
    return {
        **order,
        "coupon_lines": coupons,
        "shipping_lines": shipping,
        "fee_lines": fees,
        "tax_lines": [_tax_line(shop, rate, collected[rate["id"]]) for rate in rates if rate["id"] in collected],
        "discount_total": money(discount),
        "discount_tax": money(saved),
        "shipping_total": money(freight),
        "shipping_tax": money(shipping_tax),
        "cart_tax": money(lines_tax),
        "total": money(net + freight + lines_tax + shipping_tax),
        "total_tax": money(lines_tax + shipping_tax),
    }


def _coupon(shop: Shop, lines: list[Entity], sent: Mapping[str, Any]) -> Entity:
    code = str(sent.get("code") or "").lower()
    if not code:
        raise WooError("woocommerce_rest_invalid_coupon", "Coupon code is required.")
    found = shop.find("coupon", "code", code)
    if not found or found[0]["status"] == TRASHED:
        raise WooError("woocommerce_rest_invalid_coupon", f'Coupon "{code}" does not exist!')
    coupon, worth = found[0], sum((amount(line["_subtotal"]) for line in lines), ZERO)
    if coupon["usage_limit"] and coupon["usage_count"] >= coupon["usage_limit"] and "id" not in sent:
        raise WooError("woocommerce_rest_invalid_coupon", "Coupon usage limit has been reached.")
    given = ZERO
    for line in lines:
        before = amount(line["_subtotal"])
        match coupon["discount_type"]:
            case "percent":
                part = before * amount(coupon["amount"]) / PERCENT
            case "fixed_product":
                part = amount(coupon["amount"]) * line["quantity"]
            case _:
                part = amount(coupon["amount"]) * before / worth if worth else ZERO
        part = min(part, amount(line["_after"])).quantize(CENT)
        line["_after"] = str(amount(line["_after"]) - part)
        given += part
    id_ = sent.get("id") or shop.next_id("item")
    return {"id": id_, "code": code, "discount": money(given), "discount_tax": "0.00", "meta_data": []}


def _rates(shop: Shop, order: Entity) -> list[Entity]:
    if not shop.settings["calc_taxes"]:
        return []
    place = order["shipping"] if order["shipping"].get("country") else order["billing"]
    rates = shop.ctx.database.all(shop.account, "tax")
    return [
        rate
        for rate in rates
        if rate["country"] in {"", place.get("country", "")} and rate["state"] in {"", place.get("state", "")}
    ]


def _finish(line: Entity, rates: list[Entity], collected: dict[int, Decimal]) -> None:
    class_ = line["tax_class"] or "standard"
    mine = [rate for rate in rates if rate["class"] == class_ and line["_taxable"]]
    before, after = amount(line["_subtotal"]), amount(line["_after"])
    taxes = []
    for rate in mine:
        tax = (after * amount(rate["rate"]) / PERCENT).quantize(CENT)
        full = (before * amount(rate["rate"]) / PERCENT).quantize(CENT)
        collected[rate["id"]] = collected.get(rate["id"], ZERO) + tax
        taxes.append({"id": rate["id"], "total": str(tax), "subtotal": str(full)})
    line |= {
        "subtotal": money(before),
        "subtotal_tax": money(sum((amount(tax["subtotal"]) for tax in taxes), ZERO)),
        "total": money(after),
        "total_tax": money(sum((amount(tax["total"]) for tax in taxes), ZERO)),
        "taxes": taxes,
        "price": (after / line["quantity"]).quantize(CENT) if line["quantity"] else ZERO,
    }


def _plain(line: Entity, rates: list[Entity], collected: dict[int, Decimal], *, taxed: bool) -> Entity:
    total, taxes = amount(line.get("total", "0")), []
    for rate in rates if taxed else []:
        if rate["class"] == "standard" and rate["shipping"]:
            tax = (total * amount(rate["rate"]) / PERCENT).quantize(CENT)
            collected[rate["id"]] = collected.get(rate["id"], ZERO) + tax
            taxes.append({"id": rate["id"], "total": str(tax), "subtotal": ""})
    sum_ = sum((amount(tax["total"]) for tax in taxes), ZERO)
    return {**line, "total": money(total), "total_tax": money(sum_), "taxes": taxes}


def _tax_line(shop: Shop, rate: Entity, total: Decimal) -> Entity:
    return {
        "id": shop.next_id("item"),
        "rate_code": f"{rate['country'] or 'ALL'}-{rate['name'].upper()}-{rate['priority']}",
        "rate_id": rate["id"],
        "label": rate["name"],
        "compound": rate["compound"],
        "tax_total": money(total),
        "shipping_tax_total": "0.00",
        "rate_percent": amount(rate["rate"]),
        "meta_data": [],
    }
