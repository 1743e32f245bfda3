"""The fake Salesforce as the sandbox framework serves it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sandbox.accounts import derive
from connectors.sandbox.authority import LOCAL_NAMES
from connectors.sandbox.context import SandboxContext, Vendor
from connectors.sandbox.json_text import Json, loads
from connectors.sandbox.oauth import REFRESH
from connectors.sandbox.salesforce import leads, samples
from connectors.sandbox.salesforce.allowances import API, Allowances
from connectors.sandbox.salesforce.bulk.jobs import Jobs
from connectors.sandbox.salesforce.bulk.resource import Bulk
from connectors.sandbox.salesforce.bulk.worker import Worker
from connectors.sandbox.salesforce.calls import Call, Reply, not_allowed, not_found, refused
from connectors.sandbox.salesforce.changes import Author
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.ids import canonical_id
from connectors.sandbox.salesforce.oauth import REFRESH_SECONDS, OAuth
from connectors.sandbox.salesforce.oauth import SETTINGS as OAUTH
from connectors.sandbox.salesforce.org import Unit
from connectors.sandbox.salesforce.orgs import Orgs
from connectors.sandbox.salesforce.pubsub.capture import CAPTURED
from connectors.sandbox.salesforce.pubsub.log import EventLog
from connectors.sandbox.salesforce.pubsub.managed import ManagedSubscriptions
from connectors.sandbox.salesforce.pubsub.publisher import DEFAULT_OVERFLOW_CHANGES, OVERFLOW_CHANGES, Publisher
from connectors.sandbox.salesforce.pubsub.server import PubSubServer
from connectors.sandbox.salesforce.pubsub.service import PATIENCE, PubSub
from connectors.sandbox.salesforce.pubsub.topics import HIDDEN, SELECTED
from connectors.sandbox.salesforce.rest import Rest
from connectors.sandbox.salesforce.seed import SALES, username
from connectors.sandbox.salesforce.sessions import SETTINGS as SESSIONS
from connectors.sandbox.salesforce.sessions import Sessions, bearer
from connectors.sandbox.salesforce.soap.service import Soap
from connectors.sandbox.salesforce.tooling import Tooling

_CLIENT = re.compile(r"client=([^,;]+)")
_SWITCHES = {
    **OAUTH,
    **SESSIONS,
    **PATIENCE,
    OVERFLOW_CHANGES: DEFAULT_OVERFLOW_CHANGES,
    SELECTED: list(CAPTURED),
    HIDDEN: list[str](),
}
_FIRST_REFUSAL = 400
# "Status Codes and Error Responses": address and headers of a call, in bytes.
_LONGEST_HEAD = 16_384
# API End-of-Life policy; 67.0 is Summer '26, 68.0 Winter '27.
_OLDEST, _RETIRED, _NEWEST = 41, 31, 68
_VERSION = re.compile(r"v(\d\d)\.0")
_JSON_METHODS = frozenset({"POST", "PATCH"})
_ANY_METHOD = ["GET", "POST", "PATCH", "PUT", "DELETE"]


def build(ctx: SandboxContext) -> Vendor:
    """Make the vendor `salesforce`."""
    return _Salesforce(ctx).vendor()


class _Salesforce:
    def __init__(self, ctx: SandboxContext) -> None:
        self._ctx = ctx
        self._log = EventLog(ctx)
        publisher = Publisher(ctx, self._log)
        self._orgs = Orgs(ctx, publisher)
        self._sessions = Sessions(ctx, self._orgs)
        self._oauth = OAuth(ctx, self._orgs, self._sessions)
        managed = ManagedSubscriptions(ctx, self._log)
        self._pubsub = PubSubServer(ctx, PubSub(ctx, self._orgs, self._sessions, self._log, publisher, managed))
        self._allowances = Allowances(ctx)
        self._soap = Soap(ctx, self._orgs, self._sessions, self._allowances)
        jobs = Jobs(ctx)
        self._worker = Worker(ctx, self._orgs, jobs)
        self._rest = Rest(self._allowances, Bulk(jobs, self._worker, self._allowances), Tooling(managed))

    def vendor(self) -> Vendor:
        return Vendor(
            app=Starlette(
                routes=[
                    *self._oauth.routes(),
                    Route("/services/Soap/{kind:str}/{version:path}", self._soap.serve, methods=["POST"]),
                    Route("/services/data", _versions),
                    Route("/services/data/", _versions),
                    Route("/services/data/{version}/{path:path}", self._data, methods=_ANY_METHOD),
                    Route("/services/apexrest/{path:path}", self._apex, methods=_ANY_METHOD),
                ],
                lifespan=self._lifespan,
            ),
            open_account=self._identity,
            furnish=self._furnish,
            credentials=self._credentials,
            account_of=self._oauth.owner,
            operation_of=_operation,
            throttled=lambda _request: _sent(refused(_over_limit())),
            records=self._records,
            seed=self._seed,
            settings=_SWITCHES,
        )

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        await self._pubsub.start(*LOCAL_NAMES)
        self._worker.resume()
        yield
        await self._worker.aclose()
        await self._pubsub.stop()

    def _seed(self, account: str, size: int, seed: int) -> dict[str, int]:
        return samples.make(self._orgs.unit(account, Author(announced=False)), size, seed)

    def _identity(self, account: str) -> dict[str, Any]:
        return {
            "client_id": f"3MVG9{derive('salesforce', account, 'client', 60)}",
            "client_secret": derive("salesforce", account, "secret", 64).upper(),
            "org_id": self._orgs.org_id(account),
            "username": username(account),
            "password": derive("salesforce", account, "password", 16),
            "security_token": derive("salesforce", account, "security token", 24),
        }

    def _furnish(self, account: str) -> None:
        self._log.forget(account, all_of_it=True)
        self._orgs.furnish(account)

    def _credentials(self, account: str, url: str) -> dict[str, Any]:
        """What a client needs; the refresh token is one that a user's approval in a browser would have given."""
        refresh = self._ctx.tokens.newest(account, REFRESH)
        if refresh is None:
            refresh = self._ctx.tokens.issue(account, 0, REFRESH_SECONDS).refresh_token
        return {
            **(self._ctx.accounts.get(account) or {}),
            "sales_username": username(account, SALES),
            "jwt_private_key": self._oauth.offered.pem(),
            "user_id": self._orgs.org(account).user["Id"],
            "token_url": f"{url}/services/oauth2/token",
            "instance_url": url,
            "pubsub_endpoint": f"{urlsplit(url).hostname}:{self._pubsub.port}",
            "refresh_token": refresh,
            "access_token": self._sessions.begin(account),
        }

    def _records(self, account: str, name: str) -> list[dict[str, Any]]:
        base = self._orgs.org(account).schema.find(name)
        rows = self._orgs.org(account).table(base.name).values() if base else ()
        return [dict.fromkeys(base.fields) | row for row in rows] if base else []

    async def _data(self, request: Request) -> Response:
        version = request.path_params["version"]
        return await self._authorised(request, request.path_params["path"], version)

    async def _apex(self, request: Request) -> Response:
        return await self._authorised(request, request.path_params["path"], None)

    async def _authorised(self, request: Request, path: str, version: str | None) -> Response:
        """One call of an org: session, daily limit, then the resource; its changes are kept unless it is refused."""
        body = await request.body()
        account = None
        try:
            _check_head(request)
            number = _checked(version) if version else ""
            account, user = self._sessions.caller(bearer(request.headers.get("authorization")))
            if not self._allowances.admit(account, API):
                raise _over_limit()
            unit = self._orgs.unit(account, Author(user, _origin(request, number)))
            reply = self._answer(_call(request, path, number, body, unit))
            if reply.status < _FIRST_REFUSAL:
                unit.commit()
        except ApiError as error:
            reply = refused(error)
        used = self._allowances.of(account, API) if account else None
        return _sent(reply, {"Sforce-Limit-Info": f"api-usage={used[0]}/{used[1]}"} if used else {})

    def _answer(self, call: Call) -> Reply:
        if call.version:
            return self._rest.dispatch(call)
        if call.steps != ("convert-lead",):
            raise not_found()
        if call.method != "POST":
            raise not_allowed(call.method)
        body = call.fields()
        unknown = sorted(set(body) - leads.KNOWN)
        if unknown:
            raise ApiError("INVALID_FIELD", f"{unknown[0]}: unknown; known: {', '.join(sorted(leads.KNOWN))}", unknown)
        return Reply(200, leads.convert(call.unit, body))


