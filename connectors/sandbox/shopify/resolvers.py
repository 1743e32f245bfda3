"""How GraphQL fields are read off stored rows: by name in snake case, unless a field has a reading of its own here."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any, TypeAlias

from graphql import GraphQLResolveInfo

from connectors.sandbox.shopify import inventory, orders
from connectors.sandbox.shopify.ids import gid_of, number_of, parsed
from connectors.sandbox.shopify.money import Currencies, bag_of
from connectors.sandbox.shopify.paging import MOST, Connection, bad, page_of_list, page_of_rows
from connectors.sandbox.shopify.search import Condition
from connectors.sandbox.shopify.shop import Row, Shop

UPPER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
NODES = (
    *("Customer", "Product", "ProductVariant", "InventoryItem", "InventoryLevel", "Location", "Order"),
    *("AbandonedCheckout", "WebhookSubscription", "BulkOperation"),
)
"""Types with rows of their own, which `node` finds."""
Resolve = Callable[..., Any]
Row_ = Mapping[str, Any]
Info: TypeAlias = "GraphQLResolveInfo[Context]"


@dataclass(slots=True)
class Context:
    """What the resolvers of one request share.

    Attributes:
        whole: nested connections are not paged, and the outermost begins after `after`, where the next page's beginning
            is left: a bulk operation runs.
    """

    shop: Shop
    variables: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False
    after: str | None = None


@cache
def snake(name: str) -> str:
    """`totalPriceSet` -> `total_price_set`."""
    return UPPER.sub("_", name).lower()


def by_name(source: Any, info: Info, **_args: Any) -> Any:
    """The default: the value of the row under the field's name in snake case."""
    return source.get(snake(info.field_name)) if isinstance(source, dict) else None


def shop_of(info: Info) -> Shop:
    """The shop the request is about."""
    return info.context.shop


def by_gid(shop: Shop, gid: str, *kinds: str) -> Row | None:
    """The row of a global id, if it is of one of these types. Raises for an id that cannot be one."""
    for kind in kinds:
        number = number_of(gid, kind)
        if number is not None:
            return shop.get(kind, number)
    if parsed(gid) is None:
        raise bad(f"Invalid global id '{gid}'", "INVALID_ID")
    return None


def _upper(name: str) -> Resolve:
    return lambda row, _info, **_: str(row[name]).upper() if row.get(name) is not None else None


def _value(name: str) -> Resolve:
    return lambda row, _info, **_: row.get(name)


def _one(kind: str, name: str) -> Resolve:
    return lambda row, info, **_: shop_of(info).get(kind, row[name]) if row.get(name) is not None else None


def _listed(name: str) -> Resolve:
    def resolve(row: Row_, info: Info, **args: Any) -> Connection:
        return page_of_list(row[name], args, whole=info.context.whole)

    return resolve


def _first(name: str) -> Resolve:
    def resolve(row: Row_, _info: Info, first: int | None = None) -> list[Any]:
        found: list[Any] = row[name]
        return found[:first]

    return resolve


def _paged(kind: str, also: Callable[[Row_], list[Condition]] | None = None) -> Resolve:
    def resolve(row: Row_ | None, info: Info, **args: Any) -> Connection:
        context = info.context
        outermost = info.path.prev is None
        if context.whole:
            args = {**args, "first": MOST, "last": None, "after": context.after if outermost else None}
        page = page_of_rows(context.shop, kind, args, also(row) if also and row is not None else ())
        if context.whole and outermost:
            context.after = page["page_info"]["end_cursor"] if page["page_info"]["has_next_page"] else None
        return page

    return resolve


def _root(kind: str) -> Resolve:
    return lambda _source, info, **args: by_gid(shop_of(info), args["id"], kind)


def _where(name: str, key: str) -> Callable[[Row_], list[Condition]]:
    return lambda row: [Condition(f"json_extract(body, '$.{name}') COLLATE NOCASE = ?", (str(row[key]),))]


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
    return orders.line_total(dict(row)).stored(_currencies(row["price_set"], info))


