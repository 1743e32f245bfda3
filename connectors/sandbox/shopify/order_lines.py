"""What an order is made of and comes to: lines, shipping, taxes, discounts, totals."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.sandbox.shopify.errors import Problem
from connectors.sandbox.shopify.ids import number_of
from connectors.sandbox.shopify.money import Bag, Currencies, bag_of, bag_sent, total
from connectors.sandbox.shopify.shop import Row, Shop


def line(shop: Shop, sent: Mapping[str, Any], money: Currencies, index: int) -> Row:
    """Make a line of an OrderCreateLineItemInput in snake case. Raises Problem."""
    at = ("order", "lineItems", str(index))
    variant = (
        shop.get("ProductVariant", number_of(str(sent["variant_id"]), "ProductVariant"))
        if sent.get("variant_id")
        else None
    )
    if sent.get("variant_id") and variant is None:
        raise Problem("Variant does not exist", *at, "variantId", code="INVALID")
    product = shop.need("Product", variant["product_id"]) if variant else None
    title = sent.get("title") or (product or {}).get("title")
    if not title:
        raise Problem("Title can't be blank", *at, "title", code="INVALID")
    if sent["quantity"] <= 0:
        raise Problem("Quantity must be greater than 0", *at, "quantity", code="INVALID")
    own = variant["price"] if variant else "0"
    price = bag_sent(sent["price_set"]) if sent.get("price_set") else Bag(Decimal(own), Decimal(own))
    many = (variant or {}).get("title") not in {None, "Default Title"}
    amount = price.times(sent["quantity"])
    return {
        "__typename": "LineItem",
        "id": shop.next_id("LineItem"),
        "product_id": product["id"] if product else None,
        "variant_id": variant["id"] if variant else None,
        "title": title,
        "name": f"{title} - {variant['title']}" if variant and many else title,
        "variant_title": variant["title"] if variant and many else None,
        "sku": sent.get("sku") or (variant or {}).get("sku"),
        "vendor": sent.get("vendor") or (product or {}).get("vendor"),
        "quantity": sent["quantity"],
        "current_quantity": sent["quantity"],
        "price_set": price.stored(money),
        "total_discount_set": Bag().stored(money),
        "requires_shipping": sent.get("requires_shipping") is not False,
        "taxable": sent.get("taxable") is not False,
        "tax_lines": tax_lines(sent.get("tax_lines"), amount, money),
        "properties": [{"name": each["key"], "value": each["value"]} for each in sent.get("properties") or ()],
    }


def shipping(shop: Shop, sent: Mapping[str, Any], money: Currencies) -> Row:
    """Make a shipping line."""
    price = bag_sent(sent["price_set"])
    row: Row = {
        "__typename": "ShippingLine",
        "id": shop.next_id("ShippingLine"),
        "title": sent["title"],
        "code": sent.get("code"),
    }
    return {**row, "price_set": price.stored(money), "tax_lines": tax_lines(sent.get("tax_lines"), price, money)}


def tax_lines(sent: Sequence[Mapping[str, Any]] | None, amount: Bag, money: Currencies) -> list[Row]:
    """Make tax lines; one without a price of its own takes its rate of `amount`."""
    rows = []
    for each in sent or ():
        price = bag_sent(each["price_set"]) if each.get("price_set") else amount.times(Decimal(str(each["rate"])))
        rows.append({"title": each["title"], "rate": Decimal(str(each["rate"])), "price_set": price.stored(money)})
    return rows


def summed_taxes(row: Row, money: Currencies) -> list[Row]:
    """The taxes of all lines and shipping lines, by title and rate."""
    found: dict[tuple[str, Decimal], Bag] = {}
    for part in (*row["line_items"], *row["shipping_lines"]):
        for tax in part["tax_lines"]:
            key = (tax["title"], tax["rate"])
            found[key] = found.get(key, Bag()) + bag_of(tax["price_set"])
    return [{"title": title, "rate": rate, "price_set": bag.stored(money)} for (title, rate), bag in found.items()]


def discount(row: Row, sent: Mapping[str, Any] | None, money: Currencies) -> None:
    """Spread a discount code over the lines, by their share."""
    row["discount_codes"], row["discount_applications"] = [], []
    fixed = (sent or {}).get("item_fixed_discount_code")
    percent = (sent or {}).get("item_percentage_discount_code")
    chosen = fixed or percent
    if not chosen:
        return
    goods = total(line_total(line) for line in row["line_items"])
    share = Decimal(str(percent["percentage"])) / 100 if percent else None
    off = goods.times(share) if share is not None else bag_sent((fixed or {}).get("amount_set"))
    left = off
    for index, line in enumerate(row["line_items"]):
        last = index == len(row["line_items"]) - 1
        part = left if last or not goods.shop else off.times(line_total(line).shop / goods.shop)
        line["total_discount_set"] = part.stored(money)
        left = left - bag_of(line["total_discount_set"])
    kind, value = ("percentage", str(percent["percentage"])) if percent else ("fixed_amount", str(off.shop))
    row["discount_codes"] = [
        {"code": chosen["code"], "amount": off.stored(money)["shop_money"]["amount"], "type": kind}
    ]
    row["discount_applications"] = [
        {"type": "discount_code", "code": chosen["code"], "value": value, "value_type": kind}
    ]


def line_total(line: Row) -> Bag:
    """Price times quantity, before discounts."""
    return bag_of(line["price_set"]).times(line["quantity"])


def totals(row: Row, money: Currencies) -> None:
    """Add the order up; the `current_*` twins begin as the same."""
    lines = row["line_items"]
    goods, off = total(map(line_total, lines)), total(bag_of(line["total_discount_set"]) for line in lines)
    shipping = total(bag_of(each["price_set"]) for each in row["shipping_lines"])
    tax = total(bag_of(each["price_set"]) for each in row["tax_lines"])
    sums = {
        "total_line_items_price_set": goods,
        "subtotal_price_set": goods - off,
        "total_discounts_set": off,
        "total_shipping_price_set": shipping,
        "total_tax_set": tax,
        "total_price_set": goods - off + shipping + (Bag() if row["taxes_included"] else tax),
    }
    row.update({name: bag.stored(money) for name, bag in sums.items()})
    for name in ("subtotal_price", "total_discounts", "total_tax", "total_price"):
        row[f"current_{name}_set"] = row[f"{name}_set"]
