"""Intuit's OAuth 2 endpoints: discovery, token refresh, revocation, user info.

Source: developer.intuit.com, OpenID configuration documents and "Set up OAuth 2.0".
"""

from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import Json, loads
from connectors.sandbox.oauth import InvalidGrantError, InvalidTokenError

REFRESH_SECONDS = 8_726_400
HARD_EXPIRY_SECONDS = 157_680_000
DISCOVERY = ("openid_configuration", "openid_sandbox_configuration")
TOKEN_PATH = "/oauth2/v1/tokens/bearer"  # noqa: S105 - an address
REVOKE_PATH = "/v2/oauth2/tokens/revoke"
USERINFO_PATH = "/v1/openid_connect/userinfo"


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
            Route(TOKEN_PATH, self._token, methods=["POST"]),
            Route(REVOKE_PATH, self._revoke, methods=["POST"]),
            Route(USERINFO_PATH, self._userinfo, methods=["GET"]),
        ]

    async def _discovery(self, request: Request) -> Response:
        base = f"{request.url.scheme}://{request.url.netloc}"
        return Json(
            {
                "issuer": f"{base}/op/v1",
                "authorization_endpoint": f"{base}/connect/oauth2",
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

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        account = self._ctx.tokens.client(request.headers.get("authorization"), form)
        if account is None:
            return Json({"error": "invalid_client"}, status_code=401)
        if form.get("grant_type") != "refresh_token":
            return Json({"error": "unsupported_grant_type"}, status_code=400)
        rotate = self._setting(account, "rotate_refresh_token")
        lifetime = self._setting(account, "access_token_seconds")
        try:
            grant = self._ctx.tokens.refresh(
                account, form.get("refresh_token", ""), lifetime, rotate_to=REFRESH_SECONDS if rotate else None
            )
        except InvalidGrantError:
            error = {"error": "invalid_grant", "error_description": "Incorrect or invalid refresh token"}
            return Json(error, status_code=400)
        answer = {
            "token_type": "bearer",
            "access_token": grant.access_token,
            "refresh_token": grant.refresh_token,
            "expires_in": grant.expires_in,
            "x_refresh_token_expires_in": REFRESH_SECONDS,
        }
        if request.headers.get("x-include-refresh-token-hard-expires-in", "").lower() == "true":
            answer["x_refresh_token_hard_expires_in"] = HARD_EXPIRY_SECONDS
        return Json(answer)

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
