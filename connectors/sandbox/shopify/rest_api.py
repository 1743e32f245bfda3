"""The REST Admin API as far as it is still used: shop, customers, orders, locations, stock, webhooks.

Legacy since 2024-10-01; products are gone from it (commerce facts 1.3). Paging by `Link` headers as since 2019-07.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from math import ceil
from typing import Any
from urllib.parse import urlencode

from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sandbox.json_text import Json, loads
from connectors.sandbox.shopify import customers, hooks, inventory, orders
from connectors.sandbox.shopify.access import Access, RefusedError
from connectors.sandbox.shopify.buckets import REQUESTS, Buckets
from connectors.sandbox.shopify.errors import Problem
from connectors.sandbox.shopify.paging import page_of_rows
from connectors.sandbox.shopify.rest_view import rest
from connectors.sandbox.shopify.search import Condition
from connectors.sandbox.shopify.shop import Row, Shop
from connectors.sandbox.shopify.topics import ENUMS

Handler = Callable[[Shop, Request, Row], Any]
PREFIX = "/admin/api/{version}"
DEFAULT, MOST = 50, 250
RANGES = {
    f"{name}_{end}": f"{name}:{sign}"
    for name in ("created_at", "updated_at", "processed_at")
    for end, sign in (("min", ">="), ("max", "<="))
}
LISTED = {"customers": "Customer", "orders": "Order", "locations": "Location", "webhooks": "WebhookSubscription"}
SINGULAR = {"customers": "customer", "orders": "order", "locations": "location", "webhooks": "webhook"}
TOO_FAST = "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service."


class RestApi:
    """The endpoints of all shops."""

    def __init__(self, access: Access, buckets: Buckets) -> None:
        self._access = access
        self._buckets = buckets

    def routes(self) -> list[Route]:
        """Fixed names first; what is not served is Shopify's 404."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "shop.json", lambda shop, _request, _sent: {"shop": rest(shop, shop.profile)}),
            ("GET", "inventory_levels.json", _levels),
            ("POST", "inventory_levels/set.json", _set_level),
            ("POST", "inventory_levels/adjust.json", _adjust_level),
            (
                "GET",
                "orders/{id}/refunds.json",
                lambda shop, request, _: {"refunds": _nested(shop, request, "refunds")},
            ),
            ("GET", "orders/{id}/transactions.json", _transactions),
            ("POST", "orders/{id}/cancel.json", _cancel),
            (
                "POST",
                "orders/{id}/close.json",
                lambda shop, request, _: _order(shop, orders.close(shop, _row(shop, "Order", request))),
            ),
            ("PUT", "orders/{id}.json", _change_order),
            ("DELETE", "orders/{id}.json", _delete_order),
            ("POST", "customers.json", _new_customer),
            ("PUT", "customers/{id}.json", _change_customer),
            ("DELETE", "customers/{id}.json", _delete_customer),
            ("POST", "webhooks.json", _new_hook),
            ("PUT", "webhooks/{id}.json", _change_hook),
            ("DELETE", "webhooks/{id}.json", _delete_hook),
            *[("GET", f"{name}/count.json", _counted(kind)) for name, kind in LISTED.items()],
            *[("GET", f"{name}/{{id}}.json", _single(name, kind)) for name, kind in LISTED.items()],
            *[("GET", f"{name}.json", _list(name, kind)) for name, kind in LISTED.items()],
        ]
        known = [Route(f"{PREFIX}/{path}", self._endpoint(handle), methods=[method]) for method, path, handle in table]
        rest_of = Route("/admin/{rest:path}", _missing, methods=["GET", "POST", "PUT", "DELETE"])
        return [*known, rest_of]

    def throttled(self) -> Response:
        """Too fast: 429 with the wait."""
        return Json({"errors": TOO_FAST}, status_code=429, headers={"retry-after": "2.0"})

    def _endpoint(self, handle: Handler) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                shop = self._access.shop(request)
            except RefusedError as refused:
                return refused.response()
            if not self._buckets.take(shop.account, REQUESTS, 1):
                return self.throttled()
            response = _answer(handle, shop, request, await request.body())
            level = self._buckets.level(shop.account, REQUESTS)
            # As Shopify spells them over HTTP/1.1: its own Python library looks for them in this very case.
            spent = f"{ceil(level.size - level.left)}/{int(level.size)}"
            response.raw_headers.append((b"X-Shopify-Shop-Api-Call-Limit", spent.encode()))
            response.raw_headers.append((b"X-Shopify-API-Version", shop.version.encode()))
            return response

        return endpoint


