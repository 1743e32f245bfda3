"""The `query` argument of connections: terms of Shopify's search syntax as conditions on rows.

Source: shopify.dev, "Shopify API search syntax". Served: `field:value` with the comparators `:` `:>` `:>=` `:<` `:<=`,
values in quotes, terms joined by blanks or AND. Anything else is refused: to ignore it, as Shopify does with unknown
fields, would answer with rows nobody asked for.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from connectors.sandbox.shopify.shop import stamp

TERM = re.compile(
    r"""\s*(?:AND\s+)?(?P<field>[a-z_]+):(?P<comparator>>=|<=|>|<)?
        (?:'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s()'"]+))\s*""",
    re.VERBOSE,
)
BACKSLASH = re.compile(r"\\(.)")
TIMES = {"created_at", "updated_at", "processed_at", "occurred_at"}
COMMON = {"id": "$.id", "created_at": "$.created_at", "updated_at": "$.updated_at"}
FIELDS: Mapping[str, Mapping[str, str]] = {
    "Customer": {
        **COMMON,
        "email": "$.email",
        "phone": "$.phone",
        "first_name": "$.first_name",
        "last_name": "$.last_name",
    },
    "Product": {**COMMON, "status": "$.status", "title": "$.title", "handle": "$.handle", "vendor": "$.vendor"},
    "ProductVariant": {**COMMON, "sku": "$.sku", "barcode": "$.barcode", "product_id": "$.product_id"},
    "InventoryItem": {**COMMON, "sku": "$.sku"},
    "InventoryLevel": {**COMMON, "inventory_item_id": "$.inventory_item_id"},
    "Location": {**COMMON, "name": "$.name"},
    "Order": {
        **COMMON,
        "processed_at": "$.processed_at",
        "name": "$.name",
        "email": "$.email",
        "status": "$._status",
        "financial_status": "$.financial_status",
        "fulfillment_status": "$._fulfillment",
        "customer_id": "$._customer",
    },
    "AbandonedCheckout": {**COMMON, "status": "$._status"},
    "DeletionEvent": {"id": "$.id", "occurred_at": "$.occurred_at"},
    "WebhookSubscription": COMMON,
}
"""What may be searched, by type: the field's place in the row."""


class SearchError(Exception):
    """The search is not one that is served; the text says what is."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A piece of SQL over `body`, and its values."""

    sql: str
    values: Sequence[object]


def conditions(kind: str, query: str | None) -> list[Condition]:
    """Read a search. Raises SearchError."""
    found: list[Condition] = []
    text, at = (query or "").strip(), 0
    while at < len(text):
        term = TERM.match(text, at)
        if term is None:
            raise SearchError(
                f"Search term {text[at:]!r} is not served by this sandbox: use field:value, field:>=value and so on, "
                "joined by AND"
            )
        found.append(_condition(kind, term))
        at = term.end()
    return found


def _condition(kind: str, term: re.Match[str]) -> Condition:
    name = term["field"]
    path = FIELDS[kind].get(name)
    if path is None:
        raise SearchError(f"{kind} cannot be searched by {name!r} here; known: {', '.join(sorted(FIELDS[kind]))}")
    quoted = term["single"] if term["single"] is not None else term["double"]
    value = BACKSLASH.sub(r"\1", quoted) if quoted is not None else term["bare"]
    comparator = term["comparator"] or "="
    if name == "status" and value == "any":
        return Condition("1", ())
    expression = "id" if name == "id" else f"json_extract(body, '{path}')"
    if name in TIMES:
        return Condition(f"{expression} COLLATE NOCASE {comparator} ?", (_time(name, value),))
    if name not in {"id", "product_id", "inventory_item_id"}:
        return Condition(f"{expression} COLLATE NOCASE {comparator} ?", (value,))
    if not value.isdigit():
        raise SearchError(f"{name}: {value!r} is not a number")
    return Condition(f"{expression} {comparator} ?", (value if name == "id" else int(value),))


def _time(name: str, value: str) -> str:
    try:
        if len(value) == len("2026-01-31"):
            value = f"{date.fromisoformat(value)}T00:00:00+00:00"
        instant = datetime.fromisoformat(value)
    except ValueError:
        raise SearchError(f"{name}: {value!r} is not a date or time in ISO 8601") from None
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return stamp(aware.astimezone(UTC))
