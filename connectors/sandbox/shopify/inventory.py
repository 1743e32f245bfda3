"""Stock: one level for each item and location, set absolutely with compare-and-swap (commerce facts 1.3)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.sandbox.shopify import hooks
from connectors.sandbox.shopify.errors import Problem
from connectors.sandbox.shopify.ids import gid_of, number_of
from connectors.sandbox.shopify.shop import Row, Shop

HIGHEST = 1_000_000_000
SETTABLE = ("available", "on_hand")
NAMES = ("available", "committed", "damaged", "incoming", "on_hand", "quality_control", "reserved", "safety_stock")
REASONS = {
    *("correction", "cycle_count_available", "damaged", "movement_canceled", "movement_created", "movement_received"),
    *("movement_updated", "other", "promotion", "quality_control", "received", "reservation_created"),
    *("reservation_deleted", "reservation_updated", "restock", "safety_stock", "shrinkage"),
}
DOCUMENT = re.compile(r"[a-z][a-z0-9+.-]*://.+", re.IGNORECASE)
CHANGE_FROM = "2026-04"
"""From this version on rows carry `changeFromQuantity`; before, `compareQuantity` or `ignoreCompareQuantity`."""


def stock(shop: Shop, item: Row, sent: Sequence[Mapping[str, Any]], *at: str) -> None:
    """Give a new item a level at every location, with the quantities sent. Raises Problem."""
    for location in shop.all("Location"):
        level = {"inventory_item_id": item["id"], "location_id": location["id"], "available": 0, "on_hand": 0}
        keys = {"_item": str(item["id"]), "_location": str(location["id"]), "_committed": 0}
        shop.new("InventoryLevel", {**level, **keys})
    for index, each in enumerate(sent):
        location_id = number_of(each["location_id"], "Location")
        found = level_at(shop, item, location_id)
        if found is None:
            raise Problem("Location does not exist", *at, "inventoryQuantities", str(index), "locationId")
        move(shop, found, each["available_quantity"])


def levels_of(shop: Shop, item: Row) -> list[Row]:
    """The levels of an item."""
    return shop.find("InventoryLevel", "_item", str(item["id"]))


def level_at(shop: Shop, item: Row, location_id: str | None) -> Row | None:
    """The level of an item at a location."""
    return next((level for level in levels_of(shop, item) if level["_location"] == location_id), None)


def move(shop: Shop, level: Row, delta: int) -> None:
    """Change what is available by `delta`, and what is on hand with it; the variant's quantity follows."""
    level["available"] += delta
    level["on_hand"] = level["available"] + level["_committed"]
    shop.save(level)
    hooks.tell(shop, "inventory_levels/update", level)
    for variant in shop.find("ProductVariant", "_item", level["_item"]):
        item = shop.need("InventoryItem", level["inventory_item_id"])
        variant["inventory_quantity"] = sum(each["available"] for each in levels_of(shop, item))
        shop.save(variant)
        # "A product's updated_at changes for an inventory adjustment too" (REST reference, Product).
        product = shop.save(shop.need("Product", variant["product_id"]))
        hooks.tell(shop, "products/update", product)


def set_quantities(shop: Shop, sent: Mapping[str, Any]) -> Row:
    """Set quantities as an InventorySetQuantitiesInput asks; all rows or none. Raises Problem."""
    name = _checked(sent, SETTABLE)
    rows = sent["quantities"]
    seen: set[tuple[str, str]] = set()
    changes = []
    for index, row in enumerate(rows):
        at = ("input", "quantities", str(index))
        item, level = _target(shop, row, *at)
        key = (row["inventoryItemId"], row["locationId"])
        if key in seen:
            code = "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"
            raise Problem("The combination of inventoryItemId and locationId must be unique", *at, code=code)
        seen.add(key)
        quantity = row["quantity"]
        if quantity < 0 and name == "on_hand":
            raise Problem("The quantity can't be negative", *at, "quantity", code="INVALID_QUANTITY_NEGATIVE")
        if abs(quantity) > HIGHEST:
            code = "INVALID_QUANTITY_TOO_HIGH" if quantity > 0 else "INVALID_QUANTITY_TOO_LOW"
            raise Problem(f"The quantity must be within {HIGHEST}", *at, "quantity", code=code)
        _compare(shop, sent, row, level[name], *at)
        delta = quantity - level[name]
        move(shop, level, delta)
        changes.append(_change(name, delta, quantity, item, level))
    return _group(shop, sent, changes)


