"""The SOAP endpoints `/services/Soap/{kind}/{version}`: u for partner, c for enterprise, m for metadata."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.salesforce.allowances import API, Allowances
from connectors.sandbox.salesforce.changes import Author
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.org import Unit
from connectors.sandbox.salesforce.orgs import Orgs
from connectors.sandbox.salesforce.sessions import Sessions
from connectors.sandbox.salesforce.soap.calls import CALLS, described_user
from connectors.sandbox.salesforce.soap.envelope import ENTERPRISE, METADATA, PARTNER, Element, answer, fault, parse
from connectors.sandbox.salesforce.soap.metadata import CALLS as METADATA_CALLS

# "SOAP API End-of-Life Policy": login() is not in API 65.0 and later.
_LAST_LOGIN = 64
Calls: TypeAlias = Mapping[str, Callable[[Unit, Element], list[dict[str, Any]]]]
_KINDS: dict[str, tuple[str, Calls]] = {
    "u": (PARTNER, CALLS),
    "c": (ENTERPRISE, CALLS),
    "m": (METADATA, METADATA_CALLS),
}
_XML = "text/xml; charset=utf-8"


class Soap:
    """Answers the calls; a refused one is a fault with HTTP 500."""

    def __init__(self, ctx: SandboxContext, orgs: Orgs, sessions: Sessions, allowances: Allowances) -> None:
        self._ctx = ctx
        self._orgs = orgs
        self._sessions = sessions
        self._allowances = allowances

    async def serve(self, request: Request) -> Response:
        """One call."""
        kind, version = request.path_params["kind"], request.path_params["version"].partition("/")[0]
        namespace, calls = _KINDS.get(kind, _KINDS["u"])
        try:
            header, call = parse(await request.body())
            results = self._results(request, version, header, call, calls)
        except ApiError as error:
            return Response(fault(error.code, error.message), status_code=500, media_type=_XML)
        return Response(answer(namespace, call.name, results), media_type=_XML)

    def _results(
        self, request: Request, version: str, header: Element, call: Element, calls: Calls
    ) -> list[dict[str, Any]]:
        if call.name == "login" and calls is CALLS:
            return [self._login(request, version, call)]
        work = calls.get(call.name)
        if work is None:
            known = ", ".join(("login", *calls) if calls is CALLS else calls)
            raise ApiError("INVALID_OPERATION", f"{call.name} is not served by this sandbox; served: {known}")
        session, options = header.find("SessionHeader"), header.find("CallOptions")
        session_id = session.value("sessionId") if session else ""
        account, user = self._sessions.caller(session_id)
        if not self._allowances.admit(account, API):
            raise ApiError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        client = options.value("client") if options else ""
        origin = f"com/salesforce/api/soap/{version}" + (f";client={client}" if client else "")
        unit = self._orgs.unit(account, Author(user, origin))
        results = work(unit, call)
        unit.commit()
        return results

    def _login(self, request: Request, version: str, call: Element) -> dict[str, Any]:
        if not version.replace(".", "").isdigit() or float(version) > _LAST_LOGIN:
            message = f"SOAP API login() is not available in API version {version}; use OAuth"
            raise ApiError("UNSUPPORTED_API_VERSION", message)
        account = self._known(call.value("username"), call.value("password"))
        if account is None:
            message = "Invalid username, password, security token; or user locked out."
            raise ApiError("INVALID_LOGIN", message)
        unit = self._orgs.unit(account)
        instance = f"{request.url.scheme}://{request.url.netloc}"
        return {
            "metadataServerUrl": f"{instance}/services/Soap/m/{version}/{self._orgs.org_id(account)}",
            "passwordExpired": False,
            "sandbox": False,
            "serverUrl": f"{instance}/services/Soap/u/{version}/{self._orgs.org_id(account)}",
            "sessionId": self._sessions.begin(account),
            "userId": unit.user["Id"],
            "userInfo": described_user(unit),
        }

    def _known(self, username: str, password: str) -> str | None:
        """The account of a username and a password, with the security token after it or without."""
        account = self._ctx.accounts.find("username", username)
        identity = self._ctx.accounts.get(account) if account else None
        if identity and password in {identity["password"], identity["password"] + identity["security_token"]}:
            return account
        return None
