"""The fake Account Engagement API as the sandbox framework serves it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sandbox.accounts import derive, derive_digits
from connectors.sandbox.context import SandboxContext, Vendor, plain_operation
from connectors.sandbox.json_text import Json
from connectors.sandbox.limits import Limit
from connectors.sandbox.oauth import REFRESH, InvalidTokenError
from connectors.sandbox.pardot import (
    bulk,
    errors,
    exports,
    external,
    imports,
    jobs,
    oauth,
    resources,
    seed,
    sync,
    tracking,
    writes,
)
from connectors.sandbox.pardot.call import Call, read_call
from connectors.sandbox.pardot.errors import PardotError
from connectors.sandbox.pardot.store import Store
from connectors.sandbox.pardot.unit import SETTINGS, Unit, target_named

_API = "/api/v5"
# Growth edition ("API rate limits"); the admin's limit is this day's calls, not a rolling window.
_DAILY = Limit("DailyApiCalls", 25_000, 86_400.0)
_UNIT_ID = re.compile(r"0Uv[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?")
_SHORT = 15

Answer: TypeAlias = Callable[[Unit, Call], Response]


def build(ctx: SandboxContext) -> Vendor:
    """Make the vendor `pardot`."""
    return _Pardot(ctx).vendor()


@dataclass(slots=True)
class _Day:
    """Calls since midnight in the account's zone."""

    day: date
    calls: int = 0


