"""The resources of a shop: their path, ids, fields and types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ADDRESS = ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country")
BILLING: Mapping[str, str] = dict.fromkeys((*ADDRESS, "email", "phone"), "")
SHIPPING: Mapping[str, str] = dict.fromkeys((*ADDRESS, "phone"), "")
ORDER_STATUSES = (
    *("pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed"),
    "checkout-draft",
)


POST_ORDERINGS: Mapping[str, str] = {"date": "date_created_gmt", "id": "id", "modified": "date_modified_gmt"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource.

    Attributes:
        name: as webhooks call it, and as the admin API's `records` does.
        path: below `/wc/v3/`; `{parent}` is the owner's id.
        code: what error codes call it.
        counter: whose numbers its ids are; posts share theirs.
        writable: field -> schema type, of what a caller may set.
        blank: what an object has before anything is set.
        trash: a delete without `force` moves to the trash.
        parent: name of the owner's kind.
        orderings: what `orderby` allows, the default first -> the field sorted by.
    """

    name: str
    path: str
    code: str
    counter: str
    writable: Mapping[str, str]
    blank: Mapping[str, Any] = field(default_factory=dict)
    trash: bool = False
    parent: str = ""
    orderings: Mapping[str, str] = field(default_factory=lambda: POST_ORDERINGS)


ID_ORDERING = {"id": "id"}
META = {"meta_data": "array"}

