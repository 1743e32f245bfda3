"""The shop front as far as carts need it: the Store API's cart and its draft order (`/wc/store/v1/`).

A cart lives under its `Cart-Token`. Once the checkout is opened WooCommerce keeps a `checkout-draft` order with what is
known of the buyer; placing the order makes that one pending or processing. A cart that is left behind is such a draft.
"""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sandbox.accounts import derive
from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import loads
from connectors.sandbox.woocommerce import hooks, orders
from connectors.sandbox.woocommerce.api import Api
from connectors.sandbox.woocommerce.errors import WooError
from connectors.sandbox.woocommerce.kinds import BILLING, ORDER, PRODUCT, SHIPPING, VARIATION
from connectors.sandbox.woocommerce.shop import Entity, Shop
from connectors.sandbox.woocommerce.values import PhpJson, amount

PREFIX = "/{site}/wp-json/wc/store/v1"
TOKEN = "cart-token"  # noqa: S105 - a header's name
VIA = "store-api"
Step = Callable[[Shop, Entity, dict[str, Any]], dict[str, Any]]


def routes(ctx: SandboxContext, api: Api) -> list[Route]:
    """Cart and checkout of every site; buyers need no key."""
    steps: list[tuple[str, str, Step]] = [
        ("GET", "/cart", lambda _shop, cart, _body: _shown(cart)),
        ("POST", "/cart/add-item", _add),
        ("POST", "/cart/update-customer", _update_customer),
        ("GET", "/checkout", _open),
        ("POST", "/checkout", _place),
    ]
    return [Route(f"{PREFIX}{path}", _endpoint(ctx, api, step), methods=[method]) for method, path, step in steps]


def _endpoint(ctx: SandboxContext, api: Api, step: Step) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        account = request.path_params["site"]
        if ctx.accounts.get(account) is None:
            return WooError("rest_no_route", "No route was found matching the URL and request method.", 404).response()
        shop, text = api.shop(account), await request.body()
        token = request.headers.get(TOKEN) or derive("woocommerce", account, str(ctx.random.getrandbits(64)), 40)
        key = f"cart/{token}"
        cart: Entity = ctx.database.value(account, key) or _empty()
        try:
            response = PhpJson(step(shop, cart, loads(text) if text else {}), headers={TOKEN: token})
        except WooError as error:
            return error.response()
        ctx.database.set_value(account, key, cart)
        hooks.publish(shop)
        return response

    return answer


def _empty() -> Entity:
    return {"items": [], "billing_address": dict(BILLING), "shipping_address": dict(SHIPPING), "order_id": 0}


def _shown(cart: Entity) -> Entity:
    return {name: cart[name] for name in ("items", "billing_address", "shipping_address")}


def _add(shop: Shop, cart: Entity, body: dict[str, Any]) -> Entity:
    product = shop.get(PRODUCT.name, body.get("id")) or shop.get(VARIATION.name, body.get("id"))
    if product is None:
        raise WooError("woocommerce_rest_cart_invalid_product", "This product cannot be added to the cart.")
    quantity = int(amount(body.get("quantity", 1)))
    cart["items"].append({"id": product["id"], "name": product["name"], "quantity": quantity, "sku": product["sku"]})
    return _shown(cart)


def _update_customer(shop: Shop, cart: Entity, body: dict[str, Any]) -> Entity:
    for name in ("billing_address", "shipping_address"):
        cart[name] |= {key: str(value) for key, value in body.get(name, {}).items() if key in cart[name]}
    if cart["order_id"]:
        _draft(shop, cart)
    return _shown(cart)


def _open(shop: Shop, cart: Entity, _body: dict[str, Any]) -> Entity:
    return _checkout(_draft(shop, cart))


def _place(shop: Shop, cart: Entity, body: dict[str, Any]) -> Entity:
    _update_customer(shop, cart, body)
    if not cart["billing_address"]["email"]:
        raise WooError("rest_invalid_param", "Invalid parameter(s): billing_address")
    draft = _draft(shop, cart)
    paid = body.get("payment_method", "bacs") not in {"bacs", "cheque"}
    status = {"set_paid": True} if paid else {"status": "on-hold"}
    placed = orders.change(shop, draft, {"payment_method": body.get("payment_method", "bacs"), **status})
    cart.update(_empty())
    return _checkout(placed)


def _draft(shop: Shop, cart: Entity) -> Entity:
    if not cart["items"]:
        raise WooError("woocommerce_rest_cart_empty", "Cannot create order from empty cart.")
    person = {"billing": cart["billing_address"], "shipping": cart["shipping_address"]}
    known = shop.get(ORDER.name, cart["order_id"])
    if known is not None:
        return orders.change(shop, known, person)
    lines = [{"product_id": item["id"], "quantity": item["quantity"]} for item in cart["items"]]
    draft = orders.create(shop, {**person, "line_items": lines, "status": orders.DRAFT}, via=VIA)
    hash_ = derive("woocommerce", shop.account, f"cart {draft['id']}")
    draft = shop.write(ORDER, {**draft, "cart_hash": hash_}, "")
    cart["order_id"] = draft["id"]
    return draft


def _checkout(order: Entity) -> Entity:
    return {name: order[name] for name in ("status", "order_key")} | {"order_id": order["id"]}
