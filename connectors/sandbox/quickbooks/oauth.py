"""Intuit's OAuth 2 endpoints: discovery, consent, tokens, revocation, user info.

Source: developer.intuit.com, OpenID configuration documents and "Set up OAuth 2.0".
"""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import Json, loads
from connectors.sandbox.oauth import Grant, InvalidGrantError, InvalidTokenError

REFRESH_SECONDS = 8_726_400
HARD_EXPIRY_SECONDS = 157_680_000
CODE_SECONDS = 300
DISCOVERY = ("openid_configuration", "openid_sandbox_configuration")
CONSENT_PATH = "/connect/oauth2"
TOKEN_PATH = "/oauth2/v1/tokens/bearer"  # noqa: S105 - an address
REVOKE_PATH = "/v2/oauth2/tokens/revoke"
USERINFO_PATH = "/v1/openid_connect/userinfo"
SCOPE = "com.intuit.quickbooks.accounting"


class OAuth:
    """The endpoints of one sandbox."""

    def __init__(self, ctx: SandboxContext, settings: dict[str, Any]) -> None:
        self._ctx = ctx
        self._defaults = settings

    def routes(self) -> list[Route]:
        """Where Intuit has them, all on one host."""
        discovery = [
            Route(f"/.well-known/{name}{slash}", self._discovery, methods=["GET"])
            for name in DISCOVERY
            for slash in ("", "/")
        ]
        return [
            *discovery,
            Route("/op/v1/jwks", self._keys, methods=["GET"]),
            Route(CONSENT_PATH, self._consent, methods=["GET"]),
            Route(TOKEN_PATH, self._token, methods=["POST"]),
            Route(REVOKE_PATH, self._revoke, methods=["POST"]),
            Route(USERINFO_PATH, self._userinfo, methods=["GET"]),
        ]

    async def _discovery(self, request: Request) -> Response:
        base = f"{request.url.scheme}://{request.url.netloc}"
        return Json(
            {
                "issuer": f"{base}/op/v1",
                "authorization_endpoint": f"{base}{CONSENT_PATH}",
                "token_endpoint": f"{base}{TOKEN_PATH}",
                "userinfo_endpoint": f"{base}{USERINFO_PATH}",
                "revocation_endpoint": f"{base}{REVOKE_PATH}",
                "jwks_uri": f"{base}/op/v1/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "email", "profile", "address", "phone"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "claims_supported": ["aud", "exp", "iat", "iss", "realmid", "sub"],
            }
        )

    async def _keys(self, _request: Request) -> Response:
        return Json({"keys": []})

    async def _consent(self, request: Request) -> Response:
        """Stand in for the person who connects a company: approve at once, or decline where an admin says so."""
        asked = request.query_params
        account = self._ctx.accounts.find("client_id", asked.get("client_id", ""))
        redirect = asked.get("redirect_uri", "")
        if account is None or not redirect.startswith(("http://", "https://")):
            # Nowhere to be trusted with an answer: the page says what is wrong (RFC 6749 §4.1.2.1).
            wrong = "client_id" if account is None else "redirect_uri"
            return Json({"error": "invalid_request", "error_description": f"Invalid {wrong}"}, status_code=400)
        answer = self._decided(account, asked.get("response_type"), asked.get("scope", ""), redirect)
        if "state" in asked:
            answer["state"] = asked["state"]
        separator = "&" if "?" in redirect else "?"
        return RedirectResponse(f"{redirect}{separator}{urlencode(answer)}", status_code=302)

    def _decided(self, account: str, response_type: str | None, scope: str, redirect: str) -> dict[str, str]:
        if response_type != "code":
            return {"error": "unsupported_response_type"}
        if SCOPE not in scope.split():
            return {"error": "invalid_scope"}
        if self._setting(account, "consent") != "approve":
            return {"error": "access_denied"}
        code = f"XAB{self._ctx.random.getrandbits(160):040x}"
        ends = self._ctx.clock.now().timestamp() + CODE_SECONDS
        self._ctx.database.set_value(account, f"code/{code}", {"redirect_uri": redirect, "ends": ends})
        return {"code": code, "realmId": (self._ctx.accounts.get(account) or {})["realm"]}

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        account = self._ctx.tokens.client(request.headers.get("authorization"), form)
        if account is None:
            return Json({"error": "invalid_client"}, status_code=401)
        try:
            match form.get("grant_type"):
                case "authorization_code":
                    grant = self._first(account, form)
                case "refresh_token":
                    grant = self._refreshed(account, form.get("refresh_token", ""))
                case _:
                    return Json({"error": "unsupported_grant_type"}, status_code=400)
        except InvalidGrantError as error:
            why = str(error) or "Incorrect or invalid refresh token"
            return Json({"error": "invalid_grant", "error_description": why}, status_code=400)
        answer: dict[str, Any] = {
            "token_type": "bearer",
            "access_token": grant.access_token,
            "refresh_token": grant.refresh_token,
            "expires_in": grant.expires_in,
            "x_refresh_token_expires_in": REFRESH_SECONDS,
        }
        if request.headers.get("x-include-refresh-token-hard-expires-in", "").lower() == "true":
            answer["x_refresh_token_hard_expires_in"] = HARD_EXPIRY_SECONDS
        return Json(answer)

    def _first(self, account: str, form: dict[str, str]) -> Grant:
        """Exchange a code, once, soon and for the address it was sent to. Raises InvalidGrantError."""
        name = f"code/{form.get('code', '')}"
        given = self._ctx.database.value(account, name)
        self._ctx.database.set_value(account, name, None)
        if given is None or float(given["ends"]) <= self._ctx.clock.now().timestamp():
            raise InvalidGrantError("Invalid authorization code")
        if form.get("redirect_uri") != given["redirect_uri"]:
            raise InvalidGrantError("redirect_uri is not the one of the authorization request")
        return self._ctx.tokens.issue(account, self._setting(account, "access_token_seconds"), REFRESH_SECONDS)

    def _refreshed(self, account: str, token: str) -> Grant:
        lifetime = self._setting(account, "access_token_seconds")
        rotate = REFRESH_SECONDS if self._setting(account, "rotate_refresh_token") else None
        return self._ctx.tokens.refresh(account, token, lifetime, rotate_to=rotate)

    async def _revoke(self, request: Request) -> Response:
        text = (await request.body()).decode()
        form = loads(text) if text.startswith("{") else dict(parse_qsl(text))
        if self._ctx.tokens.client(request.headers.get("authorization"), {}) is None:
            return Json({"error": "invalid_client"}, status_code=401)
        if not form.get("token"):
            return Json({"error": "invalid_request"}, status_code=400)
        self._ctx.tokens.revoke(str(form["token"]))
        return Response(status_code=200)

    async def _userinfo(self, request: Request) -> Response:
        try:
            account = self._ctx.tokens.bearer(request.headers.get("authorization"))
        except InvalidTokenError as error:
            return Json({"error": "invalid_token", "error_description": error.reason}, status_code=401)
        email = f"{account}@company.example"
        return Json(
            {"sub": account, "email": email, "emailVerified": True, "givenName": "Sandbox", "familyName": "User"}
        )

    def _setting(self, account: str, name: str) -> Any:
        return self._ctx.setting(account, name, self._defaults[name])
