"""Products, their variants and inventory items."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.sandbox.shopify import hooks, inventory
from connectors.sandbox.shopify.errors import Problem
from connectors.sandbox.shopify.ids import number_of
from connectors.sandbox.shopify.money import written
from connectors.sandbox.shopify.shop import Row, Shop

DEFAULT_TITLE = "Default Title"
SLUG = re.compile(r"[^a-z0-9]+")
TITLE_LENGTH = 255


def create(shop: Shop, sent: Mapping[str, Any]) -> Row:
    """Make a product with one default variant; `sent` is a ProductCreateInput in snake case. Raises Problem."""
    row: Row = {
        "title": "",
        "handle": "",
        "body_html": "",
        "vendor": shop.profile["name"],
        "product_type": "",
        "status": "active",
        "tags": [],
        "published_at": None,
    }
    _apply(row, sent)
    row["handle"] = sent.get("handle") or SLUG.sub("-", row["title"].lower()).strip("-")
    product = shop.new("Product", row)
    add_variant(shop, product, {})
    hooks.tell(shop, "products/create", product)
    return product


def update(shop: Shop, row: Row, sent: Mapping[str, Any]) -> Row:
    """Change what was sent. Raises Problem."""
    _apply(row, sent)
    return touch(shop, row)


def touch(shop: Shop, row: Row) -> Row:
    """Store a changed product and tell of it; a change of a variant or of stock changes its product too."""
    shop.save(row)
    hooks.tell(shop, "products/update", row)
    return row


def delete(shop: Shop, row: Row) -> None:
    """Delete a product with its variants and stock; a deletion event stays."""
    for variant in variants(shop, row):
        _drop_variant(shop, variant)
    shop.remove(row)
    event = {"__typename": "DeletionEvent", "id": shop.next_id("DeletionEvent"), "occurred_at": shop.now()}
    shop.put({**event, "subject_id": f"gid://shopify/Product/{row['id']}", "subject_type": "PRODUCT"})
    hooks.tell(shop, "products/delete", {"id": row["id"]})


def variants(shop: Shop, product: Row) -> list[Row]:
    """A product's variants, in their order."""
    return shop.find("ProductVariant", "_product", str(product["id"]))


def add_variants(shop: Shop, product: Row, sent: Sequence[Mapping[str, Any]], strategy: str) -> list[Row]:
    """Add variants; a lone default one goes, unless it is to be kept. Raises Problem."""
    before = variants(shop, product)
    lone = len(before) == 1 and before[0]["title"] == DEFAULT_TITLE
    if lone and strategy != "PRESERVE_STANDALONE_VARIANT":
        _drop_variant(shop, before[0])
    made = [add_variant(shop, product, each, "variants", str(index)) for index, each in enumerate(sent)]
    touch(shop, product)
    return made


def change_variants(shop: Shop, product: Row, sent: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Change variants of one product. Raises Problem."""
    changed = []
    for index, each in enumerate(sent):
        row = shop.get("ProductVariant", number_of(str(each.get("id")), "ProductVariant"))
        if row is None or row["_product"] != str(product["id"]):
            raise Problem("Product variant does not exist", "variants", str(index), "id")
        _apply_variant(shop, row, each, "variants", str(index))
        changed.append(shop.save(row))
    touch(shop, product)
    return changed


def add_variant(shop: Shop, product: Row, sent: Mapping[str, Any], *at: str) -> Row:
    """Make one variant with its inventory item, stocked at every location. Raises Problem."""
    options = [
        {"name": each.get("option_name") or "Title", "value": each["name"]} for each in sent.get("option_values") or ()
    ]
    row: Row = {
        "product_id": product["id"],
        "_product": str(product["id"]),
        "title": " / ".join(option["value"] for option in options) or DEFAULT_TITLE,
        "_options": options or [{"name": "Title", "value": DEFAULT_TITLE}],
        "sku": None,
        "barcode": None,
        "price": "0.00",
        "compare_at_price": None,
        "position": len(variants(shop, product)) + 1,
        "taxable": True,
        "inventory_policy": "deny",
        "inventory_management": "shopify",
        "inventory_quantity": 0,
    }
    item = shop.new("InventoryItem", {"sku": None, "tracked": True, "requires_shipping": True, "cost": None})
    variant = shop.new("ProductVariant", {**row, "inventory_item_id": item["id"], "_item": str(item["id"])})
    _apply_variant(shop, variant, sent, *at)
    shop.put(variant)
    inventory.stock(shop, item, sent.get("inventory_quantities") or (), *at)
    return shop.need("ProductVariant", variant["id"])


def _apply(row: Row, sent: Mapping[str, Any]) -> None:
    for name in ("title", "vendor", "product_type", "handle"):
        if sent.get(name) is not None:
            row[name] = sent[name]
    if sent.get("description_html") is not None:
        row["body_html"] = sent["description_html"]
    if sent.get("status"):
        row["status"] = sent["status"].lower()
    if sent.get("tags") is not None:
        row["tags"] = sorted(set(sent["tags"]))
    if not row["title"].strip():
        raise Problem("Title can't be blank", "title")
    if len(row["title"]) > TITLE_LENGTH:
        raise Problem(f"Title is too long (maximum is {TITLE_LENGTH} characters)", "title")


def _apply_variant(shop: Shop, row: Row, sent: Mapping[str, Any], *at: str) -> None:
    for name in ("price", "compare_at_price"):
        if sent.get(name) is None:
            continue
        amount = Decimal(str(sent[name]))
        if amount < 0:
            raise Problem("Price must be greater than or equal to 0", *at, name)
        row[name] = written(amount, shop.currency)
    for name in ("barcode", "taxable"):
        if sent.get(name) is not None:
            row[name] = sent[name]
    if sent.get("inventory_policy"):
        row["inventory_policy"] = sent["inventory_policy"].lower()
    if details := sent.get("inventory_item"):
        _apply_item(shop, row, details)


def _apply_item(shop: Shop, row: Row, details: Mapping[str, Any]) -> None:
    item = shop.need("InventoryItem", row["inventory_item_id"])
    for name in ("sku", "tracked", "requires_shipping"):
        if details.get(name) is not None:
            item[name] = details[name]
    if details.get("cost") is not None:
        item["cost"] = written(Decimal(str(details["cost"])), shop.currency)
    row["sku"] = item["sku"]
    row["inventory_management"] = "shopify" if item["tracked"] else None
    shop.save(item)


def _drop_variant(shop: Shop, variant: Row) -> None:
    item = shop.need("InventoryItem", variant["inventory_item_id"])
    for level in inventory.levels_of(shop, item):
        shop.remove(level)
    shop.remove(item)
    shop.remove(variant)
