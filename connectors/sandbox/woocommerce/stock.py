"""Stock: what orders take and give back, and what its fields say of each other."""

from connectors.sandbox.woocommerce.kinds import PRODUCT, VARIATION, Kind
from connectors.sandbox.woocommerce.shop import Entity, Shop

HELD = frozenset({"processing", "completed", "on-hold"})
"""Statuses in which an order has taken its goods."""


def settled(product: Entity) -> Entity:
    """The product with stock fields that agree: a quantity counts only where stock is managed."""
    if not product["manage_stock"]:
        return {**product, "stock_quantity": None}
    quantity = product["stock_quantity"] or 0
    status = "instock" if quantity > 0 else "outofstock" if product["backorders"] == "no" else "onbackorder"
    return {
        **product,
        "stock_quantity": quantity,
        "stock_status": status,
        "backorders_allowed": product["backorders"] != "no",
    }


def move(shop: Shop, order: Entity) -> Entity:
    """Take the goods of an order that is held, give them back when it no longer is; once each."""
    held, taken = order["status"] in HELD, bool(order.get("_stock_taken"))
    if held == taken:
        return order
    for line in order["line_items"]:
        kind, product = _product(shop, line)
        if product is None or not product["manage_stock"]:
            continue
        change = -line["quantity"] if held else line["quantity"]
        shop.replace(kind, settled({**product, "stock_quantity": (product["stock_quantity"] or 0) + change}))
    return {**order, "_stock_taken": held}


def _product(shop: Shop, line: Entity) -> tuple[Kind, Entity | None]:
    if line["variation_id"]:
        return VARIATION, shop.get(VARIATION.name, line["variation_id"])
    return PRODUCT, shop.get(PRODUCT.name, line["product_id"])
