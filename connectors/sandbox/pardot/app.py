"""The fake Account Engagement API as the sandbox framework serves it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sandbox.accounts import derive, derive_digits
from connectors.sandbox.context import SandboxContext, Vendor, plain_operation
from connectors.sandbox.json_text import Json, loads
from connectors.sandbox.limits import Limit
from connectors.sandbox.oauth import REFRESH, InvalidTokenError
from connectors.sandbox.pardot import errors, oauth, prospects, queries, seed, writes
from connectors.sandbox.pardot.errors import PardotError
from connectors.sandbox.pardot.objects import ACTIVITIES, PROSPECTS, Object
from connectors.sandbox.pardot.store import Store
from connectors.sandbox.pardot.unit import SETTINGS, Unit, target_named

_BASE = "/api/v5/objects"
# Growth edition ("API rate limits"); the admin's limit is this day's calls, not a rolling window.
_DAILY = Limit("DailyApiCalls", 25_000, 86_400.0)
_UNIT_ID = re.compile(r"0Uv[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?")
_SHORT = 15
_WALL = "203;Record count for nextPageToken sequence has been exceeded. No page token returned."


def build(ctx: SandboxContext) -> Vendor:
    """Make the vendor `pardot`."""
    return _Pardot(ctx).vendor()


@dataclass(slots=True)
class _Day:
    """Calls since midnight in the account's zone."""

    day: date
    calls: int = 0


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    steps: tuple[str, ...]
    params: Mapping[str, str]
    body: dict[str, Any]
    address: str