def _check_head(request: Request) -> None:
    size = len(str(request.url)) + sum(len(name) + len(value) for name, value in request.headers.raw)
    if size > _LONGEST_HEAD:
        message = f"The address and the headers of a request must not exceed {_LONGEST_HEAD} bytes"
        raise ApiError("REQUEST_HEADER_FIELDS_TOO_LARGE", message)


def _checked(version: str) -> str:
    match = _VERSION.fullmatch(version)
    number = int(match.group(1)) if match else 0
    if 0 < number < _RETIRED:
        raise ApiError("UNSUPPORTED_API_VERSION", f"API version {number}.0 is retired; use {_NEWEST - 1}.0")
    if not _OLDEST <= number <= _NEWEST:
        raise not_found()
    return f"{number}.0"


def _origin(request: Request, version: str) -> str:
    """What change events say of where a change came from."""
    named = _CLIENT.search(request.headers.get("sforce-call-options", ""))
    api = f"com/salesforce/api/rest/{version}" if version else "com/salesforce/api/soap"
    return f"{api};client={named.group(1).strip()}" if named else api


def _call(request: Request, path: str, version: str, body: bytes, unit: Unit) -> Call:
    return Call(
        method=request.method,
        steps=tuple(step for step in path.split("/") if step),
        params=dict(request.query_params),
        body=_parsed(request, body),
        headers=dict(request.headers),
        version=version,
        token=bearer(request.headers["authorization"]),
        unit=unit,
    )


