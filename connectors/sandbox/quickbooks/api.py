"""`/v3/company/{realm}/`: who may call, how often, and which answer envelope the result gets."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import Json, dumps, loads
from connectors.sandbox.limits import Limit
from connectors.sandbox.oauth import InvalidTokenError
from connectors.sandbox.quickbooks import cdc, fault, notices
from connectors.sandbox.quickbooks.batch import run_batch
from connectors.sandbox.quickbooks.company import Company
from connectors.sandbox.quickbooks.fault import QboError
from connectors.sandbox.quickbooks.furnish import shown_preferences
from connectors.sandbox.quickbooks.kinds import BY_PATH, KINDS, Kind
from connectors.sandbox.quickbooks.select import run
from connectors.sandbox.quickbooks.writes import write

PREFIX = "/v3/company/{realm}"
# Source: developer.intuit.com, "API call limits and throttles". An account here is one app in one realm.
LIMITS = (
    Limit("realm per minute", 500, 60),
    Limit("realm and app per second", 10, 1),
    Limit("batch per minute", 40, 60),
)
REQUEST_ID, REQUEST_ID_BATCH = 50, 36

Handler = Callable[[Company, Request, bytes], dict[str, Any]]


class Api:
    """The accounting endpoints of one sandbox."""

    def __init__(self, ctx: SandboxContext, settings: dict[str, Any]) -> None:
        self._ctx = ctx
        self._defaults = settings

    def routes(self) -> list[Route]:
        """The endpoints, those with fixed names first."""
        return [
            Route(f"{PREFIX}/query", self._endpoint(self._query), methods=["GET", "POST"]),
            Route(f"{PREFIX}/cdc", self._endpoint(self._cdc), methods=["GET"]),
            Route(f"{PREFIX}/batch", self._endpoint(self._batch, batch=True), methods=["POST"]),
            Route(f"{PREFIX}/{{entity}}", self._endpoint(self._write), methods=["POST"]),
            Route(f"{PREFIX}/{{entity}}", self._endpoint(self._read), methods=["GET"]),
            Route(f"{PREFIX}/{{entity}}/{{id}}", self._endpoint(self._read), methods=["GET"]),
            Route(f"{PREFIX}/invoice/{{id}}/send", self._endpoint(self._send), methods=["POST"]),
            Route("/v3/{rest:path}", self._endpoint(_unsupported), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]

    def company(self, account: str) -> Company:
        """An account's company, with its switches as they stand."""
        stored: dict[str, Any] = self._ctx.database.value(account, "settings") or {}
        return Company(self._ctx, account, {**self._defaults, **stored})

    def _endpoint(self, handler: Handler, *, batch: bool = False) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            response = self._admitted(handler, request, await request.body(), batch=batch)
            random = self._ctx.random
            stamp = int(self._ctx.clock.now().timestamp())
            response.headers["intuit_tid"] = f"1-{stamp:08x}-{random.getrandbits(96):024x}"
            response.headers["cache-control"] = "max-age=0, no-cache, no-store, must-revalidate, private"
            return response

        return endpoint

    def _admitted(self, handler: Handler, request: Request, body: bytes, *, batch: bool) -> Response:
        now = self._ctx.clock.now()
        try:
            account = self._ctx.tokens.bearer(request.headers.get("authorization"))
        except InvalidTokenError as error:
            return fault.gateway_unauthorized(error.reason, now)
        company = self.company(account)
        identity = self._ctx.accounts.get(account) or {}
        if request.path_params.get("realm", identity["realm"]) != identity["realm"]:
            return fault.wrong_realm(_time(company))
        names = [limit.name for limit in LIMITS if batch or limit.name != "batch per minute"]
        if not self._ctx.limits.admit(account, *names):
            return fault.throttled(now, xml=company.settings["xml_throttle"])
        try:
            content = self._once(handler, company, request, body, batch=batch)
        except QboError as error:
            return Json({"Fault": error.fault(), "time": _time(company)}, status_code=400)
        self._publish(company, identity["realm"])
        return Response(content, media_type="application/json")

    def _once(self, handler: Handler, company: Company, request: Request, body: bytes, *, batch: bool) -> str:
        """Answer a known request id with the first answer; keep the answer of a new one."""
        id_ = request.query_params.get("requestid")
        if id_ is None or request.method != "POST":
            return dumps(handler(company, request, body) | {"time": _time(company)})
        most = REQUEST_ID_BATCH if batch else REQUEST_ID
        if not 0 < len(id_) <= most:
            raise QboError("2130", f"requestid must have 1 to {most} characters, not {len(id_)}", "requestid")
        method, path, faults = request.method, request.url.path, self._ctx.faults
        if faults.take("ignore_requestid", company.account, method, path):
            return dumps(handler(company, request, body) | {"time": _time(company)})
        key = f"requestid/{id_}"
        first = self._ctx.database.value(company.account, key)
        if first is not None and not faults.take("forget_requestid", company.account, method, path):
            if company.settings["requestid_answer"] == "error600":
                raise QboError("600", f"Duplicate Request ID: {id_}", "requestid")
            return str(first)
        content = dumps(handler(company, request, body) | {"time": _time(company)})
        self._ctx.database.set_value(company.account, key, content)
        return content

    def _publish(self, company: Company, realm: str) -> None:
        for change in company.changes:
            self._ctx.wrote(company.account, change.kind.name)
        notices.announce(company, realm)

    def _query(self, company: Company, request: Request, body: bytes) -> dict[str, Any]:
        statement = request.query_params.get("query") or _text(body)
        if not statement.strip():
            raise QboError("4000", "QueryParserError: Encountered <EOF>. Was expecting SELECT")
        return {"QueryResponse": run(company, statement)}

    def _cdc(self, company: Company, request: Request, _body: bytes) -> dict[str, Any]:
        params = request.query_params
        return {"CDCResponse": [cdc.changes(company, params.get("entities"), params.get("changedSince"))]}

    def _batch(self, company: Company, request: Request, body: bytes) -> dict[str, Any]:
        answers = run_batch(company, _json(body), short_ids="requestid" in request.query_params)
        return {"BatchItemResponse": answers}

    def _write(self, company: Company, request: Request, body: bytes) -> dict[str, Any]:
        kind = _kind(request)
        params = request.query_params
        return {kind.name: write(company, kind, _json(body), params.get("operation"), params.get("include", ""))}

    def _read(self, company: Company, request: Request, _body: bytes) -> dict[str, Any]:
        kind = _kind(request)
        if kind.name == "Preferences":
            return {kind.name: shown_preferences(company, company.require(kind.name, "1"))}
        if kind.name == "CompanyInfo":  # addressed by realm
            return {kind.name: company.require(kind.name, "1")}
        if "id" not in request.path_params:
            raise QboError("500", f"Operation GET without an id is not supported for {kind.name}")
        return {kind.name: company.require(kind.name, request.path_params["id"])}

    def _send(self, company: Company, request: Request, _body: bytes) -> dict[str, Any]:
        kind = KINDS["Invoice"]
        invoice = company.require(kind.name, request.path_params["id"])
        address = request.query_params.get("sendTo") or invoice.get("BillEmail", {}).get("Address")
        if not address:
            raise QboError("6000", "Business Validation Error: an e-mail address is required", "BillEmail")
        sent = {**invoice, "EmailStatus": "EmailSent", "BillEmail": {"Address": address}}
        return {kind.name: company.replace(kind, sent)}


def _unsupported(_company: Company, request: Request, _body: bytes) -> dict[str, Any]:
    raise QboError("500", f"Operation {request.method} {request.url.path} is not supported")


def _kind(request: Request) -> Kind:
    name = request.path_params["entity"].lower()
    if name not in BY_PATH:
        raise QboError("500", f"Operation not supported: {request.path_params['entity']} is not a known entity")
    return BY_PATH[name]


def _json(body: bytes) -> Any:
    try:
        return loads(_text(body))
    except ValueError as error:
        raise QboError("2010", f"Property Name:failed to parse json object; {error}") from None


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise QboError("500", "Unsupported Operation: the body is not UTF-8") from None


def _time(company: Company) -> str:
    return company.now().isoformat(timespec="milliseconds")
