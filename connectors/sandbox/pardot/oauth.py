"""A stand-in for the Salesforce login that gives out Pardot's tokens: client credentials and refresh."""

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import Json
from connectors.sandbox.oauth import InvalidGrantError
from connectors.sandbox.pardot.unit import SETTINGS

REFRESH_SECONDS = 10 * 365 * 86_400


async def token(ctx: SandboxContext, request: Request) -> Response:
    """`POST /services/oauth2/token`; like Salesforce's own it says nothing of a lifetime."""
    form = dict(parse_qsl((await request.body()).decode(errors="replace")))
    account = ctx.tokens.client(request.headers.get("authorization"), form)
    kind = form.get("grant_type")
    if kind not in {"client_credentials", "refresh_token"}:
        return _refused("unsupported_grant_type", "grant type not supported")
    if account is None:
        return _refused("invalid_client", "invalid client credentials")
    seconds = ctx.setting(account, "session_seconds", SETTINGS["session_seconds"])
    try:
        session = (
            ctx.tokens.refresh(account, form.get("refresh_token", ""), seconds, rotate_to=None).access_token
            if kind == "refresh_token"
            else ctx.tokens.access(account, seconds)
        )
    except InvalidGrantError:
        return _refused("invalid_grant", "expired access/refresh token")
    return Json(
        {
            "access_token": session,
            "scope": "pardot_api refresh_token",
            "instance_url": f"{request.url.scheme}://{request.url.netloc}",
            "token_type": "Bearer",
            "issued_at": str(int(ctx.clock.now().timestamp() * 1000)),
        }
    )


def _refused(error: str, description: str) -> Response:
    return Json({"error": error, "error_description": description}, status_code=400)
