"""Stripe as a sandbox vendor."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from connectors.sandbox.accounts import derive
from connectors.sandbox.context import SandboxContext, Vendor
from connectors.sandbox.errors import BadInputError
from connectors.sandbox.stripe import hooks, seed
from connectors.sandbox.stripe.api import LIMITS, Api, basic_user
from connectors.sandbox.stripe.calls import COLLECTIONS, shown
from connectors.sandbox.stripe.errors import rate_limited
from connectors.sandbox.stripe.ledger import PREFIXES

NAME = "stripe"
VERSION = "2026-10-28.endive"
SETTINGS: Mapping[str, Any] = {"forgotten_event": "", "seed_bills": True}
"""Id of the event up to which all are gone, as if thirty days had passed; whether a seed's customers are billed."""
INDEXED = ("customer", "product", "invoice", "email", "test_clock")


def build(ctx: SandboxContext) -> Vendor:
    """The vendor, on this context."""
    for field in INDEXED:
        ctx.database.index(field)
    ctx.limits.declare(LIMITS)
    ctx.webhooks.declare(
        lambda body, secret: hooks.sign(body, secret, ctx.clock), hooks.SCHEDULE, gives_up=True, unordered=True
    )
    return _Stripe(ctx).vendor()


class _Stripe:
    def __init__(self, ctx: SandboxContext) -> None:
        self._ctx = ctx
        self._api = Api(ctx, VERSION)

    def vendor(self) -> Vendor:
        return Vendor(
            app=Starlette(routes=self._api.routes(), lifespan=self._lifespan),
            open_account=_identity,
            furnish=lambda _account: None,
            credentials=self._credentials,
            account_of=self._account_of,
            operation_of=_operation,
            throttled=_throttled,
            records=self._records,
            seed=self._seed,
            settings=SETTINGS,
        )

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        yield
        await self._api.aclose()

    def _credentials(self, account: str, _url: str) -> dict[str, Any]:
        identity: Mapping[str, Any] = self._ctx.accounts.get(account) or {}
        return {**identity, "api_key": identity["client_secret"], "api_version": VERSION, "token_url": ""}

    def _account_of(self, request: Request) -> str | None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        key = given.strip() if scheme.lower() == "bearer" else basic_user(given)
        return self._ctx.accounts.find("client_secret", key) if key else None

    def _records(self, account: str, name: str) -> list[dict[str, Any]]:
        if name not in COLLECTIONS.values():
            raise BadInputError(f"object: {name!r} is unknown; known: {', '.join(sorted(COLLECTIONS.values()))}")
        return [shown(row) for row in self._ctx.database.all(account, name)]

    def _seed(self, account: str, size: int, number: int) -> dict[str, int]:
        # Ids as well come from the seed.
        ledger = self._api.ledger(account, Random(number))  # noqa: S311 - repeatable on purpose
        bills = bool(self._ctx.setting(account, "seed_bills", True))
        return seed.seed(ledger, size, Random(number), bills=bills)  # noqa: S311 - as above


def _identity(account: str) -> dict[str, Any]:
    return {
        "account_id": f"acct_{derive(NAME, account, 'account', 16)}",
        "client_id": f"ca_{derive(NAME, account, 'client', 32)}",
        "client_secret": f"sk_test_{derive(NAME, account, 'key', 48)}",
        "webhook_secret": f"whsec_{derive(NAME, account, 'webhook', 32)}",
    }


def _throttled(_request: Request) -> Response:
    return rate_limited()


def _operation(request: Request) -> str:
    """Method and path, ids left out."""
    parts = request.url.path.removeprefix("/v1/").split("/")
    prefixes = tuple(PREFIXES.values())
    return f"{request.method} {'/'.join('*' if part.startswith(prefixes) else part for part in parts)}"
