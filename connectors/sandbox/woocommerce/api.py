"""`/wp-json/wc/v3/`: who calls, what is asked, and the answer with its headers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import loads
from connectors.sandbox.woocommerce import auth, hooks
from connectors.sandbox.woocommerce.batch import run_batch
from connectors.sandbox.woocommerce.errors import WooError, no_route
from connectors.sandbox.woocommerce.kinds import KINDS, PRODUCT, REFUND, VARIATION, Kind
from connectors.sandbox.woocommerce.listing import listed
from connectors.sandbox.woocommerce.resources import RESOURCES, Resource
from connectors.sandbox.woocommerce.shop import Entity, Shop
from connectors.sandbox.woocommerce.values import PhpJson

PREFIX = "/wp-json/wc/v3"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
UNNAMED = {
    "GET": ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
    "POST": ("woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources."),
    "PUT": ("woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."),
    "DELETE": ("woocommerce_rest_cannot_delete", "Sorry, you are not allowed to delete this resource."),
}
EVERYWHERE: Mapping[str, Kind] = {"refunds": REFUND, "variations": VARIATION}
"""Lists over all owners, read only (WooCommerce 9.0 and 10.3)."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request once it is known who asks: `target` is resource, object id and owner."""

    shop: Shop
    request: Request
    query: Mapping[str, str]
    body: Any

    @property
    def force(self) -> bool:
        """Whether a delete is for good."""
        sent = self.body.get("force") if isinstance(self.body, dict) else None
        return str(sent if sent is not None else self.query.get("force", "")).lower() in {"1", "true"}


Handler = Callable[[Call], Response]


class Api:
    """The REST endpoints of one sandbox."""

    def __init__(self, ctx: SandboxContext, settings: Mapping[str, Any]) -> None:
        self._ctx = ctx
        self._defaults = settings

    def routes(self) -> list[Route]:
        """Every resource at the site's root and below a site's own path, as WordPress allows both."""
        routes = []
        for site in ("", "/{site}"):
            base = f"{site}{PREFIX}"
            for path, resource in RESOURCES.items():
                route = f"{base}/{path.replace('{parent}', '{parent:int}')}"
                if resource.batch:
                    routes.append(Route(f"{route}/batch", self.endpoint(_batch(resource)), methods=["POST", "PUT"]))
                routes.append(Route(route, self.endpoint(_collection(resource)), methods=METHODS))
                routes.append(Route(f"{route}/{{id:int}}", self.endpoint(_single(resource)), methods=METHODS))
            for path, kind in EVERYWHERE.items():
                routes.append(Route(f"{base}/{path}", self.endpoint(_list_all(kind)), methods=["GET"]))
            routes.append(Route(f"{base}", self.endpoint(_index), methods=["GET"]))
        routes.append(Route("/{rest:path}", _unknown, methods=METHODS))
        return routes

    def shop(self, account: str) -> Shop:
        """An account's shop, with its switches as they stand."""
        stored: dict[str, Any] = self._ctx.database.value(account, "settings") or {}
        return Shop(self._ctx, account, {**self._defaults, **stored})

    def endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Wrap a handler: key, body, error envelope, webhooks."""

        async def answer(request: Request) -> Response:
            try:
                shop = self.shop(await self._caller(request))
                call = Call(shop, request, auth.query_of(request), await _body(request))
                response = handler(call)
            except WooError as error:
                return error.response()
            hooks.publish(shop)
            return response

        return answer

    async def _caller(self, request: Request) -> str:
        account = await auth.account_of(self._ctx, request)
        if account is None:
            code, message = UNNAMED.get(request.method, UNNAMED["GET"])
            raise WooError(code, message, 401)
        auth.permitted(self._ctx, account, request.method)
        return account


async def _body(request: Request) -> Any:
    text = await request.body()
    if not text or request.headers.get("content-type", "").startswith(auth.FORM):
        return {}
    try:
        return loads(text)
    except ValueError:
        raise WooError("rest_invalid_json", "Invalid JSON body passed.") from None


async def _unknown(_request: Request) -> Response:
    return no_route().response()


def _index(_call: Call) -> Response:
    return PhpJson({"namespace": "wc/v3", "routes": {f"/wc/v3/{path}": {} for path in RESOURCES}})


def _collection(resource: Resource) -> Handler:
    def handle(call: Call) -> Response:
        owner = _owner(call, resource.kind)
        if call.request.method == "GET":
            return _page(call, resource.kind, owner["id"] if owner else None)
        if call.request.method != "POST":
            raise no_route()
        if isinstance(call.body, dict) and call.body.get("id"):
            code = f"woocommerce_rest_{resource.kind.code or resource.kind.name}_exists"
            raise WooError(code, f"Cannot create existing {resource.kind.code or resource.kind.name}.")
        made = call.shop.shown(resource.kind, resource.create(call.shop, owner, call.body))
        return PhpJson(made, status_code=201, headers={"Location": made["_links"]["self"][0]["href"]})

    return handle


def _single(resource: Resource) -> Handler:
    def handle(call: Call) -> Response:
        owner, kind, method = _owner(call, resource.kind), resource.kind, call.request.method
        changes = method in {"PUT", "POST", "PATCH"}
        id_ = call.request.path_params["id"]
        if kind is PRODUCT and method == "GET" and (variation := call.shop.get(VARIATION.name, id_)) is not None:
            return PhpJson(_fields(call, call.shop.shown(VARIATION, variation)))
        entity = call.shop.require(kind, id_, status=400 if changes else 404)
        if owner is not None and entity["_parent"] != str(owner["id"]):
            raise WooError(f"woocommerce_rest_{kind.code or kind.name}_invalid_id", "Invalid ID.", 404)
        if method == "GET":
            return PhpJson(_fields(call, call.shop.shown(kind, entity)))
        if changes:
            if resource.change is None:
                raise no_route()
            return PhpJson(call.shop.shown(kind, resource.change(call.shop, entity, call.body)))
        if method != "DELETE":
            raise no_route()
        return PhpJson(call.shop.shown(kind, resource.delete(call.shop, entity, force=call.force)))

    return handle


def _batch(resource: Resource) -> Handler:
    def handle(call: Call) -> Response:
        return PhpJson(run_batch(call.shop, resource, _owner(call, resource.kind), call.body))

    return handle


def _list_all(kind: Kind) -> Handler:
    return lambda call: _page(call, kind, None)


def _page(call: Call, kind: Kind, parent: int | None) -> Response:
    address = str(call.request.url.replace(query=""))
    page = listed(call.shop, kind, call.query, parent=parent, url=address)
    rows = [_fields(call, {**call.shop.shown(kind, row), **_named(kind, parent, row)}) for row in page.rows]
    return PhpJson(rows, headers=dict(page.headers))


def _named(kind: Kind, parent: int | None, row: Entity) -> Entity:
    """Where the list is not below the owner, the row names it."""
    return {"parent_id": int(row["_parent"])} if kind.parent and parent is None else {}


def _owner(call: Call, kind: Kind) -> Entity | None:
    """The object in whose path the resource stands."""
    if not kind.parent:
        return None
    owner = call.shop.get(kind.parent, call.request.path_params["parent"])
    if owner is None:
        what = KINDS[kind.parent].name
        raise WooError(f"woocommerce_rest_invalid_{what}_id", f"Invalid {what} ID.", 404)
    return owner


def _fields(call: Call, entity: Entity) -> Entity:
    """Only the fields `_fields` names, if it does."""
    named = {name.strip().partition(".")[0] for name in call.query.get("_fields", "").split(",") if name.strip()}
    return {name: value for name, value in entity.items() if name in named} if named else entity
