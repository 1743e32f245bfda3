"""Fields that are not simply the row's value of their name: what each of them reads."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.sandbox.shopify import inventory, order_lines
from connectors.sandbox.shopify.ids import gid_of, number_of, parsed
from connectors.sandbox.shopify.money import Currencies, bag_of
from connectors.sandbox.shopify.paging import MOST, Connection, bad, page_of_list, page_of_rows
from connectors.sandbox.shopify.resolvers import (
    NODES,
    Info,
    Resolve,
    Row_,
    by_gid,
    first_of,
    listed,
    one,
    paged,
    plain,
    root,
    shop_of,
    upper,
    where,
)
from connectors.sandbox.shopify.search import Condition
from connectors.sandbox.shopify.shop import Row, Shop


def _node(_source: Any, info: Info, id: str) -> Row | None:  # noqa: A002 (the argument's name)
    shop = shop_of(info)
    found = by_gid(shop, id, *NODES)
    known = parsed(id)
    if found is None and known is not None and known[0] in {"Refund", "LineItem", "OrderTransaction"}:
        return _within_orders(shop, *known)
    return found


def _nodes(_source: Any, info: Info, ids: list[str]) -> list[Row | None]:
    if len(ids) > MOST:
        raise bad(
            f"The input array size of {len(ids)} is greater than the maximum allowed of {MOST}.",
            "MAX_INPUT_SIZE_EXCEEDED",
        )
    return [_node(None, info, each) for each in ids]


def _within_orders(shop: Shop, kind: str, number: str) -> Row | None:
    lists = {"Refund": "refunds", "LineItem": "line_items", "OrderTransaction": "_transactions"}
    for order in shop.all("Order"):
        for row in order[lists[kind]]:
            if str(row["id"]) == number:
                return {**row, "_order": order, "_of": order}
    return None


def _level(row: Row_, info: Info, **args: Any) -> Row | None:
    shop = shop_of(info)
    item = row if row["__typename"] == "InventoryItem" else by_gid(shop, args["inventoryItemId"], "InventoryItem")
    location = args.get("locationId") or gid_of(row)
    return inventory.level_at(shop, dict(item), number_of(location, "Location")) if item else None


def _field(kind: str) -> str:
    return kind[0].lower() + kind[1:]


def _name(row: Row_, _info: Info) -> str:
    return " ".join(filter(None, (row["first_name"], row["last_name"]))) or row["email"] or row["phone"] or ""


def _email(row: Row_, _info: Info) -> Row | None:
    consent = row["email_marketing_consent"]
    return (
        {**consent, "email_address": row["email"], "marketing_updated_at": consent["consent_updated_at"]}
        if row["email"]
        else None
    )


def _money(name: str) -> Resolve:
    return lambda row, info: (
        {"amount": row[name], "currency_code": shop_of(info).currency} if row[name] is not None else None
    )


def _original(row: Row_, info: Info) -> Row:
    return order_lines.line_total(dict(row)).stored(_currencies(row["price_set"], info))


def _discounted(row: Row_, info: Info, **_: Any) -> Row:
    off = bag_of(row["total_discount_set"])
    return (order_lines.line_total(dict(row)) - off).stored(_currencies(row["price_set"], info))


def _currencies(bag: Row_, _info: Info) -> Currencies:
    return Currencies(bag["shop_money"]["currency_code"], bag["presentment_money"]["currency_code"])


def _pairs(name: str) -> Resolve:
    return lambda row, _info: [{"key": each["name"], "value": each["value"]} for each in row.get(name) or ()]


def _refunds(row: Row_, _info: Info, first: int | None = None) -> list[Row]:
    return [{**refund, "_order": row} for refund in row["refunds"][:first]]


def _refund_lines(row: Row_, info: Info, **args: Any) -> Connection:
    lines = {line["id"]: line for line in row["_order"]["line_items"]}
    rows = [{**each, "_line": lines.get(each["line_item_id"])} for each in row["refund_line_items"]]
    return page_of_list(rows, args, whole=info.context.whole)


def _fulfilled(row: Row_, _info: Info) -> str:
    return str(row["_fulfillment"]).upper()


def _deletions(_source: Any, info: Info, **args: Any) -> Connection:
    kinds = args.pop("subjectTypes", None)
    also = (
        [Condition(f"json_extract(body, '$.subject_type') IN ({','.join('?' * len(kinds))})", tuple(kinds))]
        if kinds
        else []
    )
    if args.get("sortKey") == "CREATED_AT":
        args["sortKey"] = "ID"  # events happen in the order of their ids
    return page_of_rows(shop_of(info), "DeletionEvent", args, also)


def _hooks(_source: Any, info: Info, **args: Any) -> Connection:
    chosen = args.pop("topics", None)
    also = (
        [Condition(f"json_extract(body, '$.topic_enum') IN ({','.join('?' * len(chosen))})", tuple(chosen))]
        if chosen
        else []
    )
    return page_of_rows(shop_of(info), "WebhookSubscription", args, also)


def _latest_bulk(_source: Any, info: Info, **_: Any) -> Row | None:
    rows = shop_of(info).all("BulkOperation")
    return rows[-1] if rows else None


def _profile(_source: Any, info: Info, **_: Any) -> Row:
    return shop_of(info).profile


def _locations(_source: Any, info: Info, **args: Any) -> Connection:
    args.pop("includeInactive", None)
    return page_of_rows(shop_of(info), "Location", args)


def decimal(value: Any) -> str:
    """A Decimal as Shopify writes it: no zeros at the end, one digit after the point at least."""
    number = Decimal(str(value))
    text = format(number.normalize(), "f")
    return text if "." in text else f"{text}.0"


SCALARS: Mapping[str, Resolve] = {
    "Decimal": decimal,
    "Money": str,
    "UnsignedInt64": str,
    "DateTime": str,
    "URL": str,
}
IDENTIFIED = (
    *NODES,
    *(
        "MailingAddress",
        "LineItem",
        "ShippingLine",
        "OrderTransaction",
        "Refund",
        "RefundLineItem",
        "Fulfillment",
        "Shop",
    ),
    *("AbandonedCheckoutLineItem", "InventoryAdjustmentGroup"),
)
NUMBERED = (*NODES[:7], "Refund", "Fulfillment", "WebhookSubscription")
_SOLD: Mapping[str, Resolve] = {
    "product": one("Product", "product_id"),
    "variant": one("ProductVariant", "variant_id"),
}
_STOCKED: Mapping[str, Resolve] = {"inventoryLevel": _level}
_OWN: Mapping[str, Mapping[str, Resolve]] = {
    "QueryRoot": {
        **{_field(name): root(name) for name in NODES if name not in {"Location", "AbandonedCheckout"}},
        **{f"{_field(name)}s": paged(name) for name in NODES[:4]},
        "orders": paged("Order"),
        "abandonedCheckouts": paged("AbandonedCheckout"),
        "shop": _profile,
        "node": _node,
        "nodes": _nodes,
        "location": lambda _source, info, id=None: (  # noqa: A006 (the argument's name)
            by_gid(shop_of(info), id, "Location") if id else shop_of(info).all("Location")[0]
        ),
        "locations": _locations,
        "refund": _node,
        "deletionEvents": _deletions,
        "webhookSubscriptions": _hooks,
        "currentBulkOperation": _latest_bulk,
    },
    "Shop": {
        "myshopifyDomain": plain("myshopify_domain"),
        "currencyCode": plain("currency"),
        "ianaTimezone": plain("iana_timezone"),
    },
    "MailingAddress": {"countryCodeV2": plain("country_code")},
    "Customer": {
        "displayName": _name,
        "defaultEmailAddress": _email,
        "defaultPhoneNumber": lambda row, _info: {"phone_number": row["phone"]} if row["phone"] else None,
        "state": upper("state"),
        "numberOfOrders": plain("orders_count"),
        "amountSpent": _money("total_spent"),
        "defaultAddress": lambda row, _info: row["addresses"][0] if row["addresses"] else None,
        "addresses": first_of("addresses"),
        "orders": paged("Order", where("_customer", "id")),
    },
    "CustomerEmailMarketingConsentState": {
        "marketingState": upper("state"),
        "marketingOptInLevel": upper("opt_in_level"),
    },
    "CustomerEmailAddress": {"marketingState": upper("state"), "marketingOptInLevel": upper("opt_in_level")},
    "Product": {
        "descriptionHtml": plain("body_html"),
        "status": upper("status"),
        "totalInventory": lambda row, info: sum(
            each["inventory_quantity"] for each in shop_of(info).find("ProductVariant", "_product", str(row["id"]))
        ),
        "tracksInventory": lambda row, info: any(
            each["inventory_management"] for each in shop_of(info).find("ProductVariant", "_product", str(row["id"]))
        ),
        "variants": paged("ProductVariant", where("_product", "id")),
    },
    "ProductVariant": {
        "displayName": lambda row, info: (
            f"{shop_of(info).need('Product', row['product_id'])['title']} - {row['title']}"
        ),
        "inventoryPolicy": upper("inventory_policy"),
        "selectedOptions": plain("_options"),
        "product": one("Product", "product_id"),
        "inventoryItem": one("InventoryItem", "inventory_item_id"),
    },
    "Location": {**_STOCKED, "inventoryLevels": paged("InventoryLevel", where("_location", "id"))},
    "InventoryItem": {
        **_STOCKED,
        "unitCost": _money("cost"),
        "variant": lambda row, info: shop_of(info).find("ProductVariant", "_item", str(row["id"]))[0],
        "inventoryLevels": paged("InventoryLevel", where("_item", "id")),
    },
    "InventoryLevel": {
        "item": one("InventoryItem", "inventory_item_id"),
        "location": one("Location", "location_id"),
        "isActive": lambda _row, _info: True,
        "quantities": lambda row, _info, names: inventory.quantities(row, names),
    },
    "InventoryQuantity": {"id": plain("gid")},
    "InventoryChange": {"location": one("Location", "_location")},
    "Order": {
        "closed": lambda row, _info: row["closed_at"] is not None,
        "fullyPaid": lambda row, _info: bag_of(row["total_outstanding_set"]).shop <= 0,
        "currencyCode": plain("currency"),
        "presentmentCurrencyCode": plain("presentment_currency"),
        "cancelReason": upper("cancel_reason"),
        "displayFinancialStatus": upper("financial_status"),
        "displayFulfillmentStatus": _fulfilled,
        "customAttributes": _pairs("note_attributes"),
        "discountCodes": lambda row, _info: [each["code"] for each in row["discount_codes"]],
        "discountCode": lambda row, _info: row["discount_codes"][0]["code"] if row["discount_codes"] else None,
        "customer": one("Customer", "_customer"),
        "lineItems": listed("line_items"),
        "shippingLines": listed("shipping_lines"),
        "transactions": first_of("_transactions"),
        "refunds": _refunds,
        "fulfillments": first_of("fulfillments"),
    },
    "LineItem": {
        **_SOLD,
        "refundableQuantity": plain("current_quantity"),
        "originalUnitPriceSet": plain("price_set"),
        "originalTotalSet": _original,
        "discountedTotalSet": _discounted,
        "taxLines": first_of("tax_lines"),
        "customAttributes": _pairs("properties"),
    },
    "TaxLine": {"ratePercentage": lambda row, _info: float(row["rate"]) * 100},
    "ShippingLine": {"originalPriceSet": plain("price_set"), "discountedPriceSet": plain("price_set")},
    "OrderTransaction": {
        "kind": upper("kind"),
        "status": upper("status"),
        "parentTransaction": lambda _row, _info: None,
    },
    "Refund": {
        "totalRefundedSet": plain("_total_refunded"),
        "order": plain("_order"),
        "refundLineItems": _refund_lines,
        "transactions": listed("transactions"),
    },
    "RefundLineItem": {
        "restockType": upper("restock_type"),
        "lineItem": plain("_line"),
        "location": one("Location", "_location"),
    },
    "AbandonedCheckout": {
        "customer": one("Customer", "_customer"),
        "discountCodes": lambda row, _info: [each["code"] for each in row["discount_codes"]],
        "customAttributes": lambda _row, _info: [],
        "totalDiscountSet": plain("total_discounts_set"),
        "lineItems": listed("line_items"),
    },
    "AbandonedCheckoutLineItem": {
        **_SOLD,
        "originalUnitPriceSet": plain("price_set"),
        "originalTotalPriceSet": _original,
        "discountedTotalPriceSet": _discounted,
    },
    "BulkOperation": {"url": lambda row, info: f"{shop_of(info).base}{row['_path']}" if row["_path"] else None},
    "WebhookSubscription": {"topic": plain("topic_enum"), "uri": plain("address"), "callbackUrl": plain("address")},
}


def readings() -> dict[str, dict[str, Resolve]]:
    """Every reading by type and field: ids, and what `_OWN` lists."""
    found: dict[str, dict[str, Resolve]] = {name: {"id": lambda row, _info: gid_of(row)} for name in IDENTIFIED}
    for name in NUMBERED:
        if name != "InventoryLevel":
            found[name]["legacyResourceId"] = plain("id")
    for name, fields in _OWN.items():
        found.setdefault(name, {}).update(fields)
    return found
