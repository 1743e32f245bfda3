"""`/__sandbox/`: credentials, meter, records, faults and switches of one vendor. README.md has the JSON shapes."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sandbox import accounts, faults
from connectors.sandbox.context import SETTINGS, SandboxContext, Vendor
from connectors.sandbox.errors import BadInputError
from connectors.sandbox.json_text import Json, loads
from connectors.sandbox.webhooks import Subscription

PREFIX = "/__sandbox"
Handler = Callable[[Request], Awaitable[Response]]


class Admin:
    """The admin endpoints; every call is one transaction, bad input is 400 with `{"error": why}`."""

    def __init__(self, ctx: SandboxContext, vendor: Vendor) -> None:
        self._ctx = ctx
        self._vendor = vendor

    def app(self) -> Starlette:
        """The routes, with their prefix."""
        routes = {
            "health": (["GET"], self._health),
            "credentials": (["GET"], self._credentials),
            "meter": (["GET"], self._meter),
            "records/{object}": (["GET"], self._records),
            "reset": (["POST"], self._reset),
            "seed": (["POST"], self._seed),
            "webhooks": (["GET", "POST", "DELETE"], self._webhooks),
            "faults": (["GET", "POST", "DELETE"], self._faults),
            "limits": (["GET", "POST"], self._limits),
            "settings": (["GET", "POST"], self._settings),
        }
        return Starlette(
            routes=[
                Route(f"{PREFIX}/{path}", self._guarded(handler), methods=methods)
                for path, (methods, handler) in routes.items()
            ]
        )

    def ensure(self, name: str) -> None:
        """Open an account unless it is open. Raises BadInputError for a name that cannot be one."""
        if not accounts.NAME.fullmatch(name):
            raise BadInputError(f"account: {name!r} must be 1 to 60 letters, digits, '-' or '_'")
        if self._ctx.accounts.get(name) is None:
            self._ctx.accounts.put(name, self._vendor.open_account(name))
            self._vendor.furnish(name)

    def _guarded(self, handler: Handler) -> Handler:
        async def endpoint(request: Request) -> Response:
            try:
                async with self._ctx.database.transaction():
                    return await handler(request)
            except BadInputError as error:
                return Json({"error": str(error)}, status_code=400)

        return endpoint

    def _account(self, request: Request, body: dict[str, Any] | None = None) -> str:
        name = (body or {}).get("account") or request.query_params.get("account") or accounts.DEFAULT
        self.ensure(str(name))
        return str(name)

    async def _health(self, _request: Request) -> Response:
        return Json({"vendor": self._ctx.vendor, "status": "ok"})

    async def _credentials(self, request: Request) -> Response:
        name = self._account(request)
        host = request.url.netloc
        answer = {
            "vendor": self._ctx.vendor,
            "account": name,
            "base_url": f"http://{host}",
            "https_url": f"https://{host}",
            "ca_file": str(self._ctx.authority.ca_file),
        }
        return Json({**answer, **self._vendor.credentials(name, f"{request.url.scheme}://{host}")})

    async def _meter(self, request: Request) -> Response:
        figures = self._ctx.meter.as_json()
        name = request.query_params.get("account")
        return Json(figures["accounts"].get(name, {}) if name else figures)

    async def _records(self, request: Request) -> Response:
        name, object_ = self._account(request), request.path_params["object"]
        records = self._vendor.records(name, object_)
        return Json({"account": name, "object": object_, "count": len(records), "records": records})

    async def _reset(self, request: Request) -> Response:
        only = request.query_params.get("account")
        names = [only] if only else self._ctx.accounts.names()
        for name in names:
            self.ensure(name)
            self._ctx.database.clear(name)
            self._vendor.furnish(name)
        if only is None:
            self._ctx.meter.reset()
            self._ctx.faults.remove()
        self._ctx.limits.reset()
        return Json({"reset": names})

    async def _seed(self, request: Request) -> Response:
        body = await _body(request, {"account", "size", "seed"})
        name = self._account(request, body)
        made = self._vendor.seed(name, _whole(body, "size", 100), _whole(body, "seed", 0))
        return Json({"account": name, "made": made})

    async def _webhooks(self, request: Request) -> Response:
        body = await _body(request, {"account", "url", "secret", "schedule"}) if request.method == "POST" else {}
        name = self._account(request, body)
        if request.method == "DELETE":
            self._ctx.webhooks.subscribe(name, None)
        elif request.method == "POST":
            identity = self._ctx.accounts.get(name) or {}
            self._ctx.webhooks.subscribe(name, _subscription(body, str(identity.get("webhook_secret", ""))))
        return Json(self._ctx.webhooks.as_json(name))

    async def _faults(self, request: Request) -> Response:
        if request.method == "POST":
            fault = faults.parse(await _json(request))
            if fault.account is not None:
                self.ensure(fault.account)
            return Json({"id": self._ctx.faults.add(fault)}, status_code=201)
        if request.method == "DELETE":
            id_ = request.query_params.get("id")
            try:
                self._ctx.faults.remove(int(id_) if id_ else None)
            except (KeyError, ValueError):
                raise BadInputError(f"id: no fault {id_}") from None
        return Json({"faults": self._ctx.faults.as_json()})

    async def _limits(self, request: Request) -> Response:
        body = await _body(request, {"account", "limits"}) if request.method == "POST" else {}
        name = self._account(request, body)
        if request.method == "POST":
            self._ctx.limits.change(name, _mapping(body, "limits"))
        return Json({"account": name, "limits": self._ctx.limits.as_json(name)})

    async def _settings(self, request: Request) -> Response:
        body = await _body(request, {"account", "settings"}) if request.method == "POST" else {}
        name = self._account(request, body)
        stored: dict[str, Any] = self._ctx.database.value(name, SETTINGS) or {}
        for key, value in _mapping(body, "settings").items() if body else ():
            if key not in self._vendor.settings:
                known = ", ".join(sorted(self._vendor.settings)) or "none"
                raise BadInputError(f"settings: unknown {key!r}; known: {known}")
            _same_kind(key, value, self._vendor.settings[key])
            stored[key] = value
        self._ctx.database.set_value(name, SETTINGS, stored)
        return Json({"account": name, "settings": {**self._vendor.settings, **stored}})


def _subscription(body: dict[str, Any], default_secret: str) -> Subscription:
    url, secret, schedule = body.get("url"), body.get("secret", default_secret), body.get("schedule")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise BadInputError(f"url: must be an http(s) address, not {url!r}")
    if not isinstance(secret, str):
        raise BadInputError(f"secret: must be text, not {secret!r}")
    if schedule is None:
        return Subscription(url, secret)
    try:
        return Subscription(url, secret, tuple(float(seconds) for seconds in schedule) or None)
    except (TypeError, ValueError):
        raise BadInputError(f"schedule: must be a list of seconds, not {schedule!r}") from None


def _same_kind(key: str, value: Any, default: Any) -> None:
    if type(value) is not type(default):
        raise BadInputError(f"settings.{key}: must be like {default!r}, not {value!r}")


def _whole(body: dict[str, Any], field: str, default: int) -> int:
    value = body.get(field, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadInputError(f"{field}: must be a whole number >= 0, not {value!r}")
    return value


def _mapping(body: dict[str, Any], field: str) -> dict[str, Any]:
    value = body.get(field)
    if not isinstance(value, dict):
        raise BadInputError(f"{field}: must be a JSON object, not {value!r}")
    return value


async def _json(request: Request) -> Any:
    text = await request.body()
    try:
        return loads(text) if text else {}
    except ValueError as error:
        raise BadInputError(f"body: not JSON: {error}") from None


async def _body(request: Request, known: set[str]) -> dict[str, Any]:
    body = await _json(request)
    if not isinstance(body, dict):
        raise BadInputError("body: must be a JSON object")
    for field in body:
        if field not in known:
            raise BadInputError(f"{field}: unknown; known: {', '.join(sorted(known))}")
    return body