def _discounted(row: Row_, info: Info, **_: Any) -> Row:
    off = bag_of(row["total_discount_set"])
    return (orders.line_total(dict(row)) - off).stored(_currencies(row["price_set"], info))


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
    "product": _one("Product", "product_id"),
    "variant": _one("ProductVariant", "variant_id"),
}
_STOCKED: Mapping[str, Resolve] = {"inventoryLevel": _level}
_OWN: Mapping[str, Mapping[str, Resolve]] = {
    "QueryRoot": {
        **{_field(name): _root(name) for name in NODES if name not in {"Location", "AbandonedCheckout"}},
        **{f"{_field(name)}s": _paged(name) for name in NODES[:4]},
        "orders": _paged("Order"),
        "abandonedCheckouts": _paged("AbandonedCheckout"),
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
        "myshopifyDomain": _value("myshopify_domain"),
        "currencyCode": _value("currency"),
        "ianaTimezone": _value("iana_timezone"),
    },
    "MailingAddress": {"countryCodeV2": _value("country_code")},
    "Customer": {
        "displayName": _name,
        "defaultEmailAddress": _email,
        "defaultPhoneNumber": lambda row, _info: {"phone_number": row["phone"]} if row["phone"] else None,
        "state": _upper("state"),
        "numberOfOrders": _value("orders_count"),
        "amountSpent": _money("total_spent"),
        "defaultAddress": lambda row, _info: row["addresses"][0] if row["addresses"] else None,
        "addresses": _first("addresses"),
        "orders": _paged("Order", _where("_customer", "id")),
    },
    "CustomerEmailMarketingConsentState": {
        "marketingState": _upper("state"),
        "marketingOptInLevel": _upper("opt_in_level"),
    },
    "CustomerEmailAddress": {"marketingState": _upper("state"), "marketingOptInLevel": _upper("opt_in_level")},
    "Product": {
        "descriptionHtml": _value("body_html"),
        "status": _upper("status"),
        "totalInventory": lambda row, info: sum(
            each["inventory_quantity"] for each in shop_of(info).find("ProductVariant", "_product", str(row["id"]))
        ),
        "tracksInventory": lambda row, info: any(
            each["inventory_management"] for each in shop_of(info).find("ProductVariant", "_product", str(row["id"]))
        ),
        "variants": _paged("ProductVariant", _where("_product", "id")),
    },
    "ProductVariant": {
        "displayName": lambda row, info: (
            f"{shop_of(info).need('Product', row['product_id'])['title']} - {row['title']}"
        ),
        "inventoryPolicy": _upper("inventory_policy"),
        "selectedOptions": _value("_options"),
        "product": _one("Product", "product_id"),
        "inventoryItem": _one("InventoryItem", "inventory_item_id"),
    },
    "Location": {**_STOCKED, "inventoryLevels": _paged("InventoryLevel", _where("_location", "id"))},
    "InventoryItem": {
        **_STOCKED,
        "unitCost": _money("cost"),
        "variant": lambda row, info: shop_of(info).find("ProductVariant", "_item", str(row["id"]))[0],
        "inventoryLevels": _paged("InventoryLevel", _where("_item", "id")),
    },
    "InventoryLevel": {
        "item": _one("InventoryItem", "inventory_item_id"),
        "location": _one("Location", "location_id"),
        "isActive": lambda _row, _info: True,
        "quantities": lambda row, _info, names: inventory.quantities(row, names),
    },
    "InventoryQuantity": {"id": _value("gid")},
    "InventoryChange": {"location": _one("Location", "_location")},
    "Order": {
        "closed": lambda row, _info: row["closed_at"] is not None,
        "fullyPaid": lambda row, _info: bag_of(row["total_outstanding_set"]).shop <= 0,
        "currencyCode": _value("currency"),
        "presentmentCurrencyCode": _value("presentment_currency"),
        "cancelReason": _upper("cancel_reason"),
        "displayFinancialStatus": _upper("financial_status"),
        "displayFulfillmentStatus": _fulfilled,
        "customAttributes": _pairs("note_attributes"),
        "discountCodes": lambda row, _info: [each["code"] for each in row["discount_codes"]],
        "discountCode": lambda row, _info: row["discount_codes"][0]["code"] if row["discount_codes"] else None,
        "customer": _one("Customer", "_customer"),
        "lineItems": _listed("line_items"),
        "shippingLines": _listed("shipping_lines"),
        "transactions": _first("_transactions"),
        "refunds": _refunds,
        "fulfillments": _first("fulfillments"),
    },
    "LineItem": {
        **_SOLD,
        "refundableQuantity": _value("current_quantity"),
        "originalUnitPriceSet": _value("price_set"),
        "originalTotalSet": _original,
        "discountedTotalSet": _discounted,
        "taxLines": _first("tax_lines"),
        "customAttributes": _pairs("properties"),
    },
    "TaxLine": {"ratePercentage": lambda row, _info: float(row["rate"]) * 100},
    "ShippingLine": {"originalPriceSet": _value("price_set"), "discountedPriceSet": _value("price_set")},
    "OrderTransaction": {
        "kind": _upper("kind"),
        "status": _upper("status"),
        "parentTransaction": lambda _row, _info: None,
    },
    "Refund": {
        "totalRefundedSet": _value("_total_refunded"),
        "order": _value("_order"),
        "refundLineItems": _refund_lines,
        "transactions": _listed("transactions"),
    },
    "RefundLineItem": {
        "restockType": _upper("restock_type"),
        "lineItem": _value("_line"),
        "location": _one("Location", "_location"),
    },
    "AbandonedCheckout": {
        "customer": _one("Customer", "_customer"),
        "discountCodes": lambda row, _info: [each["code"] for each in row["discount_codes"]],
        "customAttributes": lambda _row, _info: [],
        "totalDiscountSet": _value("total_discounts_set"),
        "lineItems": _listed("line_items"),
    },
    "AbandonedCheckoutLineItem": {
        **_SOLD,
        "originalUnitPriceSet": _value("price_set"),
        "originalTotalPriceSet": _original,
        "discountedTotalPriceSet": _discounted,
    },
    "BulkOperation": {"url": lambda row, info: f"{shop_of(info).base}{row['_path']}" if row["_path"] else None},
    "WebhookSubscription": {"topic": _value("topic_enum"), "uri": _value("address"), "callbackUrl": _value("address")},
}


def readings() -> dict[str, dict[str, Resolve]]:
    """Every reading by type and field: ids, and what `_OWN` lists."""
    found: dict[str, dict[str, Resolve]] = {name: {"id": lambda row, _info: gid_of(row)} for name in IDENTIFIED}
    for name in NUMBERED:
        if name != "InventoryLevel":
            found[name]["legacyResourceId"] = _value("id")
    for name, fields in _OWN.items():
        found.setdefault(name, {}).update(fields)
    return found
