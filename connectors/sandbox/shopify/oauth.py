"""Shopify's OAuth: authorization code grant, client credentials, expiring tokens and their refresh.

Source: shopify.dev, "Authorization code grant", "Client credentials grant", "About offline access tokens" (2025-12-10).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import Json, loads
from connectors.sandbox.oauth import InvalidGrantError

TOKEN_PATH = "/admin/oauth/access_token"  # noqa: S105 (an address)
AUTHORIZE_PATH = "/admin/oauth/authorize"
EXPIRING_SECONDS, REFRESH_SECONDS, CREDENTIALS_SECONDS = 3600, 7_776_000, 86_399
FOREVER_SECONDS = 3_153_600_000
SCOPES = ",".join(
    (
        *("read_customers", "write_customers", "read_products", "write_products", "read_orders", "write_orders"),
        *("read_inventory", "write_inventory", "read_locations", "read_checkouts"),
    )
)


def signed(params: Mapping[str, str], secret: str) -> str:
    """The `hmac` of a redirect: hex HMAC-SHA256 of the other parameters, sorted, as a query string."""
    text = "&".join(f"{name}={value}" for name, value in sorted(params.items()))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class OAuth:
    """The endpoints of all shops; the merchant agrees to whatever is asked."""

    def __init__(self, ctx: SandboxContext) -> None:
        self._ctx = ctx

    def routes(self) -> list[Route]:
        """Where Shopify has them, on the shop's host."""
        return [
            Route(AUTHORIZE_PATH, self._authorize, methods=["GET"]),
            Route(TOKEN_PATH, self._token, methods=["POST"]),
        ]

    async def _authorize(self, request: Request) -> Response:
        query = request.query_params
        account = self._ctx.accounts.find("client_id", query.get("client_id", ""))
        target = query.get("redirect_uri", "")
        if account is None:
            return _refused("application_cannot_be_found", "No application with this client id")
        if not target.startswith(("https://", "http://")):
            return _refused("invalid_request", "The redirect_uri is not whitelisted")
        identity = self._ctx.accounts.get(account) or {}
        code = f"{self._ctx.random.getrandbits(128):032x}"
        self._ctx.database.set_value(account, f"code/{code}", {"scope": query.get("scope") or SCOPES})
        shop = str(identity["shop"])
        host = base64.b64encode(f"{shop}/admin".encode()).decode().rstrip("=")
        params = {"code": code, "host": host, "shop": shop, "timestamp": str(int(self._ctx.clock.now().timestamp()))}
        if "state" in query:
            params["state"] = query["state"]
        params["hmac"] = signed(params, identity["client_secret"])
        return RedirectResponse(f"{target}{'&' if '?' in target else '?'}{urlencode(params)}", status_code=302)

    async def _token(self, request: Request) -> Response:
        form = _form(await request.body())
        account = self._ctx.tokens.client(None, form)
        if account is None:
            return _refused("invalid_client", "Client authentication failed")
        match form.get("grant_type"):
            case "client_credentials":
                return self._granted(account, SCOPES, CREDENTIALS_SECONDS)
            case "refresh_token":
                return self._refreshed(account, form)
            case None | "authorization_code":
                return self._exchanged(account, form)
            case _:
                return _refused("unsupported_grant_type", "This grant is not served")

    def _exchanged(self, account: str, form: Mapping[str, str]) -> Response:
        name = f"code/{form.get('code', '')}"
        known = self._ctx.database.value(account, name)
        if known is None:
            return _refused("invalid_request", "The authorization code was not found or was already used")
        self._ctx.database.set_value(account, name, None)
        if form.get("expiring") in {"1", "true"}:
            grant = self._ctx.tokens.issue(account, EXPIRING_SECONDS, REFRESH_SECONDS)
            return _pair(grant.access_token, grant.refresh_token, known["scope"])
        return Json({"access_token": self._ctx.tokens.access(account, FOREVER_SECONDS), "scope": known["scope"]})

    def _granted(self, account: str, scope: str, lifetime: int) -> Response:
        token = self._ctx.tokens.access(account, lifetime)
        return Json({"access_token": token, "scope": scope, "expires_in": lifetime})

    def _refreshed(self, account: str, form: Mapping[str, str]) -> Response:
        old = form.get("refresh_token", "")
        try:
            grant = self._ctx.tokens.refresh(account, old, EXPIRING_SECONDS, rotate_to=REFRESH_SECONDS)
        except InvalidGrantError:
            return _refused("invalid_grant", "The refresh token is unknown, expired or was already used")
        return _pair(grant.access_token, grant.refresh_token, SCOPES)


def _pair(access: str, refresh: str, scope: str) -> Response:
    lifetimes = {"expires_in": EXPIRING_SECONDS, "refresh_token_expires_in": REFRESH_SECONDS}
    return Json({"access_token": access, "refresh_token": refresh, "scope": scope, **lifetimes})


def _refused(error: str, text: str) -> Response:
    return Json({"error": error, "error_description": text}, status_code=400)


def _form(body: bytes) -> dict[str, str]:
    text = body.decode(errors="replace")
    try:
        sent: Any = loads(text) if text.lstrip().startswith("{") else dict(parse_qsl(text))
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in sent.items()}
