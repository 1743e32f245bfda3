"""The OAuth endpoints (RFC 6749, RFC 7523, RFC 7636) in Salesforce's dialect: no `expires_in`, own error texts."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import Json
from connectors.sandbox.oauth import InvalidGrantError
from connectors.sandbox.salesforce.assertions import (
    InvalidAssertionError,
    OfferedKey,
    check_signature,
    claims_of,
    public_key,
)
from connectors.sandbox.salesforce.changes import Record
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.orgs import Orgs
from connectors.sandbox.salesforce.sessions import Sessions, bearer

PUBLIC_KEY, ROTATE, CONSENT = "jwt_public_key", "rotate_refresh_tokens", "consent"
SETTINGS: Mapping[str, Any] = {PUBLIC_KEY: "", ROTATE: False, CONSENT: "approve"}
REFRESH_SECONDS = 10 * 365 * 86_400
SCOPE = "api pardot_api refresh_token"
_CODE_SECONDS = 900
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class OAuthError(Exception):
    """A refused token request: RFC 6749 error code and description, HTTP 400."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.body = {"error": error, "error_description": description}


@dataclass(frozen=True, slots=True)
class _Granted:
    account: str
    session: str
    user: str = ""
    refresh: str = ""


class OAuth:
    """The endpoints below `/services/oauth2/`."""

    def __init__(self, ctx: SandboxContext, orgs: Orgs, sessions: Sessions) -> None:
        self._ctx = ctx
        self._orgs = orgs
        self._sessions = sessions
        self.offered = OfferedKey(ctx.data_dir)

    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route("/services/oauth2/authorize", self._authorize, methods=["GET"]),
            Route("/services/oauth2/token", self._token, methods=["POST"]),
            Route("/services/oauth2/revoke", self._revoke, methods=["GET", "POST"]),
            Route("/services/oauth2/introspect", self._introspect, methods=["POST"]),
            Route("/services/oauth2/userinfo", self._userinfo, methods=["GET", "POST"]),
            Route("/id/{org}/{user}", self._identity, methods=["GET"]),
        ]

    def owner(self, request: Request) -> str | None:
        """The account a request seems to be about, for metering."""
        authorization = request.headers.get("authorization")
        return self._sessions.owner(bearer(authorization)) or self._ctx.tokens.client(authorization, {})

    async def _authorize(self, request: Request) -> Response:
        """Stand in for the person who connects an org: approve at once, or decline where an admin says so."""
        asked = request.query_params
        account = self._ctx.accounts.find("client_id", asked.get("client_id", ""))
        redirect = asked.get("redirect_uri", "")
        if account is None or not redirect.startswith(("http://", "https://")):
            wrong = ("invalid_client_id", "client identifier invalid")
            if account is not None:
                wrong = ("redirect_uri_mismatch", "redirect_uri must match configuration")
            return Json(dict(zip(("error", "error_description"), wrong, strict=True)), status_code=400)
        answer = self._decided(account, redirect, asked)
        if "state" in asked:
            answer["state"] = asked["state"]
        separator = "&" if "?" in redirect else "?"
        return RedirectResponse(f"{redirect}{separator}{urlencode(answer)}", status_code=302)

    def _decided(self, account: str, redirect: str, asked: Mapping[str, str]) -> dict[str, str]:
        if asked.get("response_type") != "code":
            return {"error": "unsupported_response_type", "error_description": "response type not supported"}
        if self._setting(account, CONSENT) != "approve":
            return {"error": "access_denied", "error_description": "end-user denied authorization"}
        code = f"aPrx{self._ctx.random.getrandbits(160):040x}=="
        ends = int(self._ctx.clock.now().timestamp()) + _CODE_SECONDS
        pending = {"redirect_uri": redirect, "ends": ends, "challenge": asked.get("code_challenge", "")}
        self._ctx.database.set_value(account, f"code/{code}", pending)
        return {"code": code}

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(errors="replace")))
        try:
            return self._answer(request, self._grant(request, form))
        except OAuthError as error:
            return Json(error.body, status_code=400)

    def _grant(self, request: Request, form: Mapping[str, str]) -> _Granted:
        kind = form.get("grant_type", "")
        if kind == _JWT_BEARER:
            return self._asserted(form.get("assertion", ""))
        if kind not in {"authorization_code", "client_credentials", "refresh_token"}:
            raise OAuthError("unsupported_grant_type", "grant type not supported")
        client = self._ctx.tokens.client(request.headers.get("authorization"), form)
        if client is None:
            raise OAuthError("invalid_client", "invalid client credentials")
        if kind == "client_credentials":
            return _Granted(client, self._sessions.begin(client))
        if kind == "authorization_code":
            return self._first(client, form)
        return self._refreshed(client, form.get("refresh_token", ""))

    def _first(self, account: str, form: Mapping[str, str]) -> _Granted:
        """Exchange a code, once; PKCE is checked where the code was asked for with a challenge."""
        name = f"code/{form.get('code', '')}"
        pending = self._ctx.database.value(account, name)
        if pending is None or pending["ends"] <= self._ctx.clock.now().timestamp():
            raise OAuthError("invalid_grant", "expired authorization code")
        if pending["redirect_uri"] != form.get("redirect_uri"):
            raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if pending["challenge"] not in {"", base64.urlsafe_b64encode(digest).decode().rstrip("=")}:
            raise OAuthError("invalid_grant", "invalid code verifier")
        self._ctx.database.set_value(account, name, None)
        grant = self._ctx.tokens.issue(account, self._sessions.seconds(account), REFRESH_SECONDS)
        return _Granted(account, self._sessions.named(account, grant.access_token), refresh=grant.refresh_token)

    def _refreshed(self, account: str, token: str) -> _Granted:
        rotate_to = REFRESH_SECONDS if self._setting(account, ROTATE) else None
        try:
            grant = self._ctx.tokens.refresh(account, token, self._sessions.seconds(account), rotate_to=rotate_to)
        except InvalidGrantError:
            raise OAuthError("invalid_grant", "expired access/refresh token") from None
        rotated = grant.refresh_token if rotate_to else ""
        return _Granted(account, self._sessions.named(account, grant.access_token), refresh=rotated)

    def _asserted(self, assertion: str) -> _Granted:
        """The account and user of a JWT."""
        try:
            claims = claims_of(assertion)
            account = self._ctx.accounts.find("client_id", str(claims.get("iss")))
            if account is None:
                raise OAuthError("invalid_client_id", "client identifier invalid")
            check_signature(assertion, public_key(self._setting(account, PUBLIC_KEY)), self.offered.public())
            expires = float(claims["exp"])
        except (InvalidAssertionError, KeyError, ValueError, TypeError):
            raise OAuthError("invalid_grant", "invalid assertion") from None
        user = next(self._orgs.unit(account).scan("User", Username=claims.get("sub")), None)
        if user is None:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        if expires <= self._ctx.clock.now().timestamp():
            raise OAuthError("invalid_grant", "expired authorization code")
        return _Granted(account, self._sessions.begin(account, user["Id"]), user["Id"])

    def _answer(self, request: Request, granted: _Granted) -> Response:
        user = granted.user or self._orgs.org(granted.account).user["Id"]
        identity = f"{_host(request)}/id/{self._orgs.org_id(granted.account)}/{user}"
        issued = str(int(self._ctx.clock.now().timestamp() * 1000))
        secret = (self._ctx.accounts.get(granted.account) or {})["client_secret"]
        signature = hmac.new(secret.encode(), f"{identity}{issued}".encode(), hashlib.sha256).digest()
        body = {
            "access_token": granted.session,
            "signature": base64.b64encode(signature).decode(),
            "scope": SCOPE,
            "instance_url": _host(request),
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued,
        }
        body |= {"refresh_token": granted.refresh} if granted.refresh else {}
        return Json(body, headers={"Cache-Control": "no-cache, no-store"})

    async def _revoke(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(errors="replace")))
        token = form.get("token") or request.query_params.get("token", "")
        if self._sessions.revoke(token):
            return Response(status_code=200)
        error = {"error": "invalid_token", "error_description": "invalid token: " + token[:8]}
        return Json(error, status_code=400)

    async def _introspect(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(errors="replace")))
        client = self._ctx.tokens.client(request.headers.get("authorization"), form)
        if client is None:
            error = {"error": "invalid_client", "error_description": "invalid client credentials"}
            return Json(error, status_code=401)
        try:
            account, user_id = self._sessions.caller(form.get("token", ""))
        except ApiError:
            account, user_id = "", ""
        if account != client:
            return Json({"active": False})
        user = self._orgs.org(account).table("User")[user_id]
        client_id = (self._ctx.accounts.get(account) or {})["client_id"]
        subject = f"{_host(request)}/id/{self._orgs.org_id(account)}/{user_id}"
        body = {"active": True, "scope": SCOPE, "client_id": client_id, "username": user["Username"], "sub": subject}
        return Json({**body, "token_type": "access_token"})

    async def _userinfo(self, request: Request) -> Response:
        try:
            account, user_id = self._sessions.caller(bearer(request.headers.get("authorization")))
        except ApiError:
            return _bad_token()
        return Json(self._described(request, account, self._orgs.org(account).table("User")[user_id]))

    async def _identity(self, request: Request) -> Response:
        """The identity URL of a token answer."""
        try:
            account, user_id = self._sessions.caller(bearer(request.headers.get("authorization")))
        except ApiError:
            return _bad_token()
        user = self._orgs.org(account).table("User")[user_id]
        rest = f"{_host(request)}/services/data/v{{version}}/"
        described = self._described(request, account, user)
        return Json({**described, "id": described["sub"], "username": user["Username"], "urls": {"rest": rest}})

    def _described(self, request: Request, account: str, user: Record) -> dict[str, Any]:
        return {
            "sub": f"{_host(request)}/id/{self._orgs.org_id(account)}/{user['Id']}",
            "user_id": user["Id"],
            "organization_id": self._orgs.org_id(account),
            "preferred_username": user["Username"],
            "name": user["Name"],
            "email": user["Email"],
            "zoneinfo": user["TimeZoneSidKey"],
            "active": user["IsActive"],
        }

    def _setting(self, account: str, name: str) -> Any:
        return self._ctx.setting(account, name, SETTINGS[name])


def _host(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _bad_token() -> Response:
    return Response("Bad_OAuth_Token", status_code=403, media_type="text/plain")
