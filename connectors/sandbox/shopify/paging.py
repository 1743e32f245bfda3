"""Connections: cursor paging over rows in the database and over lists in a row (shopify.dev, "Paginating results")."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from connectors.sandbox.json_text import loads
from connectors.sandbox.shopify.search import Condition, SearchError, conditions
from connectors.sandbox.shopify.shop import Row, Shop

MOST = 250
SORTED = {
    "CREATED_AT": "$.created_at",
    "UPDATED_AT": "$.updated_at",
    "PROCESSED_AT": "$.processed_at",
    "ORDER_NUMBER": "$.order_number",
    "NAME": "$.name",
    "TITLE": "$.title",
    "SKU": "$.sku",
}
"""Sort keys that are not the id."""
Connection = dict[str, Any]


def bad(message: str, code: str = "argumentLiteralsIncompatible") -> GraphQLError:
    """An error of the caller, as Shopify words its top-level errors."""
    return GraphQLError(message, extensions={"code": code})


def page_of_rows(shop: Shop, kind: str, args: Mapping[str, Any], also: Sequence[Condition] = ()) -> Connection:
    """A page of an account's rows of one type, by the arguments of the connection."""
    size, backwards = _size(args)
    path = SORTED.get(str(args.get("sortKey") or "ID"))
    descending = bool(args.get("reverse")) != backwards
    try:
        where = [*conditions(kind, args.get("query")), *also]
    except SearchError as error:
        raise bad(str(error), "INVALID_SEARCH") from None
    column = f"json_extract(body, '{path}') COLLATE NOCASE" if path else "id"
    edge = args.get("before") if backwards else args.get("after")
    if edge is not None:
        where.append(_beyond(_decoded(edge), column if path else None, descending=descending))
    direction = "DESC" if descending else "ASC"
    # `+`: of a few rows that belong to another one, SQLite is to find those, not to walk all rows by id.
    number = "+id" if also else "id"
    order = f"{column} {direction}, {number} {direction}" if path else f"{number} {direction}"
    sql = "".join(f" AND ({condition.sql})" for condition in where)
    values = [value for condition in where for value in condition.values]
    found = shop.ctx.database.execute(
        f"SELECT body FROM objects WHERE account=? AND type=?{sql} ORDER BY {order} LIMIT ?",  # noqa: S608 (columns are constants)
        (shop.account, kind, *values, size + 1),
    )
    rows = [loads(row[0]) for row in found]
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    edges = [(_cursor(row, path), row) for row in rows]
    return _connection(
        edges, before=more if backwards else edge is not None, after=edge is not None if backwards else more
    )


def page_of_list(items: Sequence[Row], args: Mapping[str, Any], *, whole: bool = False) -> Connection:
    """A page of a list that belongs to a row; `whole` leaves out nothing, as in bulk operations."""
    if whole:
        args = {"first": max(len(items), 1)}
    size, backwards = _size(args)
    ordered = list(reversed(items)) if args.get("reverse") else list(items)
    begin, end = 0, len(ordered)
    ids = [str(item["id"]) for item in ordered]
    for name in ("after", "before"):
        if args.get(name) is None:
            continue
        last = str(_decoded(args[name])["last_id"])
        place = ids.index(last) if last in ids else (len(ids) if name == "after" else 0)
        begin, end = (place + 1, end) if name == "after" else (begin, place)
    chosen = ordered[begin:end]
    first = max(len(chosen) - size, 0) if backwards else 0
    page = chosen[first:] if backwards else chosen[:size]
    edges = [(_cursor(item, None), item) for item in page]
    offset = begin + first
    return _connection(edges, before=offset > 0, after=offset + len(page) < len(ordered))


def _size(args: Mapping[str, Any]) -> tuple[int, bool]:
    first, last = args.get("first"), args.get("last")
    if first is None and last is None:
        raise bad("you must provide one of first or last", "MISSING_PAGINATION_BOUNDARIES")
    if first is not None and last is not None:
        raise bad("providing both first and last is not supported", "INVALID_PAGINATION_BOUNDARIES")
    size = int(first if first is not None else last or 0)
    if not 0 <= size <= MOST:
        raise bad(f"{'first' if first is not None else 'last'} cannot exceed {MOST}", "MAX_PAGE_SIZE_EXCEEDED")
    return size, first is None


def _beyond(position: Mapping[str, Any], column: str | None, *, descending: bool) -> Condition:
    sign = "<" if descending else ">"
    number = str(position["last_id"])
    if column is None:
        return Condition(f"id {sign} ?", (number,))
    value = position.get("last_value")
    return Condition(f"{column} {sign}= ? AND ({column} {sign} ? OR id {sign} ?)", (value, value, number))


def _cursor(row: Row, path: str | None) -> str:
    value = row.get(path.removeprefix("$.")) if path else str(row["id"])
    return base64.b64encode(json.dumps({"last_id": row["id"], "last_value": value}).encode()).decode()


def _decoded(cursor: str) -> Mapping[str, Any]:
    try:
        position = json.loads(base64.b64decode(cursor, validate=True))
        return {"last_id": position["last_id"], "last_value": position.get("last_value")}
    except (binascii.Error, ValueError, TypeError, KeyError, AttributeError):
        raise bad(f"Invalid cursor for current pagination sort: {cursor!r}", "INVALID_CURSOR") from None


def _connection(edges: Sequence[tuple[str, Row]], *, before: bool, after: bool) -> Connection:
    return {
        "edges": [{"cursor": cursor, "node": row} for cursor, row in edges],
        "nodes": [row for _, row in edges],
        "page_info": {
            "has_next_page": after,
            "has_previous_page": before,
            "start_cursor": edges[0][0] if edges else None,
            "end_cursor": edges[-1][0] if edges else None,
        },
    }