def _parsed(request: Request, body: bytes) -> Any:
    if request.method == "PUT":
        return body
    if not body or request.method not in _JSON_METHODS:
        return None
    if "json" not in request.headers.get("content-type", ""):
        raise ApiError("UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json")
    try:
        return loads(body)
    except ValueError as error:
        raise ApiError("JSON_PARSER_ERROR", f"{error}") from None


def _sent(reply: Reply, headers: dict[str, str] | None = None) -> Response:
    every = {**reply.headers, **(headers or {})}
    if reply.body is None:
        return Response(status_code=reply.status, headers=every)
    if isinstance(reply.body, bytes):
        return Response(reply.body, status_code=reply.status, headers=every)
    return Json(reply.body, status_code=reply.status, headers=every)


def _over_limit() -> ApiError:
    return ApiError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


async def _versions(_request: Request) -> Response:
    numbers = range(_OLDEST, _NEWEST + 1)
    return Json([{"label": f"v{n}", "url": f"/services/data/v{n}.0", "version": f"{n}.0"} for n in numbers])


def _operation(request: Request) -> str:
    """`GET query`, `PATCH sobjects/Account/*`: the path below the version, ids and locators left out."""
    steps = [step for step in request.url.path.split("/") if step]
    if steps[:2] == ["services", "data"]:
        steps = steps[3:]
        steps = [*steps[:1], *("*" for _ in steps[1:])] if steps[:1] in (["query"], ["queryAll"]) else steps
    shown = ["*" if canonical_id(step) else step for step in steps]
    if shown[:1] == ["sobjects"] and len(shown) > 3:  # noqa: PLR2004
        shown[3:] = ["*"]
    return f"{request.method} {'/'.join(shown)}"
