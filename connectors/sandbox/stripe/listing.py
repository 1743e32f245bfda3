"""Lists: newest first, paged by object ids (docs.stripe.com, "Pagination")."""

from typing import Any

from connectors.sandbox.json_text import loads
from connectors.sandbox.stripe.errors import StripeError, missing_object
from connectors.sandbox.stripe.forms import Params, whole
from connectors.sandbox.stripe.ledger import Entity, Ledger, listing

LIMIT, MOST = 10, 100
EVENT_DAYS = 30
COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
FILTERS = {
    "customer": ("email", "test_clock"),
    "product": ("active",),
    "price": ("active", "product", "currency", "type", "lookup_keys"),
    "subscription": ("customer", "status", "price", "test_clock"),
    "invoice": ("customer", "status", "subscription", "collection_method"),
    "invoiceitem": ("customer", "invoice", "pending"),
    "payment_intent": ("customer",),
    "charge": ("customer", "payment_intent"),
    "refund": ("charge", "payment_intent"),
    "credit_note": ("invoice", "customer"),
    "event": ("type", "types", "object_id"),
    "webhook_endpoint": (),
    "test_helpers.test_clock": (),
}
PATHS = {"subscription": {"price": "items.data[0].price.id"}, "invoice": {"subscription": "_subscription"}}
COMMON = frozenset({"limit", "starting_after", "ending_before", "expand", "created"})


def listed(ledger: Ledger, kind: str, params: Params, url: str) -> Entity:
    """One page.

    Raises:
        StripeError: a parameter is unknown or wrong, or the page's anchor is not there.
    """
    limit = whole(params, "limit", LIMIT)
    if not 1 <= limit <= MOST:
        raise StripeError(
            f"Invalid limit: must be between 1 and {MOST}", code="parameter_invalid_integer", param="limit"
        )
    # Unary plus keeps SQLite from sorting a whole type by way of the primary key.
    where, values = ["+account=?", "+type=?", "json_extract(body, '$.deleted') IS NULL"], [ledger.account, kind]
    for text, bound in _filters(ledger, kind, params):
        where.append(text)
        values += bound
    backwards = "ending_before" in params
    for name, comparison in (("starting_after", "<"), ("ending_before", ">")):
        if name in params:
            where.append(f"rowid {comparison} ?")
            values.append(_anchor(ledger, kind, str(params[name]), name))
    order = "ASC" if backwards else "DESC"
    rows = ledger.ctx.database.execute(
        f"SELECT body FROM objects WHERE {' AND '.join(where)} ORDER BY rowid {order} LIMIT ?",  # noqa: S608 - values are bound
        [*values, limit + 1],
    )
    found = [loads(row[0]) for row in rows]
    page = found[:limit]
    return listing(url, page[::-1] if backwards else page, more=len(found) > limit)


def _anchor(ledger: Ledger, kind: str, id_: str, param: str) -> Any:
    rows = ledger.ctx.database.execute(
        "SELECT rowid, body FROM objects WHERE account=? AND type=? AND id=?", (ledger.account, kind, id_)
    )
    gone = kind == "event" and rows and (loads(rows[0][1])["created"] < _oldest(ledger) or rows[0][0] <= _lost(ledger))
    if not rows or gone:
        raise missing_object(kind, id_, param, 400)
    return rows[0][0]


def _lost(ledger: Ledger) -> int:
    """Where the events begin that an admin has not had forgotten."""
    id_ = ledger.ctx.setting(ledger.account, "forgotten_event", "")
    rows = ledger.ctx.database.execute(
        "SELECT rowid FROM objects WHERE account=? AND type='event' AND id=?", (ledger.account, id_)
    )
    return int(rows[0][0]) if rows else 0


def _oldest(ledger: Ledger) -> int:
    return int(ledger.ctx.clock.now().timestamp()) - EVENT_DAYS * 86400


def _filters(ledger: Ledger, kind: str, params: Params) -> list[tuple[str, list[Any]]]:
    known, found = FILTERS[kind], list[tuple[str, list[Any]]]()
    for name, value in params.items():
        if name in COMMON:
            continue
        if name not in known:
            raise StripeError(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
        found.append(_filter(kind, name, value))
    if kind == "subscription" and "status" not in params:
        found.append(("json_extract(body, '$.status') <> 'canceled'", []))
    if kind == "event":
        found.append(("json_extract(body, '$.created') >= ? AND +rowid > ?", [_oldest(ledger), _lost(ledger)]))
    created = params.get("created")
    if isinstance(created, dict):
        for name, bound in created.items():
            if name not in COMPARISONS:
                raise StripeError(f"Received unknown parameter: created[{name}]", param=f"created[{name}]")
            found.append(
                (f"json_extract(body, '$.created') {COMPARISONS[name]} ?", [whole({"created": bound}, "created")])
            )
    elif created is not None:
        found.append(("json_extract(body, '$.created') = ?", [whole(params, "created")]))
    return found


def _filter(kind: str, name: str, value: Any) -> tuple[str, list[Any]]:
    if name in {"types", "lookup_keys"}:
        values = value if isinstance(value, list) else [value]
        path = name.removesuffix("s").replace("lookup_key", "lookup_key")
        return f"json_extract(body, '$.{path}') IN ({','.join('?' * len(values))})", values
    if kind == "subscription" and name == "status" and value in {"all", "ended"}:
        return (
            ("1", []) if value == "all" else ("json_extract(body, '$.status') IN ('canceled','incomplete_expired')", [])
        )
    if kind == "event" and name == "object_id":
        return "json_extract(body, '$.data.object.id') = ?", [value]
    if kind == "event" and name == "type" and str(value).endswith("*"):
        return "json_extract(body, '$.type') LIKE ?", [f"{str(value)[:-1]}%"]
    if kind == "invoiceitem" and name == "pending":
        return f"json_extract(body, '$.invoice') IS {'NULL' if value == 'true' else 'NOT NULL'}", []
    path = PATHS.get(kind, {}).get(name, name)
    if value in {"true", "false"}:
        return f"json_extract(body, '$.{path}') = ?", [int(value == "true")]
    return f"json_extract(body, '$.{path}') = ?", [value]
