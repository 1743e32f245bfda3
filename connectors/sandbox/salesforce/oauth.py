"""The OAuth endpoints (RFC 6749, RFC 7523) in Salesforce's dialect: no `expires_in`, tokens named after the org."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from starlette.requests import Request
from starlette.responses import Response

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import Json, loads
from connectors.sandbox.oauth import InvalidGrantError, InvalidTokenError
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.orgs import Orgs

PUBLIC_KEY, SESSION_SECONDS = "jwt_public_key", "session_seconds"
SETTINGS: Mapping[str, Any] = {PUBLIC_KEY: "", SESSION_SECONDS: 7200}
REFRESH_SECONDS = 10 * 365 * 86_400
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SHORT = 15


class OAuthError(Exception):
    """A refused token request: RFC 6749 error code and description, HTTP 400."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.body = {"error": error, "error_description": description}


class OAuth:
    """Issues and checks sessions; a session is the framework's token with the org's id before a `!`."""

    def __init__(self, ctx: SandboxContext, orgs: Orgs) -> None:
        self._ctx = ctx
        self._orgs = orgs

    def account(self, authorization: str | None) -> str:
        """The account of a call; raises INVALID_SESSION_ID."""
        try:
            account = self._ctx.tokens.bearer(f"Bearer {_inner(authorization)}")
        except InvalidTokenError:
            raise ApiError("INVALID_SESSION_ID", "Session expired or invalid") from None
        if _org_part(authorization) != self._orgs.org_id(account)[:_SHORT]:
            raise ApiError("INVALID_SESSION_ID", "Session expired or invalid")
        return account

    def owner(self, request: Request) -> str | None:
        """The account a request seems to be about, for metering."""
        authorization = request.headers.get("authorization")
        return self._ctx.tokens.owner(_inner(authorization)) or self._ctx.tokens.client(authorization, {})

    def session(self, account: str) -> str:
        """A new session id."""
        seconds = self._ctx.setting(account, SESSION_SECONDS, SETTINGS[SESSION_SECONDS])
        return self._named(account, self._ctx.tokens.access(account, seconds))

    def _named(self, account: str, token: str) -> str:
        return f"{self._orgs.org_id(account)[:_SHORT]}!{token}"

    async def token(self, request: Request) -> Response:
        """`POST /services/oauth2/token`."""
        form = dict(parse_qsl((await request.body()).decode(errors="replace")))
        try:
            return self._granted(request, *self._grant(request, form))
        except OAuthError as error:
            return Json(error.body, status_code=400)

    def _grant(self, request: Request, form: Mapping[str, str]) -> tuple[str, str]:
        kind = form.get("grant_type", "")
        if kind == _JWT_BEARER:
            account = self._asserted(form.get("assertion", ""))
            return account, self.session(account)
        client = self._ctx.tokens.client(request.headers.get("authorization"), form)
        if kind not in {"client_credentials", "refresh_token"}:
            raise OAuthError("unsupported_grant_type", "grant type not supported")
        if client is None:
            raise OAuthError("invalid_client", "invalid client credentials")
        if kind == "client_credentials":
            return client, self.session(client)
        seconds = self._ctx.setting(client, SESSION_SECONDS, SETTINGS[SESSION_SECONDS])
        try:
            grant = self._ctx.tokens.refresh(client, form.get("refresh_token", ""), seconds, rotate_to=None)
        except InvalidGrantError:
            raise OAuthError("invalid_grant", "expired access/refresh token") from None
        return client, self._named(client, grant.access_token)

    def _asserted(self, assertion: str) -> str:
        """The account of a JWT signed with the key that was registered for it."""
        try:
            signed, _, signature = assertion.rpartition(".")
            header, claims = (loads(_decoded(part)) for part in signed.split("."))
            account = self._ctx.accounts.find("client_id", str(claims["iss"]))
            expires = float(claims["exp"])
        except (ValueError, KeyError, TypeError, binascii.Error):
            raise OAuthError("invalid_grant", "invalid assertion") from None
        if account is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        pem = self._ctx.setting(account, PUBLIC_KEY, "")
        if header.get("alg") != "RS256" or not pem or not _verified(pem, signed, signature):
            raise OAuthError("invalid_grant", "invalid assertion")
        if claims.get("sub") != self._orgs.org(account).user["Username"]:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        if expires <= self._ctx.clock.now().timestamp():
            raise OAuthError("invalid_grant", "expired authorization code")
        return account

    def _granted(self, request: Request, account: str, session: str) -> Response:
        instance = f"{request.url.scheme}://{request.url.netloc}"
        identity = f"{instance}/id/{self._orgs.org_id(account)}/{self._orgs.org(account).user['Id']}"
        issued = str(int(self._ctx.clock.now().timestamp() * 1000))
        secret = (self._ctx.accounts.get(account) or {})["client_secret"]
        signature = hmac.new(secret.encode(), f"{identity}{issued}".encode(), hashlib.sha256).digest()
        return Json(
            {
                "access_token": session,
                "signature": base64.b64encode(signature).decode(),
                "scope": "api pardot_api refresh_token",
                "instance_url": instance,
                "id": identity,
                "token_type": "Bearer",
                "issued_at": issued,
            },
            headers={"Cache-Control": "no-cache, no-store"},
        )

    async def userinfo(self, request: Request) -> Response:
        """`GET /services/oauth2/userinfo`."""
        try:
            account = self.account(request.headers.get("authorization"))
        except ApiError as error:
            return Json(error.envelope(), status_code=error.status)
        user = self._orgs.org(account).user
        return Json(
            {
                "sub": f"{request.url.scheme}://{request.url.netloc}/id/{self._orgs.org_id(account)}/{user['Id']}",
                "user_id": user["Id"],
                "organization_id": self._orgs.org_id(account),
                "preferred_username": user["Username"],
                "name": user["Name"],
                "email": user["Email"],
                "zoneinfo": user["TimeZoneSidKey"],
                "active": user["IsActive"],
            }
        )


def _inner(authorization: str | None) -> str:
    return (authorization or "").partition(" ")[2].strip().partition("!")[2]


def _org_part(authorization: str | None) -> str:
    return (authorization or "").partition(" ")[2].strip().partition("!")[0]


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _verified(pem: str, signed: str, signature: str) -> bool:
    try:
        key = load_pem_public_key(pem.encode())
        if isinstance(key, RSAPublicKey):
            key.verify(_decoded(signature), signed.encode(), PKCS1v15(), hashes.SHA256())
            return True
    except (InvalidSignature, ValueError):
        pass
    return False