class _Pardot:
    def __init__(self, ctx: SandboxContext) -> None:
        ctx.limits.declare([_DAILY])
        self._ctx = ctx
        self._store = Store(ctx)
        self._days: dict[str, _Day] = {}

    def vendor(self) -> Vendor:
        every = ["GET", "POST", "PATCH", "PUT", "DELETE"]
        return Vendor(
            app=Starlette(
                routes=[
                    Route("/services/oauth2/token", self._token, methods=["POST"]),
                    Route(f"{_BASE}/{{path:path}}", self._objects, methods=every),
                    # No call of the real API makes an activity; visitors do.
                    Route("/sandbox/visitor-activities", self._tracked, methods=["POST"]),
                ]
            ),
            open_account=_identity,
            furnish=self._furnish,
            credentials=self._credentials,
            account_of=self._owner,
            operation_of=plain_operation,
            throttled=lambda _request: _refused(PardotError(errors.CONCURRENCY, "Concurrent request limit exceeded.")),
            records=lambda account, name: list(self._store.table(account, name).values()),
            seed=lambda account, size, number: seed.samples(self._unit(account), size, number),
            settings=SETTINGS,
        )

    def _unit(self, account: str) -> Unit:
        return Unit(self._ctx, self._store, account)

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

    async def _token(self, request: Request) -> Response:
        return await oauth.token(self._ctx, request)

    async def _objects(self, request: Request) -> Response:
        return await self._serve(request, self._answer)

    async def _tracked(self, request: Request) -> Response:
        return await self._serve(request, _track)

    async def _serve(self, request: Request, answer: Callable[[Unit, _Call], Response]) -> Response:
        """One call: token, business unit, daily limit, then its answer."""
        headers: dict[str, str] = {}
        try:
            account = self._authorised(request)
            headers = self._spend(account, request)
            response = answer(self._unit(account), await _call(request))
        except PardotError as error:
            response = _refused(error)
        response.headers.update(headers)
        return response

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

    def _answer(self, unit: Unit, call: _Call) -> Response:
        if call.steps == ("account",):
            return self._account(unit, call)
        target = target_named(call.steps[0] if call.steps else "")
        rest = call.steps[1:]
        if not rest:
            return self._collection(unit, target, call)
        if rest[0] == "do":
            return _action(unit, target, rest[1:], call)
        if len(rest) == 1 and rest[0].isdigit():
            return _record(unit, target, int(rest[0]), call)
        raise errors.not_found()

    def _account(self, unit: Unit, call: _Call) -> Response:
        if call.method != "GET":
            raise writes.method_refused()
        known = {
            "id": 1,
            "company": f"Sluiceway sandbox {unit.account}",
            "level": "Growth",
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

    def _collection(self, unit: Unit, target: Object, call: _Call) -> Response:
        if call.method == "POST":
            return _create(unit, target, call)
        if call.method != "GET":
            raise writes.method_refused()
        return self._query(unit, target, call)

    def _query(self, unit: Unit, target: Object, call: _Call) -> Response:
        paths = unit.shapes.parse(target, call.params.get("fields"))
        kinds, now = unit.kinds(target), self._ctx.clock.now()
        query = queries.parse(target, kinds, call.params, now)
        rows = self._store.visible(unit.account, target.name, unit.lag)
        page = queries.page(target, kinds, rows, query, now, unit.setting("page_chain_records"))
        following = None
        if page.token is not None:
            named = urlencode({"fields": call.params["fields"], "nextPageToken": page.token}, safe=",")
            following = f"{call.address}{_BASE}/{target.name}?{named}"
        values = [unit.shapes.show(target, row, paths) for row in page.records]
        return Json(
            {"nextPageToken": page.token, "nextPageUrl": following, "values": values},
            headers={"Pardot-Warning": _WALL} if page.walled else {},
        )


def _identity(account: str) -> dict[str, Any]:
    # The suffix is the case checksum of an id that is digits after "0Uv" (salesforce ids).
    return {
        "client_id": f"3MVG9{derive('pardot', account, 'client', 60)}",
        "client_secret": derive("pardot", account, "secret", 64).upper(),
        "business_unit_id": f"0Uv{derive_digits('pardot', account, 'unit', 12)}CAA",
    }


def _record(unit: Unit, target: Object, record_id: int, call: _Call) -> Response:
    if call.method == "GET":
        paths = unit.shapes.parse(target, call.params.get("fields"))
        return Json(unit.shapes.show(target, unit.read(target, record_id), paths))
    if call.method == "DELETE":
        writes.delete(unit, target, record_id)
        return Response(status_code=204)
    if call.method != "PATCH":
        raise writes.method_refused()
    listed = call.params.get("fields")
    paths = unit.shapes.parse(target, listed) if listed else []
    changed = writes.update(unit, target, record_id, call.body)
    return Json(unit.shapes.show(target, changed, paths)) if paths else Response(status_code=204)


def _action(unit: Unit, target: Object, steps: tuple[str, ...], call: _Call) -> Response:
    if call.method != "POST":
        raise writes.method_refused()
    paths = unit.shapes.parse(target, call.body.get("fields", ["id"]))
    if target is PROSPECTS and steps == ("upsertLatestByEmail",):
        record, made = prospects.upsert_latest_by_email(unit, call.body)
        return Json(unit.shapes.show(target, record, paths), status_code=201 if made else 200)
    if target is PROSPECTS and steps == ("undelete",):
        return Json(unit.shapes.show(target, prospects.undelete(unit, call.body), paths))
    raise PardotError(errors.UNKNOWN_ACTION, f"{'/'.join(steps)}: unknown record action of {target.name}")


def _create(unit: Unit, target: Object, call: _Call) -> Response:
    paths = unit.shapes.parse(target, call.params.get("fields", "id"))
    made = writes.create(unit, target, call.body)
    place = f"{call.address}{_BASE}/{target.name}/{made['id']}"
    return Json(unit.shapes.show(target, made, paths), status_code=201, headers={"Location": place})


def _track(unit: Unit, call: _Call) -> Response:
    paths = unit.shapes.parse(ACTIVITIES, ACTIVITIES.fields)
    return Json(unit.shapes.show(ACTIVITIES, writes.track(unit, call.body), paths), status_code=201)


async def _call(request: Request) -> _Call:
    body = await request.body()
    parsed: Any = {}
    if body and request.method in {"POST", "PATCH"}:
        if "json" not in request.headers.get("content-type", ""):
            raise PardotError(errors.BAD_CONTENT_TYPE, "Content-Type must be application/json")
        try:
            parsed = loads(body)
        except ValueError:
            parsed = None
    if not isinstance(parsed, dict):
        raise PardotError(errors.BAD_JSON, "The request body is not a JSON object.")
    return _Call(
        method=request.method,
        steps=tuple(step for step in request.path_params.get("path", "").split("/") if step),
        params=dict(request.query_params),
        body=parsed,
        address=f"{request.url.scheme}://{request.url.netloc}",
    )


def _refused(error: PardotError) -> Response:
    return Json(error.body(), status_code=error.status, headers=error.headers)
