"""WooCommerce as a sandbox vendor."""

from collections.abc import Mapping
from functools import partial
from random import Random
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from connectors.sandbox.accounts import derive
from connectors.sandbox.context import SandboxContext, Vendor, plain_operation
from connectors.sandbox.errors import BadInputError
from connectors.sandbox.woocommerce import auth, hooks, seed, store
from connectors.sandbox.woocommerce.api import Api
from connectors.sandbox.woocommerce.errors import WooError
from connectors.sandbox.woocommerce.kinds import KINDS
from connectors.sandbox.woocommerce.listing import index

NAME = "woocommerce"
SETTINGS: Mapping[str, Any] = {
    "calc_taxes": True,
    "currency": "USD",
    "key_permissions": "read_write",
    "time_zone": "UTC",
    "version": "11.1.0",
}
INDEXED = ("date_created_gmt", "_parent", "sku", "email", "username", "code")


def build(ctx: SandboxContext) -> Vendor:
    """The vendor, on this context."""
    for field in INDEXED:
        ctx.database.index(field)
    index(ctx)
    ctx.webhooks.declare(hooks.sign, (), gives_up=True, success=hooks.SUCCESS, settled=partial(_settled, ctx))
    return _WooCommerce(ctx).vendor()


class _WooCommerce:
    def __init__(self, ctx: SandboxContext) -> None:
        self._ctx = ctx
        self._api = Api(ctx, SETTINGS)

    def vendor(self) -> Vendor:
        return Vendor(
            app=Starlette(routes=[*store.routes(self._ctx, self._api), *self._api.routes()]),
            open_account=self._identity,
            furnish=lambda _account: None,
            credentials=self._credentials,
            account_of=self._account_of,
            operation_of=_operation,
            throttled=_throttled,
            records=self._records,
            seed=self._seed,
            settings=SETTINGS,
        )

    def _identity(self, account: str) -> dict[str, Any]:
        return {
            "store": f"{self._ctx.host}:{self._ctx.port}/{account}",
            "client_id": f"ck_{derive(NAME, account, 'consumer key', 40)}",
            "client_secret": f"cs_{derive(NAME, account, 'consumer secret', 40)}",
            "webhook_secret": derive(NAME, account, "webhook secret", 50),
        }

    def _credentials(self, account: str, url: str) -> dict[str, Any]:
        identity = self._ctx.accounts.get(account) or {}
        return {
            **identity,
            "consumer_key": identity["client_id"],
            "consumer_secret": identity["client_secret"],
            "site_url": f"{url}/{account}",
            "token_url": "",
        }

    def _account_of(self, request: Request) -> str | None:
        query = auth.query_of(request)
        key = query.get("oauth_consumer_key") or query.get("consumer_key")
        key = key or auth.basic(request.headers.get("authorization", ""))[0]
        site = request.url.path.split("/")[1]
        found = self._ctx.accounts.find("client_id", key) if key else None
        return found or (site if self._ctx.accounts.get(site) else None)

    def _records(self, account: str, name: str) -> list[dict[str, Any]]:
        if name not in KINDS:
            raise BadInputError(f"object: {name!r} is unknown; known: {', '.join(sorted(KINDS))}")
        shop = self._api.shop(account)
        return [shop.shown(KINDS[name], row) for row in self._ctx.database.all(account, name)]

    def _seed(self, account: str, size: int, number: int) -> dict[str, int]:
        return seed.seed(self._api.shop(account), size, Random(number))  # noqa: S311 - repeatable on purpose


def _settled(ctx: SandboxContext, account: str, hook: str, acknowledged: bool) -> None:
    if hook.startswith(hooks.PING):
        ctx.webhooks.subscribe(account, None, hook)
    elif hook:
        hooks.settled(ctx, account, hook, acknowledged)


def _throttled(_request: Request) -> Response:
    """WooCommerce has no limit of its own; hosts in front of it do."""
    answer = WooError("too_many_requests", "Too many requests.", 429).response()
    answer.headers["retry-after"] = "2"
    return answer


def _operation(request: Request) -> str:
    return plain_operation(request).replace("/wp-json/wc/v3", "")
