"""How stored rows look in REST answers and webhook bodies (REST Admin API reference; commerce facts 1.4 and 1.5)."""

from datetime import datetime
from typing import Any

from connectors.sandbox.shopify.ids import gid_of
from connectors.sandbox.shopify.shop import ZONE, Row, Shop

PRIVATE = "_"


def rest(shop: Shop, row: Row) -> Row:
    """The resource of one row, with what REST nests in it."""
    shown = _shown(row)
    match row.get("__typename"):
        case "Customer":
            return {**shown, **_customer(row, shop.currency)}
        case "Product":
            variants = shop.find("ProductVariant", "_product", str(row["id"]))
            return {**shown, "tags": ", ".join(row["tags"]), "variants": [_shown(variant) for variant in variants]}
        case "Order":
            return {**shown, **_order(shop, row)}
        case "AbandonedCheckout":
            return {**shown, **_checkout(shop, row)}
        case _:
            return shown


def local(at: str) -> str:
    """An instant with the shop's offset, as REST writes it."""
    return datetime.fromisoformat(at).astimezone(ZONE).isoformat()


def _shown(row: Row) -> Row:
    shown: Row = _plain(row)
    if "__typename" in row and "id" in row:
        shown["admin_graphql_api_id"] = gid_of(row)
    return shown


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(item) if isinstance(item, dict) else item for item in value]
    if not isinstance(value, dict):
        return value
    shown: Row = {}
    for key, item in value.items():
        if key.startswith(PRIVATE):
            continue
        if key.endswith("_at") and isinstance(item, str):
            shown[key] = local(item)
        elif isinstance(item, dict) and "shop_money" in item:
            shown[key] = item
            shown[key.removesuffix("_set")] = item["shop_money"]["amount"]
        else:
            shown[key] = _shown(item) if isinstance(item, dict) else _plain(item)
    return shown


def _customer(row: Row, currency: str) -> Row:
    addresses = [{**_plain(address), "customer_id": row["id"]} for address in row["addresses"]]
    shown: Row = {"tags": ", ".join(row["tags"]), "currency": currency, "addresses": addresses}
    if addresses:
        shown["default_address"] = {**addresses[0], "default": True}
    return shown


def _buyer(shop: Shop, row: Row) -> Row | None:
    customer = shop.get("Customer", row["_customer"]) if row.get("_customer") else None
    return {**_shown(customer), **_customer(customer, shop.currency)} if customer else None


def _order(shop: Shop, row: Row) -> Row:
    shown: Row = {"tags": ", ".join(row["tags"])}
    if customer := _buyer(shop, row):
        shown["customer"] = customer
    shown["refunds"] = [{**_shown(refund), "order_id": row["id"]} for refund in row["refunds"]]
    return shown


def _checkout(shop: Shop, row: Row) -> Row:
    customer = _buyer(shop, row)
    return {"customer": customer} if customer else {}