CUSTOMER = Kind(
    "customer",
    "customers",
    "",
    "user",
    {
        **dict.fromkeys(("email", "first_name", "last_name", "username", "password"), "string"),
        "billing": "object",
        "shipping": "object",
        **META,
    },
    {
        "email": "",
        "first_name": "",
        "last_name": "",
        "role": "customer",
        "username": "",
        "billing": dict(BILLING),
        "shipping": dict(SHIPPING),
        "is_paying_customer": False,
        "avatar_url": "",
        "meta_data": [],
    },
    orderings={"name": "username", "id": "id", "registered_date": "date_created_gmt"},
)
STOCK = {
    "manage_stock": "boolean",
    "stock_quantity": "integer",
    "stock_status": "string",
    "backorders": "string",
}
PRICES = {"regular_price": "string", "sale_price": "string"}
_PRODUCT_BLANK: Mapping[str, Any] = {
    "name": "",
    "slug": "",
    "permalink": "",
    "type": "simple",
    "status": "publish",
    "description": "",
    "sku": "",
    "price": "",
    "regular_price": "",
    "sale_price": "",
    "on_sale": False,
    "purchasable": True,
    "total_sales": 0,
    "virtual": False,
    "downloadable": False,
    "tax_status": "taxable",
    "tax_class": "",
    "manage_stock": False,
    "stock_quantity": None,
    "backorders": "no",
    "backorders_allowed": False,
    "stock_status": "instock",
    "weight": "",
    "dimensions": {"length": "", "width": "", "height": ""},
    "attributes": [],
    "menu_order": 0,
    "meta_data": [],
}
PRODUCT = Kind(
    "product",
    "products",
    "product",
    "post",
    {
        **dict.fromkeys(("name", "slug", "type", "status", "description", "short_description", "sku"), "string"),
        **dict.fromkeys(("tax_status", "tax_class", "weight", "catalog_visibility"), "string"),
        **PRICES,
        **STOCK,
        "virtual": "boolean",
        "downloadable": "boolean",
        "featured": "boolean",
        "parent_id": "integer",
        "categories": "array",
        "tags": "array",
        "images": "array",
        "attributes": "array",
        "dimensions": "object",
        **META,
    },
    {
        **_PRODUCT_BLANK,
        "featured": False,
        "catalog_visibility": "visible",
        "short_description": "",
        "parent_id": 0,
        "categories": [{"id": 15, "name": "Uncategorized", "slug": "uncategorized"}],
        "tags": [],
        "images": [],
        "default_attributes": [],
        "variations": [],
        "grouped_products": [],
    },
    trash=True,
    orderings={**POST_ORDERINGS, "title": "name"},
)
VARIATION = Kind(
    "product_variation",
    "products/{parent}/variations",
    "product_variation",
    "post",
    {
        **dict.fromkeys(("description", "status", "sku", "tax_status", "tax_class", "weight"), "string"),
        **PRICES,
        **STOCK,
        "virtual": "boolean",
        "downloadable": "boolean",
        "attributes": "array",
        "dimensions": "object",
        **META,
    },
    {**_PRODUCT_BLANK, "type": "variation", "image": None},
    parent="product",
    orderings={**POST_ORDERINGS, "menu_order": "menu_order"},
)
ORDER = Kind(
    "order",
    "orders",
    "shop_order",
    "post",
    {
        **dict.fromkeys(("currency", "customer_note", "payment_method", "payment_method_title"), "string"),
        "transaction_id": "string",
        "parent_id": "integer",
        "customer_id": "integer",
        "set_paid": "boolean",
        "status": "string",
        "billing": "object",
        "shipping": "object",
        **dict.fromkeys(("line_items", "shipping_lines", "fee_lines", "coupon_lines"), "array"),
        **META,
    },
    trash=True,
)
REFUND = Kind(
    "refund",
    "orders/{parent}/refunds",
    "shop_order_refund",
    "post",
    {"amount": "string", "reason": "string", "refunded_by": "integer", "api_refund": "boolean", "line_items": "array"}
    | META,
    parent="order",
)
NOTE = Kind(
    "order_note",
    "orders/{parent}/notes",
    "",
    "note",
    {"note": "string", "customer_note": "boolean", "added_by_user": "boolean"},
    {"author": "WooCommerce", "note": "", "customer_note": False},
    parent="order",
    orderings=ID_ORDERING,
)
COUPON = Kind(
    "coupon",
    "coupons",
    "shop_coupon",
    "post",
    {
        **dict.fromkeys(("code", "amount", "discount_type", "description", "date_expires", "minimum_amount"), "string"),
        "usage_limit": "integer",
        "individual_use": "boolean",
        "product_ids": "array",
        **META,
    },
    {
        "code": "",
        "amount": "0.00",
        "status": "publish",
        "discount_type": "fixed_cart",
        "description": "",
        "date_expires": None,
        "usage_count": 0,
        "individual_use": False,
        "product_ids": [],
        "usage_limit": None,
        "minimum_amount": "0.00",
        "meta_data": [],
    },
    trash=True,
)
TAX = Kind(
    "tax",
    "taxes",
    "",
    "tax",
    {
        **dict.fromkeys(("country", "state", "postcode", "city", "rate", "name", "class"), "string"),
        "priority": "integer",
        "compound": "boolean",
        "shipping": "boolean",
        "order": "integer",
    },
    {
        **dict.fromkeys(("country", "state", "postcode", "city"), ""),
        "rate": "0.0000",
        "name": "Tax",
        "priority": 1,
        "compound": False,
        "shipping": True,
        "order": 0,
        "class": "standard",
    },
    orderings={"order": "order", "id": "id"},
)
WEBHOOK = Kind(
    "webhook",
    "webhooks",
    "shop_webhook",
    "webhook",
    dict.fromkeys(("name", "status", "topic", "delivery_url", "secret"), "string"),
    orderings={"date": "date_created_gmt", "id": "id"},
)
KINDS: Mapping[str, Kind] = {
    kind.name: kind for kind in (CUSTOMER, PRODUCT, VARIATION, ORDER, REFUND, NOTE, COUPON, TAX, WEBHOOK)
}
ANNOUNCED: Mapping[str, str] = {
    "customer": "customer",
    "product": "product",
    "product_variation": "product",
    "order": "order",
    "coupon": "coupon",
}
"""Kind -> the resource its webhooks speak of."""
