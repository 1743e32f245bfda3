"""`/v3/company/{realm}/`: who may call, how often, and which answer envelope the result gets."""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import Json, dumps, loads
from connectors.sandbox.limits import Limit
from connectors.sandbox.oauth import InvalidTokenError
from connectors.sandbox.quickbooks import browser, cdc, currency, fault, notices
from connectors.sandbox.quickbooks.batch import run_batch
from connectors.sandbox.quickbooks.company import Company
from connectors.sandbox.quickbooks.fault import QboError
from connectors.sandbox.quickbooks.furnish import shown_preferences
from connectors.sandbox.quickbooks.kinds import BY_PATH, Kind
from connectors.sandbox.quickbooks.sales import COMPLETE
from connectors.sandbox.quickbooks.select import run
from connectors.sandbox.quickbooks.writes import cleaned, write

PREFIX = "/v3/company/{realm}"
BATCHES, EMAILS, READS = "batch per minute", "e-mails per day", "metered reads per month"
# Source: developer.intuit.com, "API call limits and throttles". An account here is one app in one realm.
LIMITS = (
    Limit("realm per minute", 500, 60),
    Limit("realm and app per second", 10, 1),
    Limit(BATCHES, 40, 60),
    Limit(EMAILS, 40, 86_400),
    # The free tier of the App Partner Program: all but single writes counts.
    Limit(READS, 500_000, 2_592_000),
)
EVERY_CALL = tuple(limit.name for limit in LIMITS[:2])
REQUEST_ID, REQUEST_ID_BATCH = 50, 36
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
QBO_VERSION = "1985.125"

Content = dict[str, Any] | bytes
Handler = Callable[[Company, Request, bytes], Content]


