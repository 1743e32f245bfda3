"""QuickBooks Online as a sandbox vendor."""

import re
from random import Random
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from connectors.sandbox.accounts import derive, derive_digits
from connectors.sandbox.context import SandboxContext, Vendor, plain_operation
from connectors.sandbox.errors import BadInputError
from connectors.sandbox.oauth import ACCESS, REFRESH
from connectors.sandbox.quickbooks import fault, furnish, notices, seed
from connectors.sandbox.quickbooks.api import LIMITS, Api
from connectors.sandbox.quickbooks.company import Company
from connectors.sandbox.quickbooks.kinds import BY_PATH, KINDS
from connectors.sandbox.quickbooks.oauth import DISCOVERY, REFRESH_SECONDS, TOKEN_PATH, OAuth

NAME = "quickbooks"
SETTINGS: dict[str, Any] = {
    "access_token_seconds": 3600,
    "book_close_date": "",
    "clock_skew_seconds": 0,
    "consent": "approve",
    "custom_txn_numbers": False,
    "multi_currency": False,
    "payment_bumps_invoice": True,
    "requestid_answer": "replay",
    "rotate_refresh_token": True,
    "shuffle_batch_answers": False,
    "warn_duplicate_doc_number": True,
    "webhook_format": "cloudevents",
    "xml_faults": False,
}
PATH = re.compile(r"/v3/company/(?P<realm>[^/]+)/(?P<entity>[^/]+)(?P<rest>/.*)?")


def build(ctx: SandboxContext) -> Vendor:
    """The vendor, on this context."""
    for field in ("DisplayName", "Name", "DocNumber", "CustomerRef.value", "Code"):
        ctx.database.index(field)
    ctx.limits.declare(LIMITS)
    ctx.webhooks.declare(notices.sign, notices.SCHEDULE)
    return _Quickbooks(ctx).vendor()


class _Quickbooks:
    def __init__(self, ctx: SandboxContext) -> None:
        self._ctx = ctx
        self._api = Api(ctx, SETTINGS)

    def vendor(self) -> Vendor:
        routes = [*OAuth(self._ctx, SETTINGS).routes(), *self._api.routes()]
        return Vendor(
            app=Starlette(routes=routes),
            open_account=_identity,
            furnish=lambda account: furnish.furnish(self._api.company(account)),
            credentials=self._credentials,
            account_of=self._account_of,
            operation_of=_operation,
            throttled=self._throttled,
            records=self._records,
            seed=self._seed,
            settings=SETTINGS,
        )

    def _credentials(self, account: str, url: str) -> dict[str, Any]:
        tokens = self._ctx.tokens
        refresh = tokens.newest(account, REFRESH)
        if refresh is None:
            refresh = tokens.issue(account, SETTINGS["access_token_seconds"], REFRESH_SECONDS).refresh_token
        lifetime = self._ctx.setting(account, "access_token_seconds", SETTINGS["access_token_seconds"])
        return {
            **(self._ctx.accounts.get(account) or {}),
            "access_token": tokens.newest(account, ACCESS) or tokens.access(account, lifetime),
            "refresh_token": refresh,
            "token_url": f"{url}{TOKEN_PATH}",
            "discovery_url": f"{url}/.well-known/{DISCOVERY[1]}",
            "api_url": f"{url}/v3",
        }

    def _account_of(self, request: Request) -> str | None:
        found = PATH.fullmatch(request.url.path)
        if found:
            return self._ctx.accounts.find("realm", found["realm"])
        authorization = request.headers.get("authorization")
        if authorization and authorization.lower().startswith("bearer "):
            return self._ctx.tokens.owner(authorization[7:].strip())
        return self._ctx.tokens.client(authorization, {})

    def _throttled(self, request: Request) -> Response:
        account = self._account_of(request)
        xml = account is not None and self._ctx.setting(account, "xml_faults", SETTINGS["xml_faults"])
        return fault.throttled(self._ctx.clock.now(), xml=bool(xml))

    def _records(self, account: str, name: str) -> list[dict[str, Any]]:
        if name not in KINDS:
            raise BadInputError(f"object: {name!r} is unknown; known: {', '.join(sorted(KINDS))}")
        return self._ctx.database.all(account, name)

    def _seed(self, account: str, size: int, number: int) -> dict[str, int]:
        company: Company = self._api.company(account)
        return seed.seed(company, size, Random(number))  # noqa: S311 - repeatable on purpose


def _identity(account: str) -> dict[str, Any]:
    return {
        "realm": derive_digits(NAME, account, "realm", 16),
        "client_id": f"AB{derive(NAME, account, 'client id', 48)}",
        "client_secret": derive(NAME, account, "client secret", 40),
        "webhook_secret": derive(NAME, account, "verifier token", 36),
    }


def _operation(request: Request) -> str:
    found = PATH.fullmatch(request.url.path)
    if found is None:
        return plain_operation(request)
    kind = BY_PATH.get(found["entity"].lower())
    if kind is None:
        return found["entity"].lower()
    if request.method == "GET":
        return f"{'pdf' if found['rest'] and found['rest'].endswith('/pdf') else 'read'} {kind.name}"
    operation, include = request.query_params.get("operation"), request.query_params.get("include", "")
    if found["rest"]:
        return f"send {kind.name}"
    if "void" in include:
        return f"void {kind.name}"
    return f"{operation or 'write'} {kind.name}"
