"""What buyers and merchants do outside the Admin API, at addresses of the sandbox's own."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sandbox.accounts import DEFAULT
from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import Json, loads
from connectors.sandbox.shopify import checkouts, hooks
from connectors.sandbox.shopify.access import STABLE, Access
from connectors.sandbox.shopify.errors import Problem
from connectors.sandbox.shopify.rest_view import rest
from connectors.sandbox.shopify.shop import Row, Shop
from connectors.sandbox.shopify.topics import COMPLIANCE

Handler = Callable[[Shop, Request, Row], Any]


class People:
    """The shop front and the merchant's buttons. `?shop=`, host or token tell the shop; else it is the default one."""

    def __init__(self, ctx: SandboxContext, access: Access) -> None:
        self._ctx = ctx
        self._access = access

    def routes(self) -> list[Route]:
        """Under `/people/`, which no Shopify address begins with."""
        table: list[tuple[str, str, Handler]] = [
            ("POST", "checkouts", lambda shop, _request, sent: rest(shop, checkouts.create(shop, sent))),
            (
                "PUT",
                "checkouts/{token}",
                lambda shop, request, sent: rest(shop, checkouts.update(shop, _checkout(shop, request), sent)),
            ),
            (
                "POST",
                "checkouts/{token}/complete",
                lambda shop, request, _: rest(shop, checkouts.complete(shop, _checkout(shop, request))),
            ),
            ("DELETE", "checkouts/{token}", _leave),
            ("POST", "privacy/{about}/{topic}", _privacy),
            ("POST", "uninstall", _uninstall),
        ]
        return [Route(f"/people/{path}", self._endpoint(handle), methods=[method]) for method, path, handle in table]

    def _endpoint(self, handle: Handler) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            account = self._access.account_of(request) or DEFAULT
            shop = Shop(self._ctx, account, STABLE, f"{request.url.scheme}://{request.url.netloc}")
            body = await request.body()
            try:
                answer = handle(shop, request, loads(body) if body.strip() else {})
            except Problem as problem:
                return Json({"errors": problem.message, "field": problem.field}, status_code=422)
            except ValueError as error:
                return Json({"errors": f"body: not JSON: {error}"}, status_code=400)
            for kind in shop.written:
                shop.ctx.wrote(account, kind)
            hooks.publish(shop)
            return Json(answer)

        return endpoint


def _checkout(shop: Shop, request: Request) -> Row:
    found = checkouts.by_token(shop, request.path_params["token"])
    if found is None:
        raise Problem("There is no such checkout", "token")
    return found


def _leave(shop: Shop, request: Request, _sent: Row) -> Row:
    checkouts.delete(shop, _checkout(shop, request))
    return {}


def _privacy(shop: Shop, request: Request, sent: Row) -> Row:
    """Send a compliance webhook about the customer `{customer_id}`, or about the shop."""
    topic = f"{request.path_params['about']}/{request.path_params['topic']}"
    if topic not in COMPLIANCE:
        raise Problem(f"topic must be one of {', '.join(COMPLIANCE)}", "topic")
    body: Row = {"shop_id": shop.profile["id"], "shop_domain": shop.identity["shop"]}
    if topic != "shop/redact":
        customer = shop.get("Customer", sent.get("customer_id"))
        if customer is None:
            raise Problem("There is no such customer", "customer_id")
        bought = [each["id"] for each in shop.find("Order", "_customer", str(customer["id"]))]
        body["customer"] = {name: customer[name] for name in ("id", "email", "phone")}
        body["orders_requested" if topic.endswith("data_request") else "orders_to_redact"] = bought
        if topic.endswith("data_request"):
            body["data_request"] = {"id": shop.next_id("DataRequest")}
    hooks.tell(shop, topic, body)
    return body


def _uninstall(shop: Shop, _request: Request, _sent: Row) -> Row:
    """The merchant takes the app out: every token dies at once."""
    token = shop.ctx.tokens.newest(shop.account, "access")
    if token is not None:
        shop.ctx.tokens.revoke(token)
    hooks.tell(shop, "app/uninstalled", shop.profile)
    return {}