def _answer(handle: Handler, shop: Shop, request: Request, body: bytes) -> Response:
    try:
        answer = handle(shop, request, _sent(body))
    except RefusedError as refused:
        return refused.response()
    except Problem as problem:
        field = problem.field[-1] if problem.field else "base"
        text = problem.message.removeprefix(f"{field.capitalize()} ")
        return Json({"errors": {field: [text]}}, status_code=422)
    except GraphQLError as error:
        return Json({"errors": error.message}, status_code=400)
    for kind in shop.written:
        shop.ctx.wrote(shop.account, kind)
    hooks.publish(shop)
    if isinstance(answer, Response):
        return answer
    return Json(answer, status_code=201 if request.method == "POST" and "inventory" not in request.url.path else 200)


async def _missing(_request: Request) -> Response:
    return Json({"errors": "Not Found"}, status_code=404)


def _sent(body: bytes) -> Row:
    try:
        sent = loads(body) if body.strip() else {}
    except ValueError:
        raise RefusedError(400, "Bad Request: the body is not JSON") from None
    if not isinstance(sent, dict):
        raise RefusedError(400, "Required parameter missing or invalid")
    return sent


def _part(sent: Row, name: str) -> Row:
    part = sent.get(name)
    if not isinstance(part, dict):
        raise RefusedError(400, f"Required parameter missing or invalid: {name}")
    return part


def _row(shop: Shop, kind: str, request: Request) -> Row:
    found = shop.get(kind, request.path_params["id"])
    if found is None:
        raise RefusedError(404, "Not Found")
    return found


def _shown(shop: Shop, row: Row) -> Row:
    shown = rest(shop, row)
    if row["__typename"] == "WebhookSubscription":
        shown |= {
            "format": row["format"].lower(),
            "fields": row["include_fields"],
            "api_version": row["api_version"]["handle"],
        }
        del shown["topic_enum"], shown["include_fields"]
    return shown


def _single(name: str, kind: str) -> Handler:
    return lambda shop, request, _sent: {SINGULAR[name]: _shown(shop, _row(shop, kind, request))}


def _list(name: str, kind: str) -> Handler:
    def handle(shop: Shop, request: Request, _sent: Row) -> Response:
        params = dict(request.query_params)
        size = min(int(params.pop("limit", DEFAULT)), MOST)
        if "page_info" in params:
            params = _unpacked(params["page_info"])
        args, also = _paging(kind, params)
        page = page_of_rows(shop, kind, {**args, "first": size}, also)
        rows = [_shown(shop, row) for row in page["nodes"]]
        response = Json({name: rows})
        info = page["page_info"]
        if info["has_next_page"]:
            packed = _packed({**params, "after": info["end_cursor"]})
            address = f"{shop.base}{request.url.path}?{urlencode({'limit': size, 'page_info': packed})}"
            response.headers["link"] = f'<{address}>; rel="next"'
        return response

    return handle


def _paging(kind: str, params: Mapping[str, str]) -> tuple[Row, list[Condition]]:
    terms = [f"{RANGES[name]}'{value}'" for name, value in params.items() if name in RANGES]
    if "since_id" in params:
        terms.append(f"id:>{params['since_id']}")
    status = params.get("status", "open")
    if kind == "Order" and status != "any":
        terms.append(f"status:{status}")
    terms += [f"{name}:{params[name]}" for name in ("financial_status", "fulfillment_status") if name in params]
    also = []
    if ids := params.get("ids"):
        wanted = ids.split(",")
        also.append(Condition(f"id IN ({','.join('?' * len(wanted))})", tuple(wanted)))
    ascending = "since_id" in params or kind in {"Location", "WebhookSubscription"}
    return {"query": " AND ".join(terms), "after": params.get("after"), "reverse": not ascending}, also


def _packed(params: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(params).encode()).decode()


def _unpacked(text: str) -> dict[str, str]:
    try:
        return dict(json.loads(base64.urlsafe_b64decode(text)))
    except (binascii.Error, ValueError, TypeError):
        raise RefusedError(400, "Invalid value for page_info") from None


def _counted(kind: str) -> Handler:
    def handle(shop: Shop, request: Request, _sent: Row) -> Row:
        args, also = _paging(kind, dict(request.query_params))
        count, after = 0, None
        while True:
            page = page_of_rows(shop, kind, {**args, "first": MOST, "after": after}, also)
            count += len(page["nodes"])
            after = page["page_info"]["end_cursor"]
            if not page["page_info"]["has_next_page"]:
                return {"count": count}

    return handle