def adjust(shop: Shop, sent: Mapping[str, Any]) -> Row:
    """Move quantities by deltas, as an InventoryAdjustQuantitiesInput asks. Raises Problem."""
    name = _checked(sent, ("available",))
    changes = []
    for index, row in enumerate(sent["changes"]):
        at = ("input", "changes", str(index))
        item, level = _target(shop, row, *at)
        if shop.version >= CHANGE_FROM:
            _compare(shop, sent, row, level[name], *at)
        move(shop, level, row["delta"])
        changes.append(_change(name, row["delta"], level[name], item, level))
    return _group(shop, sent, changes)


def _checked(sent: Mapping[str, Any], names: tuple[str, ...]) -> str:
    if sent["name"] not in names:
        raise Problem(f"The quantity name must be one of {', '.join(names)}", "input", "name", code="INVALID_NAME")
    if sent["reason"] not in REASONS:
        raise Problem("The specified reason is invalid", "input", "reason", code="INVALID_REASON")
    document = sent.get("referenceDocumentUri")
    if document is not None and not DOCUMENT.fullmatch(document):
        text = "The specified reference document is invalid"
        raise Problem(text, "input", "referenceDocumentUri", code="INVALID_REFERENCE_DOCUMENT")
    return str(sent["name"])


def _target(shop: Shop, row: Mapping[str, Any], *at: str) -> tuple[Row, Row]:
    item = shop.get("InventoryItem", number_of(row["inventoryItemId"], "InventoryItem"))
    if item is None:
        text = "The specified inventory item could not be found"
        raise Problem(text, *at, "inventoryItemId", code="INVALID_INVENTORY_ITEM")
    location_id = number_of(row["locationId"], "Location")
    if shop.get("Location", location_id) is None:
        raise Problem("The specified location could not be found", *at, "locationId", code="INVALID_LOCATION")
    level = level_at(shop, item, location_id)
    if level is None:
        text = "The specified inventory item is not stocked at the location"
        raise Problem(text, *at, "locationId", code="ITEM_NOT_STOCKED_AT_LOCATION")
    if not item["tracked"]:
        raise Problem("The inventory item is not tracked", *at, "inventoryItemId", code="NON_MUTABLE_INVENTORY_ITEM")
    return item, level


def _compare(shop: Shop, sent: Mapping[str, Any], row: Mapping[str, Any], stored: int, *at: str) -> None:
    if shop.version >= CHANGE_FROM:
        if "changeFromQuantity" not in row:
            raise Problem("The changeFromQuantity argument is required; null opts out", *at, "changeFromQuantity")
        if row["changeFromQuantity"] is not None and row["changeFromQuantity"] != stored:
            text = "The changeFromQuantity value does not match the persisted value"
            raise Problem(text, *at, "changeFromQuantity", code="CHANGE_FROM_QUANTITY_STALE")
        return
    if sent.get("ignoreCompareQuantity"):
        return
    if row.get("compareQuantity") is None:
        text = "The compareQuantity argument must be given, or ignoreCompareQuantity set"
        raise Problem(text, *at, "compareQuantity", code="COMPARE_QUANTITY_REQUIRED")
    if row["compareQuantity"] != stored:
        text = "The compareQuantity value does not match the persisted value"
        raise Problem(text, *at, "compareQuantity", code="COMPARE_QUANTITY_STALE")


def _change(name: str, delta: int, after: int, item: Row, level: Row) -> Row:
    row: Row = {"name": name, "delta": delta, "quantity_after_change": after, "item": item}
    return {**row, "_location": level["_location"]}


def _group(shop: Shop, sent: Mapping[str, Any], changes: list[Row]) -> Row:
    return {
        "__typename": "InventoryAdjustmentGroup",
        "id": shop.next_id("InventoryAdjustmentGroup"),
        "created_at": shop.now(),
        "reason": sent["reason"],
        "reference_document_uri": sent.get("referenceDocumentUri"),
        "changes": changes,
    }


def quantities(level: Row, names: Sequence[str]) -> list[Row]:
    """The quantities of a level by name, those that are not kept being 0."""
    kept = {"available": level["available"], "on_hand": level["on_hand"], "committed": level["_committed"]}
    return [
        {
            "gid": f"{gid_of(level).replace('InventoryLevel', 'InventoryQuantity')}&name={name}",
            "name": name,
            "quantity": kept.get(name, 0),
            "updated_at": level["updated_at"],
        }
        for name in names
        if name in NAMES
    ]
