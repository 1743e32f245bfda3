"""Lists: paging, filters, order and the paging headers (`WC_REST_CRUD_Controller::get_items`)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import loads
from connectors.sandbox.woocommerce.errors import invalid
from connectors.sandbox.woocommerce.kinds import CUSTOMER, ORDER, PRODUCT, REFUND, TAX, VARIATION, WEBHOOK, Kind
from connectors.sandbox.woocommerce.shop import TRASHED, Entity, Shop

PAGE, MOST = 10, 100
DATES = {
    "after": ("date_created", ">"),
    "before": ("date_created", "<"),
    "modified_after": ("date_modified", ">"),
    "modified_before": ("date_modified", "<"),
}
DATED = frozenset({"order", "product", "product_variation", "coupon", "refund"})
"""Kinds with date filters: posts. Customers have none."""
EQUAL: Mapping[str, Mapping[str, str]] = {
    ORDER.name: {"customer": "customer_id", "number": "number"},
    PRODUCT.name: {"sku": "sku", "type": "type", "slug": "slug", "stock_status": "stock_status", "status": "status"},
    VARIATION.name: {"sku": "sku", "stock_status": "stock_status", "status": "status"},
    CUSTOMER.name: {"email": "email"},
    WEBHOOK.name: {"status": "status"},
    TAX.name: {"class": "class"},
    REFUND.name: {},
    "coupon": {"code": "code"},
}
SEARCHED = {ORDER.name: "billing", PRODUCT.name: "name", CUSTOMER.name: "email", "coupon": "code"}
FLAT = re.compile(r"[^\[]+(\[\d+\])?")


@dataclass(frozen=True, slots=True)
class Page:
    """A page and what its headers say."""

    rows: list[Entity]
    headers: Mapping[str, str]


@dataclass(slots=True)
class _Conditions:
    texts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, text: str, *values: Any) -> None:
        self.texts.append(text)
        self.values.extend(values)


def listed(shop: Shop, kind: Kind, query: Mapping[str, str], *, parent: int | None, url: str) -> Page:
    """One page of a kind; `url` is the list's own address, for the links.

    Raises:
        WooError: a parameter is not what its schema says; every one is named.
    """
    page, per_page, offset = _paging(query)
    where = _conditions(shop, kind, query, parent)
    order = _order(kind, query)
    text = " AND ".join(where.texts)
    total = int(shop.ctx.database.execute(f"SELECT count(*) FROM objects WHERE {text}", where.values)[0][0])  # noqa: S608 - values are bound
    rows = shop.ctx.database.execute(
        f"SELECT body FROM objects WHERE {text} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608 - as above
        [*where.values, per_page, offset],
    )
    pages = -(-total // per_page)
    headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
    links = []
    if page > 1:
        links.append(_link(url, query, min(page - 1, max(pages, 1)), "prev"))
    if page < pages:
        links.append(_link(url, query, page + 1, "next"))
    if links:
        headers["Link"] = ", ".join(links)
    return Page([loads(row[0]) for row in rows], headers)


def _paging(query: Mapping[str, str]) -> tuple[int, int, int]:
    wrong: dict[str, str] = {}
    page = _number(query, "page", 1, wrong)
    per_page = _number(query, "per_page", PAGE, wrong)
    if page < 1:
        wrong["page"] = "page must be greater than or equal to 1"
    if not 1 <= per_page <= MOST:
        wrong["per_page"] = f"per_page must be between 1 (inclusive) and {MOST} (inclusive)"
    offset = _number(query, "offset", (page - 1) * per_page, wrong)
    if wrong:
        raise invalid(wrong)
    return page, per_page, offset


def _number(query: Mapping[str, str], name: str, default: int, wrong: dict[str, str]) -> int:
    text = query.get(name, str(default))
    if not re.fullmatch(r"-?\d+", text):
        wrong[name] = f"{name} is not of type integer."
        return default
    return int(text)


def _conditions(shop: Shop, kind: Kind, query: Mapping[str, str], parent: int | None) -> _Conditions:
    where = _Conditions()
    where.add("account=? AND type=?", shop.account, kind.name)
    if parent is not None:
        where.add(_field("_parent") + "=?", str(parent))
    if kind.name in DATED:
        _dates(shop, query, where)
    for name, path in EQUAL.get(kind.name, {}).items():
        values = _list(query, name)
        if values and values not in (["any"], ["all"]):
            where.add(f"CAST({_field(path)} AS TEXT) IN ({','.join('?' * len(values))})", *values)
    _status(kind, query, where)
    _ids(query, where)
    if query.get("search") and kind.name in SEARCHED:
        where.add(f"json_extract(body, '$.{SEARCHED[kind.name]}') LIKE ?", f"%{query['search']}%")
    if kind is CUSTOMER and query.get("role", "customer") not in {"all", "customer"}:
        where.add("0")
    return where


def _status(kind: Kind, query: Mapping[str, str], where: _Conditions) -> None:
    """What is in the trash is listed only by that name: `any` leaves it out."""
    asked = (_list(query, "status") if kind.trash else []) or ["any"]
    if TRASHED not in asked or "any" in asked:
        where.add(_field("_trashed") + " IS NULL")
    elif asked == [TRASHED]:
        where.add(_field("_trashed") + "='1'")
    if kind is ORDER and "any" not in asked:
        where.add(f"{_field('status')} IN ({','.join('?' * len(asked))})", *asked)


def index(ctx: SandboxContext) -> None:
    """Make lists fast that are walked by modification or by id."""
    number = "CAST(id AS INTEGER)"
    for name, columns in (("modified", f"{_field('date_modified_gmt')}, {number}"), ("number", number)):
        ctx.database.execute(
            f"CREATE INDEX IF NOT EXISTS listed_by_{name} ON objects(account, type, {_field('_trashed')}, {columns})"
        )


def _dates(shop: Shop, query: Mapping[str, str], where: _Conditions) -> None:
    gmt = query.get("dates_are_gmt", "").lower() in {"1", "true"}
    zone = ZoneInfo("UTC") if gmt else ZoneInfo(shop.settings["time_zone"])
    wrong: dict[str, str] = {}
    for name, (path, comparison) in DATES.items():
        if name not in query:
            continue
        try:
            at = datetime.fromisoformat(query[name])
        except ValueError:
            wrong[name] = "Invalid date."
            continue
        local = at.astimezone(zone) if at.tzinfo else at
        where.add(
            f"{_field(path + '_gmt' if gmt else path)} {comparison} ?",
            local.strftime("%Y-%m-%dT%H:%M:%S"),
        )
    if wrong:
        raise invalid(wrong)


def _ids(query: Mapping[str, str], where: _Conditions) -> None:
    for name, negation in (("include", ""), ("exclude", "NOT ")):
        values = _list(query, name)
        if values:
            if not all(value.isdigit() for value in values):
                raise invalid({name: f"{name}[0] is not of type integer."})
            where.add(f"id {negation}IN ({','.join('?' * len(values))})", *values)


def _list(query: Mapping[str, str], name: str) -> list[str]:
    """A parameter that may be a list: separated by commas or blanks, or `name[]`."""
    found: list[str] = []
    for key, value in query.items():
        if key.partition("[")[0] == name and FLAT.fullmatch(key):
            found += [part for part in re.split(r"[,\s]+", value) if part]
    return found


def _order(kind: Kind, query: Mapping[str, str]) -> str:
    wrong: dict[str, str] = {}
    by, way = query.get("orderby", next(iter(kind.orderings))), query.get("order", "").lower()
    if by not in kind.orderings and by != "include":
        wrong["orderby"] = f"orderby is not one of {', '.join(kind.orderings)}, and include."
    if way not in {"", "asc", "desc"}:
        wrong["order"] = "order is not one of asc and desc."
    if wrong:
        raise invalid(wrong)
    path = kind.orderings.get(by, "id")
    ascending = way == "asc" or (not way and by in {"name", "order", "menu_order"})
    direction = "ASC" if ascending else "DESC"
    number = f"CAST(id AS INTEGER) {direction}"
    return number if path == "id" else f"{_field(path)} {direction}, {number}"


def _field(path: str) -> str:
    # As `Database.index` writes it, so that its indexes are used.
    return f"json_extract(body, '$.{path}') COLLATE NOCASE"


def _link(url: str, query: Mapping[str, str], page: int, rel: str) -> str:
    return f'<{url}?{urlencode({**query, "page": str(page)})}>; rel="{rel}"'