def _order(shop: Shop, row: Row) -> Row:
    return {"order": rest(shop, row)}


def _nested(shop: Shop, request: Request, name: str) -> Any:
    return rest(shop, _row(shop, "Order", request))[name]


def _transactions(shop: Shop, request: Request, _sent: Row) -> Row:
    row = _row(shop, "Order", request)
    return {"transactions": [{**rest(shop, each), "order_id": row["id"]} for each in row["_transactions"]]}


def _change_order(shop: Shop, request: Request, sent: Row) -> Row:
    part = _part(sent, "order")
    if isinstance(part.get("tags"), str):
        part["tags"] = [tag.strip() for tag in part["tags"].split(",") if tag.strip()]
    return _order(shop, orders.update(shop, _row(shop, "Order", request), part))


def _cancel(shop: Shop, request: Request, sent: Row) -> Row:
    row = _row(shop, "Order", request)
    reason, restock = str(sent.get("reason") or "other"), bool(sent.get("restock"))
    return _order(shop, orders.cancel(shop, row, reason, restock=restock))


def _delete_order(shop: Shop, request: Request, _sent: Row) -> Row:
    orders.delete(shop, _row(shop, "Order", request))
    return {}


def _customer_part(sent: Row) -> Row:
    part = _part(sent, "customer")
    if isinstance(part.get("tags"), str):
        part["tags"] = [tag.strip() for tag in part["tags"].split(",") if tag.strip()]
    return part


def _new_customer(shop: Shop, _request: Request, sent: Row) -> Row:
    return {"customer": rest(shop, customers.create(shop, _customer_part(sent)))}


def _change_customer(shop: Shop, request: Request, sent: Row) -> Row:
    changed = customers.update(shop, _row(shop, "Customer", request), _customer_part(sent))
    return {"customer": rest(shop, changed)}


def _delete_customer(shop: Shop, request: Request, _sent: Row) -> Row:
    customers.delete(shop, _row(shop, "Customer", request))
    return {}


def _hook_part(sent: Row) -> tuple[str, Row]:
    part = _part(sent, "webhook")
    topic = ENUMS.get(str(part.get("topic", "")))
    if topic is None:
        raise Problem("Topic is invalid", "topic")
    return topic, {"uri": part.get("address"), "include_fields": part.get("fields")}


def _new_hook(shop: Shop, _request: Request, sent: Row) -> Row:
    topic, part = _hook_part(sent)
    return {"webhook": _shown(shop, hooks.create(shop, topic, part))}


def _change_hook(shop: Shop, request: Request, sent: Row) -> Row:
    part = {"uri": _part(sent, "webhook").get("address")}
    return {"webhook": _shown(shop, hooks.update(shop, _row(shop, "WebhookSubscription", request), part))}


def _delete_hook(shop: Shop, request: Request, _sent: Row) -> Row:
    hooks.delete(shop, _row(shop, "WebhookSubscription", request))
    return {}


def _levels(shop: Shop, request: Request, _sent: Row) -> Row:
    items = (request.query_params.get("inventory_item_ids") or "").split(",")
    places = (request.query_params.get("location_ids") or "").split(",")
    if items == [""] and places == [""]:
        raise Problem("inventory_item_ids or location_ids must be given", "inventory_item_ids")
    wanted = (
        shop.find("InventoryLevel", "_item", *items)
        if items != [""]
        else shop.find("InventoryLevel", "_location", *places)
    )
    return {"inventory_levels": [rest(shop, each) for each in wanted if places == [""] or each["_location"] in places]}


def _level(shop: Shop, sent: Row) -> Row:
    item = shop.get("InventoryItem", sent.get("inventory_item_id"))
    level = inventory.level_at(shop, item, str(sent.get("location_id"))) if item else None
    if level is None:
        raise RefusedError(404, "Not Found")
    return level


def _set_level(shop: Shop, _request: Request, sent: Row) -> Row:
    level = _level(shop, sent)
    inventory.move(shop, level, int(sent["available"]) - level["available"])
    return {"inventory_level": rest(shop, level)}


def _adjust_level(shop: Shop, _request: Request, sent: Row) -> Row:
    level = _level(shop, sent)
    inventory.move(shop, level, int(sent["available_adjustment"]))
    return {"inventory_level": rest(shop, level)}
