"""How GraphQL fields are read off stored rows: by name in snake case, unless `readings.py` has a way of their own."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

from graphql import GraphQLResolveInfo

from connectors.sandbox.shopify.ids import number_of, parsed
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


def upper(name: str) -> Resolve:
    """A value that REST writes in lower case, as an enum."""
    return lambda row, _info, **_: str(row[name]).upper() if row.get(name) is not None else None


def plain(name: str) -> Resolve:
    """A value that REST calls otherwise."""
    return lambda row, _info, **_: row.get(name)


def one(kind: str, name: str) -> Resolve:
    """The row of a type that a value points to."""
    return lambda row, info, **_: shop_of(info).get(kind, row[name]) if row.get(name) is not None else None


def listed(name: str) -> Resolve:
    """A connection over a list inside the row."""

    def resolve(row: Row_, info: Info, **args: Any) -> Connection:
        return page_of_list(row[name], args, whole=info.context.whole)

    return resolve


def first_of(name: str) -> Resolve:
    """A list inside the row, or its beginning."""

    def resolve(row: Row_, _info: Info, first: int | None = None) -> list[Any]:
        found: list[Any] = row[name]
        return found[:first]

    return resolve


def paged(kind: str, also: Callable[[Row_], list[Condition]] | None = None) -> Resolve:
    """A connection over rows; `also` says which of them belong to this one."""

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


def root(kind: str) -> Resolve:
    """The row of a type by the argument `id`."""
    return lambda _source, info, **args: by_gid(shop_of(info), args["id"], kind)


def where(name: str, key: str) -> Callable[[Row_], list[Condition]]:
    """Rows whose value `name` is this row's `key`."""
    return lambda row: [Condition(f"json_extract(body, '$.{name}') COLLATE NOCASE = ?", (str(row[key]),))]