class _Pardot:
    def __init__(self, ctx: SandboxContext) -> None:
        ctx.limits.declare([_DAILY])
        self._ctx = ctx
        self._store = Store(ctx)
        self._days: dict[str, _Day] = {}

    def vendor(self) -> Vendor:
        families: dict[str, Answer] = {
            f"{_API}/objects/account": self._account,
            f"{_API}/objects/{{path:path}}": resources.answer,
            f"{_API}/exports": exports.answer,
            f"{_API}/exports/{{path:path}}": exports.answer,
            f"{_API}/imports": imports.answer,
            f"{_API}/imports/{{path:path}}": imports.answer,
            f"{_API}/bulk-actions": bulk.answer,
            f"{_API}/bulk-actions/{{path:path}}": bulk.answer,
            f"{_API}/external-activities": external.answer,
            f"{_API}/external-activities/{{path:path}}": external.answer,
            # What no call of the real API does.
            "/sandbox/salesforce-sync": sync.answer,
            "/sandbox/{path}": _track,
            "/{path:path}": _nowhere,
        }
        every = ["GET", "POST", "PATCH", "PUT", "DELETE"]
        return Vendor(
            app=Starlette(
                routes=[
                    Route("/services/oauth2/authorize", self._authorize, methods=["GET"]),
                    Route("/services/oauth2/token", self._token, methods=["POST"]),
                    *(Route(path, self._served(answer), methods=every) for path, answer in families.items()),
                ]
            ),
            open_account=_identity,
            furnish=self._furnish,
            credentials=self._credentials,
            account_of=self._owner,
            operation_of=plain_operation,
            throttled=lambda _request: _refused(PardotError(errors.CONCURRENCY, "Concurrent request limit exceeded.")),
            records=lambda account, name: list(self._store.table(account, name).rows.values()),
            seed=lambda account, size, number: seed.samples(self._unit(account), size, number),
            settings=SETTINGS,
            concurrency=self._concurrency,
        )

    def _unit(self, account: str) -> Unit:
        return Unit(self._ctx, self._store, account)

    def _concurrency(self, request: Request, account: str) -> int | None:
        if not request.url.path.startswith(_API):
            return None
        return int(self._ctx.setting(account, "concurrent_calls", SETTINGS["concurrent_calls"]))

    def _furnish(self, account: str) -> None:
        self._store.forget(account)
        self._days.pop(account, None)
        seed.furnish(self._unit(account))

    def _owner(self, request: Request) -> str | None:
        authorization = request.headers.get("authorization")
        owner = self._ctx.tokens.owner((authorization or "").partition(" ")[2].strip())
        return owner or self._ctx.tokens.client(authorization, {})

    def _credentials(self, account: str, url: str) -> dict[str, Any]:
        """What a client needs; the refresh token is one that a user's approval in a browser would have given."""
        refresh = self._ctx.tokens.newest(account, REFRESH)
        if refresh is None:
            refresh = self._ctx.tokens.issue(account, 0, oauth.REFRESH_SECONDS).refresh_token
        seconds = self._ctx.setting(account, "session_seconds", SETTINGS["session_seconds"])
        return {
            **(self._ctx.accounts.get(account) or {}),
            "token_url": f"{url}/services/oauth2/token",
            "refresh_token": refresh,
            "access_token": self._ctx.tokens.access(account, seconds),
        }

    async def _authorize(self, request: Request) -> Response:
        return await oauth.authorize(self._ctx, request)

    async def _token(self, request: Request) -> Response:
        return await oauth.token(self._ctx, request)

    def _served(self, answer: Answer) -> Callable[[Request], Any]:
        """One call: token, business unit, daily limit, then its answer."""

        async def endpoint(request: Request) -> Response:
            headers: dict[str, str] = {}
            account, settled = "", False
            try:
                account = self._authorised(request)
                headers = self._spend(account, request)
                unit = self._unit(account)
                settled = jobs.settle(unit)
                response = answer(unit, await read_call(request))
            except PardotError as error:
                response = _refused(error)
                if settled:  # the refusal takes back what the jobs wrote; the next call does it again
                    self._store.forget(account)
            response.headers.update(headers)
            return response

        return endpoint

    def _authorised(self, request: Request) -> str:
        try:
            account = self._ctx.tokens.bearer(request.headers.get("authorization"))
        except InvalidTokenError:
            raise PardotError(errors.BAD_TOKEN, "access_token is invalid, unknown, or malformed") from None
        unit = request.headers.get("pardot-business-unit-id")
        if unit is None:
            raise PardotError(errors.NO_UNIT, "Pardot-Business-Unit-Id header is required.")
        if not _UNIT_ID.fullmatch(unit):
            raise PardotError(errors.BAD_UNIT, "Pardot-Business-Unit-Id header value is malformed.")
        if unit[:_SHORT] != _identity(account)["business_unit_id"][:_SHORT]:
            raise PardotError(errors.UNKNOWN_UNIT, "Business Unit not found or inactive.")
        if not self._ctx.setting(account, "api_enabled", SETTINGS["api_enabled"]):
            raise PardotError(errors.API_OFF, "API access is disabled for this account.")
        return account

    def _spend(self, account: str, request: Request) -> dict[str, str]:
        zone = ZoneInfo(self._ctx.setting(account, "time_zone", SETTINGS["time_zone"]))
        today = self._ctx.clock.now().astimezone(zone).date()
        spent = self._days.get(account)
        if spent is None or spent.day != today:
            spent = self._days[account] = _Day(today)
        most = self._most(account)
        if spent.calls >= most:
            self._ctx.meter.over(account, _DAILY.name)
            raise PardotError(errors.DAILY_LIMIT, "Daily API rate limit met.")
        spent.calls += 1
        return {"x-api-usage": f"{spent.calls}/{most}"} if request.headers.get("x-return-api-usage") == "1" else {}

    def _most(self, account: str) -> int:
        return int(self._ctx.limits.as_json(account)[_DAILY.name]["calls"])

    def _account(self, unit: Unit, call: Call) -> Response:
        if call.method != "GET":
            raise writes.method_refused()
        known = {
            **dict.fromkeys(("website", "addressOne", "addressTwo", "city", "state", "zip", "territory", "country")),
            **dict.fromkeys(("phone", "fax", "createdAt", "updatedAt", "createdById", "updatedById")),
            "id": 1,
            "company": f"Sluiceway sandbox {unit.account}",
            "level": "Growth",
            "adminId": 1,
            "pluginCampaignId": 1,
            "maximumDailyApiCalls": self._most(unit.account),
            "apiCallsUsed": self._days[unit.account].calls,
        }
        names = [name.strip() for name in call.params.get("fields", "").split(",") if name.strip()]
        if not names:
            raise PardotError(errors.MISSING, "fields: this parameter is required")
        for name in names:
            if name not in known:
                raise PardotError(errors.UNKNOWN_PROPERTY, f"fields: invalid property {name} of account")
        return Json({name: known[name] for name in names})


def _identity(account: str) -> dict[str, Any]:
    # The suffix is the case checksum of an id that is digits after "0Uv" (salesforce ids).
    return {
        "client_id": f"3MVG9{derive('pardot', account, 'client', 60)}",
        "client_secret": derive("pardot", account, "secret", 64).upper(),
        "business_unit_id": f"0Uv{derive_digits('pardot', account, 'unit', 12)}CAA",
    }


def _track(unit: Unit, call: Call) -> Response:
    target = target_named(call.steps[0])
    made = tracking.record(unit, target, call.body)
    return Json(unit.shapes.show(target, made, unit.shapes.parse(target, list(target.fields))), status_code=201)


def _nowhere(_unit: Unit, _call: Call) -> Response:
    raise PardotError(errors.NO_ENDPOINT, "Endpoint not found")


def _refused(error: PardotError) -> Response:
    return Json(error.body(), status_code=error.status, headers=error.headers)
