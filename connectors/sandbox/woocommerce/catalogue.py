"""Products and variations: prices, SKU, stock (`WC_REST_Products_Controller`, `WC_Product`)."""

import re
from typing import Any

from connectors.sandbox.woocommerce import stock
from connectors.sandbox.woocommerce.errors import WooError, invalid
from connectors.sandbox.woocommerce.kinds import PRODUCT, VARIATION, Kind
from connectors.sandbox.woocommerce.shop import TRASHED, Entity, Shop

CHOICES = {
    "type": ("simple", "grouped", "external", "variable", "variation"),
    "status": ("draft", "pending", "private", "publish", "future"),
    "backorders": ("no", "notify", "yes"),
    "stock_status": ("instock", "outofstock", "onbackorder"),
    "tax_status": ("taxable", "shipping", "none"),
}


def create(shop: Shop, body: Any) -> Entity:
    """Make a product.

    Raises:
        WooError: a value is wrong or the SKU is taken.
    """
    sent = _checked(shop, PRODUCT, body, None)
    name = sent.get("name", "Product")
    slug = sent.get("slug") or re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    entity = shop.merged(PRODUCT, dict(PRODUCT.blank), {**sent, "name": name, "slug": slug})
    return shop.insert(PRODUCT, _settled({**entity, "permalink": f"{shop.home}/product/{slug}/"}))


def create_variation(shop: Shop, product: Entity, body: Any) -> Entity:
    """Make a variation of a variable product, which then names it.

    Raises:
        WooError: as `create`.
    """
    sent = _checked(shop, VARIATION, body, None)
    entity = shop.merged(VARIATION, dict(VARIATION.blank), sent)
    options = ", ".join(str(row.get("option", "")) for row in entity["attributes"])
    name = f"{product['name']} - {options}" if options else product["name"]
    made = {**entity, "name": name, "parent_id": product["id"], "permalink": product["permalink"]}
    variation = shop.insert(VARIATION, _settled(made), parent=product["id"])
    shop.replace(PRODUCT, {**product, "type": "variable", "variations": [*product["variations"], variation["id"]]})
    return variation


def change(shop: Shop, kind: Kind, product: Entity, body: Any) -> Entity:
    """Change a product or variation.

    Raises:
        WooError: as `create`.
    """
    sent = _checked(shop, kind, body, product)
    restored = product["status"] == TRASHED
    if restored:
        sent.setdefault("status", product["_before_trash"])
        product = {name: value for name, value in product.items() if name not in {"_trashed", "_before_trash"}}
    changed = _settled(shop.merged(kind, product, sent))
    return shop.replace(kind, changed, "restored" if restored else "updated")


def trash(shop: Shop, product: Entity) -> Entity:
    """Move a product to the trash."""
    kept = {**product, "_before_trash": product["status"], "_trashed": "1", "status": TRASHED}
    return shop.replace(PRODUCT, kept, "deleted")


def remove(shop: Shop, kind: Kind, product: Entity) -> None:
    """Delete for good: a product with its variations; a variation is forgotten by its product."""
    for variation in shop.children(VARIATION, product["id"]) if kind is PRODUCT else []:
        shop.erase(VARIATION, variation)
    shop.erase(kind, product)
    parent = shop.get(PRODUCT.name, product["_parent"]) if kind is VARIATION else None
    if parent is not None:
        left = [id_ for id_ in parent["variations"] if id_ != product["id"]]
        shop.replace(PRODUCT, {**parent, "variations": left})


def _checked(shop: Shop, kind: Kind, body: Any, known: Entity | None) -> Entity:
    sent = shop.checked(kind, body)
    wrong = {
        name: f"{name} is not one of {', '.join(choices)}."
        for name, choices in CHOICES.items()
        if name in sent and sent[name] not in choices
    }
    if wrong:
        raise invalid(wrong)
    if sent.get("sku"):
        taken = [row for other in (PRODUCT, VARIATION) for row in shop.find(other.name, "sku", sent["sku"])]
        clash = next((row for row in taken if known is None or row["id"] != known["id"]), None)
        if clash is not None:
            unique = f"{sent['sku']}-1"
            raise WooError(
                "product_invalid_sku",
                f"The product with SKU ({sent['sku']}) you are trying to insert is already present in the lookup table",
                resource_id=clash["id"],
                unique_sku=unique,
            )
    return sent


def _settled(product: Entity) -> Entity:
    on_sale = product["sale_price"] != ""
    price = product["sale_price"] if on_sale else product["regular_price"]
    return stock.settled({**product, "price": price, "on_sale": on_sale, "purchasable": price != ""})