class Api:
    """The accounting endpoints of one sandbox."""

    def __init__(self, ctx: SandboxContext, settings: dict[str, Any]) -> None:
        self._ctx = ctx
        self._defaults = settings

    def routes(self) -> list[Route]:
        """The endpoints, those with fixed names first."""
        return [
            Route(f"{PREFIX}/query", self._endpoint(self._query, READS), methods=["GET", "POST"]),
            Route(f"{PREFIX}/cdc", self._endpoint(self._cdc, READS), methods=["GET"]),
            Route(f"{PREFIX}/batch", self._endpoint(self._batch, BATCHES, READS), methods=["POST"]),
            Route(f"{PREFIX}/exchangerate", self._endpoint(self._rate, READS), methods=["GET"]),
            Route(f"{PREFIX}/exchangerate", self._endpoint(self._set_rate), methods=["POST"]),
            Route(f"{PREFIX}/{{entity}}", self._endpoint(self._write), methods=["POST"]),
            Route(f"{PREFIX}/{{entity}}", self._endpoint(self._read, READS), methods=["GET"]),
            Route(f"{PREFIX}/{{entity}}/{{id}}", self._endpoint(self._read, READS), methods=["GET"]),
            Route(f"{PREFIX}/{{entity}}/{{id}}/pdf", self._endpoint(self._pdf, READS), methods=["GET"]),
            Route(f"{PREFIX}/{{entity}}/{{id}}/send", self._endpoint(self._send, EMAILS), methods=["POST"]),
            Route("/v3/{rest:path}", self._endpoint(_unsupported), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            Route("/app/company/{realm}/merge", self._endpoint(_merge, person=True), methods=["POST"]),
        ]

    def company(self, account: str) -> Company:
        """An account's company, with its switches as they stand."""
        stored: dict[str, Any] = self._ctx.database.value(account, "settings") or {}
        return Company(self._ctx, account, {**self._defaults, **stored})

    def _endpoint(self, handler: Handler, *limits: str, person: bool = False) -> Callable[[Request], Any]:
        """Serve a handler within these limits beside those of every call; a `person` has none."""

        async def endpoint(request: Request) -> Response:
            names = () if person else (*EVERY_CALL, *limits)
            response = self._admitted(handler, request, await request.body(), names)
            random = self._ctx.random
            stamp, tid = int(self._ctx.clock.now().timestamp()), f"{random.getrandbits(96):024x}"
            response.headers["intuit_tid"] = f"1-{stamp:08x}-{tid}"
            response.headers["x-spanid"] = f"{random.getrandbits(64):016x}"
            response.headers["x-amzn-trace-id"] = f"Root=1-{stamp:08x}-{tid}"
            response.headers["qbo-version"] = QBO_VERSION
            response.headers["cache-control"] = "max-age=0, no-cache, no-store, must-revalidate, private"
            return response

        return endpoint

    def _admitted(self, handler: Handler, request: Request, body: bytes, limits: Sequence[str]) -> Response:
        now = self._ctx.clock.now()
        try:
            account = self._ctx.tokens.bearer(request.headers.get("authorization"))
        except InvalidTokenError as error:
            asked_for = self._ctx.accounts.find("realm", request.path_params.get("realm", ""))
            return fault.gateway_unauthorized(error.reason, now, xml=self._xml(asked_for))
        company = self.company(account)
        identity = self._ctx.accounts.get(account) or {}
        if request.path_params.get("realm", identity["realm"]) != identity["realm"]:
            return fault.wrong_realm(now, _time(company), xml=self._xml(account))
        if not self._ctx.limits.admit(account, *limits):
            return fault.throttled(now, xml=self._xml(account))
        try:
            content = self._once(handler, company, request, body, batch=BATCHES in limits)
        except QboError as error:
            return Json({"Fault": error.fault(), "time": _time(company)}, status_code=400)
        self._publish(company, identity["realm"])
        return Response(content, media_type="application/json" if isinstance(content, str) else "application/pdf")

    def _xml(self, account: str | None) -> bool:
        return account is not None and bool(self.company(account).settings["xml_faults"])

    def _once(self, handler: Handler, company: Company, request: Request, body: bytes, *, batch: bool) -> str | bytes:
        """Answer a known request id with the first answer; keep the answer of a new one."""
        id_ = request.query_params.get("requestid")
        if id_ is None or request.method != "POST":
            return _answer(handler, company, request, body)
        most = REQUEST_ID_BATCH if batch else REQUEST_ID
        if not 0 < len(id_) <= most:
            raise QboError("2130", f"requestid must have 1 to {most} characters, not {len(id_)}", "requestid")
        method, path, faults = request.method, request.url.path, self._ctx.faults
        if faults.take("ignore_requestid", company.account, method, path):
            return _answer(handler, company, request, body)
        key = f"requestid/{id_}"
        first = self._ctx.database.value(company.account, key)
        if first is not None and not faults.take("forget_requestid", company.account, method, path):
            if company.settings["requestid_answer"] == "error600":
                raise QboError("600", f"Duplicate Request ID: {id_}", "requestid")
            return str(first)
        content = _answer(handler, company, request, body)
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
        if company.settings["shuffle_batch_answers"]:
            self._ctx.random.shuffle(answers)
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
        kind, sale = self._sale(company, request)
        address = request.query_params.get("sendTo") or sale.get("BillEmail", {}).get("Address")
        if not address:
            raise QboError("6000", "Business Validation Error: an e-mail address is required", "BillEmail")
        sent = {**sale, "EmailStatus": "EmailSent", "BillEmail": {"Address": address}}
        return {kind.name: company.replace(kind, sent, "emailed")}

    def _pdf(self, company: Company, request: Request, _body: bytes) -> bytes:
        self._sale(company, request)
        return PDF

    def _sale(self, company: Company, request: Request) -> tuple[Kind, dict[str, Any]]:
        kind = _kind(request)
        if kind.name not in COMPLETE:
            raise QboError("500", f"Operation not supported for {kind.name}")
        return kind, company.require(kind.name, request.path_params["id"])

    def _rate(self, company: Company, request: Request, _body: bytes) -> dict[str, Any]:
        params = request.query_params
        rate = currency.shown_rate(company, params.get("sourcecurrencycode"), params.get("asofdate"))
        return {currency.RATE: rate}

    def _set_rate(self, company: Company, _request: Request, body: bytes) -> dict[str, Any]:
        sent = cleaned(_json(body))
        if not isinstance(sent, dict):
            raise QboError("2010", "The request must be a JSON object")
        return {currency.RATE: currency.set_rate(company, sent)}


def _merge(company: Company, _request: Request, body: bytes) -> dict[str, Any]:
    kind, kept = browser.merge(company, _json(body))
    return {kind.name: kept}


def _answer(handler: Handler, company: Company, request: Request, body: bytes) -> str | bytes:
    content = handler(company, request, body)
    return content if isinstance(content, bytes) else dumps(content | {"time": _time(company)})


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
