"""Who calls, about which shop, in which version of the API."""

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import Json
from connectors.sandbox.oauth import InvalidTokenError
from connectors.sandbox.shopify.shop import Shop

OLDEST, STABLE, CANDIDATE = "2025-10", "2026-10", "2027-01"
"""Versions are quarterly and supported for a year; an older one is answered by the oldest that is supported."""
VERSION = re.compile(r"20\d\d-(01|04|07|10)")
TOKEN = "x-shopify-access-token"  # noqa: S105 (a header's name)
UNAUTHORISED = "[API] Invalid API key or access token (unrecognized login or wrong password)"


@dataclass(frozen=True, slots=True)
class RefusedError(Exception):
    """The call goes no further than this answer."""

    status: int
    message: str

    def response(self) -> Response:
        """The answer."""
        return Json({"errors": self.message}, status_code=self.status)


class Access:
    """Finds the shop of a request: by its token, and by its host or `shop` parameter where there is none."""

    def __init__(self, ctx: SandboxContext) -> None:
        self._ctx = ctx

    def shop(self, request: Request) -> Shop:
        """The shop a call with a token is about. Raises RefusedError."""
        try:
            account = self._ctx.tokens.bearer(f"Bearer {request.headers.get(TOKEN, '')}")
        except InvalidTokenError:
            raise RefusedError(401, UNAUTHORISED) from None
        if self.by_host(request) not in {None, account}:
            raise RefusedError(401, UNAUTHORISED)
        return self.opened(request, account)

    def opened(self, request: Request, account: str) -> Shop:
        """An account's shop, for a caller who needs no token. Raises RefusedError for an unknown version."""
        version = self._version(request.path_params.get("version"))
        return Shop(self._ctx, account, version, f"{request.url.scheme}://{request.url.netloc}")

    def account_of(self, request: Request) -> str | None:
        """The account a call is about, as far as it can be told."""
        token = request.headers.get(TOKEN)
        if token and (owner := self._ctx.tokens.owner(token)):
            return owner
        if named := request.query_params.get("shop"):
            return self._ctx.accounts.find("shop", named)
        return self.by_host(request)

    def by_host(self, request: Request) -> str | None:
        """The account whose shop the host names: `<handle>.myshopify.com`, or `<handle>.` and any other domain."""
        handle, _, rest = (request.url.hostname or "").partition(".")
        return self._ctx.accounts.find("handle", handle) if rest else None

    @staticmethod
    def _version(asked: str | None) -> str:
        if asked is None:
            return OLDEST
        if asked == "unstable" or (VERSION.fullmatch(asked) and OLDEST <= asked <= CANDIDATE):
            return asked
        if VERSION.fullmatch(asked) and asked < OLDEST:
            return OLDEST
        raise RefusedError(404, "Not Found")
