"""`POST /admin/api/{version}/graphql.json`: who may call, what is left in the bucket, the envelope of the answer."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sandbox.json_text import Json, loads
from connectors.sandbox.shopify import hooks
from connectors.sandbox.shopify.access import Access, RefusedError
from connectors.sandbox.shopify.buckets import MOST_POINTS, POINTS, Buckets
from connectors.sandbox.shopify.engine import Engine, Query
from connectors.sandbox.shopify.resolvers import Context
from connectors.sandbox.shopify.shop import Shop

LIMITS_PAGE = "https://shopify.dev/api/usage/limits"
UNDEFINED = "Cannot query field"


class GraphqlApi:
    """The endpoint of all shops; `wake` is called once a bulk operation is stored."""

    def __init__(self, access: Access, engine: Engine, buckets: Buckets, wake: Callable[[], None]) -> None:
        self._access = access
        self._engine = engine
        self._buckets = buckets
        self._wake = wake

    def routes(self) -> list[Route]:
        """With a version in the path, and without: the oldest supported one."""
        return [
            Route("/admin/api/{version}/graphql.json", self._endpoint, methods=["POST"]),
            Route("/admin/api/graphql.json", self._endpoint, methods=["POST"]),
        ]

    def throttled(self, account: str | None, requested: int | None = None) -> Response:
        """Too few points are left: HTTP 200 with the code THROTTLED."""
        error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": LIMITS_PAGE}}
        return Json({"errors": [error], "extensions": {"cost": self._status(account, requested, None)}})

    async def _endpoint(self, request: Request) -> Response:
        try:
            shop = self._access.shop(request)
            text, variables, name = _sent(request, await request.body())
        except RefusedError as refused:
            return refused.response()
        response = self._answer(shop, text, variables, name)
        response.headers["x-shopify-api-version"] = shop.version
        response.headers["x-request-id"] = f"{shop.ctx.random.getrandbits(128):032x}"
        return response

    def _answer(self, shop: Shop, text: str, variables: Mapping[str, Any], name: str | None) -> Response:
        try:
            query = self._engine.prepare(text, variables, name)
        except GraphQLError as error:
            return Json({"errors": [_shown(error)]})
        points = query.requested
        if points > MOST_POINTS:
            return Json({"errors": [_too_dear(points)]})
        if not self._buckets.take(shop.account, POINTS, points):
            return self.throttled(shop.account, points)
        return self._ran(shop, query, points)

    def _ran(self, shop: Shop, query: Query, points: int) -> Response:
        data, errors = self._engine.run(query, Context(shop, query.variables))
        actual = min(query.cost.actual(query.operation, data), points)
        self._buckets.give_back(shop.account, POINTS, points - actual)
        for kind in shop.written:
            shop.ctx.wrote(shop.account, kind)
        if "BulkOperation" in shop.written:
            shop.ctx.database.after_commit(self._wake)
        hooks.publish(shop)
        answer: dict[str, Any] = {"data": data} if data is not None or not errors else {}
        if errors:
            answer["errors"] = [_shown(error) for error in errors]
        return Json({**answer, "extensions": {"cost": self._status(shop.account, points, actual)}})

    def _status(self, account: str | None, requested: int | None, actual: int | None) -> dict[str, Any]:
        cost: dict[str, Any] = {"requestedQueryCost": requested, "actualQueryCost": actual}
        if account is not None:
            level = self._buckets.level(account, POINTS)
            status = {"maximumAvailable": level.size, "currentlyAvailable": int(level.left), "restoreRate": level.rate}
            cost["throttleStatus"] = status
        return cost


def _sent(request: Request, body: bytes) -> tuple[str, Mapping[str, Any], str | None]:
    """Document, variables and operation name. Raises RefusedError."""
    if request.headers.get("content-type", "").startswith("application/graphql"):
        return body.decode(), {}, None
    try:
        sent = loads(body)
    except ValueError:
        raise RefusedError(400, "Bad Request: the body is not JSON") from None
    if not isinstance(sent, dict) or not isinstance(sent.get("query"), str):
        raise RefusedError(400, "Required parameter missing or invalid: query")
    variables = sent.get("variables") or {}
    if not isinstance(variables, dict):
        raise RefusedError(400, "Required parameter missing or invalid: variables")
    return sent["query"], variables, sent.get("operationName")


def _shown(error: GraphQLError) -> dict[str, Any]:
    shown: dict[str, Any] = dict(error.formatted)
    if error.message.startswith(UNDEFINED):
        shown["extensions"] = {"code": "undefinedField"}
    return shown


def _too_dear(points: int) -> dict[str, Any]:
    text = (
        f"Query cost is {points}, which exceeds the single query max cost limit ({MOST_POINTS}).\n\nSee {LIMITS_PAGE}"
    )
    extensions = {"code": "MAX_COST_EXCEEDED", "cost": points, "maxCost": MOST_POINTS, "documentation": LIMITS_PAGE}
    return {"message": text, "extensions": extensions}
