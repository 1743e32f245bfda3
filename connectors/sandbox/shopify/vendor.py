"""Shopify as a sandbox vendor."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from graphql import FieldNode, GraphQLError, OperationDefinitionNode, parse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from connectors.sandbox.accounts import derive, derive_digits
from connectors.sandbox.context import SandboxContext, Vendor, plain_operation
from connectors.sandbox.errors import BadInputError
from connectors.sandbox.json_text import loads
from connectors.sandbox.oauth import ACCESS, REFRESH
from connectors.sandbox.shopify import hooks
from connectors.sandbox.shopify.access import STABLE, Access
from connectors.sandbox.shopify.buckets import POINTS, REQUESTS, Buckets
from connectors.sandbox.shopify.bulk_runner import BulkRunner
from connectors.sandbox.shopify.engine import Engine
from connectors.sandbox.shopify.graphql_api import GraphqlApi
from connectors.sandbox.shopify.oauth import (
    AUTHORIZE_PATH,
    EXPIRING_SECONDS,
    FOREVER_SECONDS,
    REFRESH_SECONDS,
    TOKEN_PATH,
    OAuth,
)
from connectors.sandbox.shopify.people import People
from connectors.sandbox.shopify.rest_api import RestApi
from connectors.sandbox.shopify.search import FIELDS
from connectors.sandbox.shopify.seed import seed
from connectors.sandbox.shopify.shop import Row, Shop, stamp

NAME = "shopify"
SETTINGS: dict[str, Any] = {"bulk_seconds": 0}
KINDS = (*FIELDS, "BulkOperation")
GRAPHQL = "/graphql.json"
TOKEN_PART = re.compile(r"/[0-9a-f]{32}(?=/|$)")
FOUND_BY = ("_product", "_item", "_location", "_customer", "_status", "email", "phone", "token")


def build(ctx: SandboxContext) -> Vendor:
    """The vendor, on this context."""
    for field in FOUND_BY:
        ctx.database.index(field)
    for field in ("created_at", "updated_at", "processed_at"):
        ctx.database.execute(
            f"CREATE INDEX IF NOT EXISTS shopify_by_{field} "
            f"ON objects(account, type, json_extract(body, '$.{field}') COLLATE NOCASE, id)"
        )
    ctx.limits.declare((POINTS, REQUESTS))

    def settled(account: str, hook: str, acknowledged: bool) -> None:
        hooks.settled(ctx, account, hook, acknowledged=acknowledged)

    ctx.webhooks.declare(hooks.sign, hooks.SCHEDULE, gives_up=True, unordered=True, settled=settled)
    return _Shopify(ctx).vendor()


class _Shopify:
    def __init__(self, ctx: SandboxContext) -> None:
        self._ctx = ctx
        self._access = Access(ctx)
        engine, buckets = Engine(), Buckets(ctx)
        self._bulk = BulkRunner(ctx, engine)
        self._graphql = GraphqlApi(self._access, engine, buckets, self._bulk.wake)
        self._rest = RestApi(self._access, buckets)

    def vendor(self) -> Vendor:
        ctx = self._ctx
        routes = [
            *OAuth(ctx).routes(),
            *self._graphql.routes(),
            *self._bulk.routes(),
            *People(ctx, self._access).routes(),
            *self._rest.routes(),
        ]
        return Vendor(
            app=Starlette(routes=routes, lifespan=self._lifespan),
            open_account=_identity,
            furnish=self._furnish,
            credentials=self._credentials,
            account_of=self._access.account_of,
            operation_of=_operation,
            throttled=self._throttled,
            records=self._records,
            seed=lambda account, size, number: seed(self._shop(account), size, Random(number)),  # noqa: S311 - repeatable
            settings=SETTINGS,
        )

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        self._bulk.wake()
        yield
        await self._bulk.aclose()

    def _shop(self, account: str) -> Shop:
        return Shop(self._ctx, account, STABLE, self._ctx.base_url)

    def _furnish(self, account: str) -> None:
        """A new shop sells in US dollars from two locations."""
        identity = self._ctx.accounts.get(account) or {}
        now = stamp(self._ctx.clock.now())
        domain = identity["shop"]
        profile: Row = {
            "__typename": "Shop",
            "id": int(derive_digits(NAME, account, "shop id", 11)),
            "name": identity["handle"],
            "email": f"owner@{identity['handle']}.example",
            "contact_email": f"owner@{identity['handle']}.example",
            "shop_owner": "Sandbox Owner",
            "shop_owner_name": "Sandbox Owner",
            "domain": domain,
            "myshopify_domain": domain,
            "url": f"https://{domain}",
            "primary_domain": {"host": domain, "url": f"https://{domain}"},
            "currency": "USD",
            "iana_timezone": "America/New_York",
            "timezone_offset": "-0500",
            "taxes_included": False,
            "plan_name": "basic",
            "plan": {
                "display_name": "Basic",
                "public_display_name": "Basic",
                "partner_development": False,
                "shopify_plus": False,
            },
            "created_at": now,
            "updated_at": now,
        }
        self._ctx.database.set_value(account, "shop", profile)
        shop = self._shop(account)
        for name, primary in (("Shop location", True), ("Warehouse", False)):
            shop.new(
                "Location",
                {
                    "name": name,
                    "is_active": True,
                    "active": True,
                    "is_primary": primary,
                    "fulfills_online_orders": True,
                },
            )

    def _credentials(self, account: str, url: str) -> dict[str, Any]:
        tokens = self._ctx.tokens
        identity = self._ctx.accounts.get(account) or {}
        refresh = tokens.newest(account, REFRESH)
        if refresh is None:
            refresh = tokens.issue(account, EXPIRING_SECONDS, REFRESH_SECONDS).refresh_token
            tokens.access(account, FOREVER_SECONDS)
        return {
            **identity,
            "access_token": tokens.newest(account, ACCESS) or tokens.access(account, FOREVER_SECONDS),
            "refresh_token": refresh,
            "token_url": f"{url}{TOKEN_PATH}",
            "authorize_url": f"{url}{AUTHORIZE_PATH}",
            "api_url": f"{url}/admin/api/{STABLE}",
            "api_version": STABLE,
        }

    def _throttled(self, request: Request) -> Response:
        if request.url.path.endswith(GRAPHQL):
            return self._graphql.throttled(self._access.account_of(request))
        return self._rest.throttled()

    def _records(self, account: str, name: str) -> list[dict[str, Any]]:
        if name not in KINDS:
            raise BadInputError(f"object: {name!r} is unknown; known: {', '.join(sorted(KINDS))}")
        return self._ctx.database.all(account, name)


def _identity(account: str) -> dict[str, Any]:
    handle = account.lower().replace("_", "-")
    if handle != account:
        handle = f"{handle}-{derive(NAME, account, 'handle', 6)}"
    secret = f"shpss_{derive(NAME, account, 'client secret', 32)}"
    return {
        "handle": handle,
        "shop": f"{handle}.myshopify.com",
        "client_id": derive(NAME, account, "client id", 32),
        "client_secret": secret,
        "webhook_secret": secret,
    }


def _operation(request: Request) -> str:
    """For GraphQL the fields that are asked for, as `query orders` or `mutation customerCreate`."""
    if request.url.path.startswith("/bulk-results/"):
        return "GET /bulk-results/*"
    if not request.url.path.endswith(GRAPHQL):
        return TOKEN_PART.sub("/*", plain_operation(request))
    try:
        [operation, *_] = [
            node
            for node in parse(str(loads(request.state.body)["query"])).definitions
            if isinstance(node, OperationDefinitionNode)
        ]
    except (GraphQLError, ValueError, TypeError, KeyError, AttributeError):
        return "graphql"
    fields = [node.name.value for node in operation.selection_set.selections if isinstance(node, FieldNode)]
    return f"{operation.operation.value} {' '.join(fields)}"
