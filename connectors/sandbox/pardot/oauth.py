"""A stand-in for the Salesforce login that gives out Pardot's tokens: consent, client credentials and refresh."""

import base64
import hashlib
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import Json
from connectors.sandbox.oauth import Grant, InvalidGrantError
from connectors.sandbox.pardot.unit import SETTINGS

REFRESH_SECONDS = 10 * 365 * 86_400
CODE_SECONDS = 900
KINDS = frozenset({"authorization_code", "client_credentials", "refresh_token"})


async def authorize(ctx: SandboxContext, request: Request) -> Response:
    """`GET /services/oauth2/authorize`: stand in for a person who always agrees."""
    asked = request.query_params
    account = ctx.accounts.find("client_id", asked.get("client_id", ""))
    redirect = asked.get("redirect_uri", "")
    if account is None:
        return _refused("invalid_client_id", "client identifier invalid")
    if not redirect.startswith(("http://", "https://")):
        return _refused("redirect_uri_mismatch", "redirect_uri must match configuration")
    answer = {"error": "unsupported_response_type", "error_description": "response type not supported"}
    if asked.get("response_type") == "code":
        code = f"aPrx{ctx.random.getrandbits(160):040x}=="
        ends = ctx.clock.now().timestamp() + CODE_SECONDS
        pending = {"redirect_uri": redirect, "ends": ends, "challenge": asked.get("code_challenge", "")}
        ctx.database.set_value(account, f"code/{code}", pending)
        answer = {"code": code}
    answer |= {"state": asked["state"]} if "state" in asked else {}
    separator = "&" if "?" in redirect else "?"
    return RedirectResponse(f"{redirect}{separator}{urlencode(answer)}", status_code=302)


async def token(ctx: SandboxContext, request: Request) -> Response:
    """`POST /services/oauth2/token`; like Salesforce's own it says nothing of a lifetime."""
    form = dict(parse_qsl((await request.body()).decode(errors="replace")))
    account = ctx.tokens.client(request.headers.get("authorization"), form)
    kind = form.get("grant_type", "")
    if kind not in KINDS:
        return _refused("unsupported_grant_type", "grant type not supported")
    if account is None:
        return _refused("invalid_client", "invalid client credentials")
    try:
        grant = _granted(ctx, account, kind, form)
    except InvalidGrantError as error:
        return _refused("invalid_grant", str(error) or "expired access/refresh token")
    body = {
        "access_token": grant.access_token,
        "scope": "pardot_api refresh_token",
        "instance_url": f"{request.url.scheme}://{request.url.netloc}",
        "token_type": "Bearer",
        "issued_at": str(int(ctx.clock.now().timestamp() * 1000)),
    }
    return Json(body | ({"refresh_token": grant.refresh_token} if kind == "authorization_code" else {}))


def _granted(ctx: SandboxContext, account: str, kind: str, form: Mapping[str, str]) -> Grant:
    seconds = ctx.setting(account, "session_seconds", SETTINGS["session_seconds"])
    if kind == "refresh_token":
        return ctx.tokens.refresh(account, form.get("refresh_token", ""), seconds, rotate_to=None)
    if kind == "client_credentials":
        return Grant(ctx.tokens.access(account, seconds), "", seconds)
    _check_code(ctx, account, form)
    return ctx.tokens.issue(account, seconds, REFRESH_SECONDS)


def _check_code(ctx: SandboxContext, account: str, form: Mapping[str, str]) -> None:
    """Take a code, once and in time; PKCE is checked where it was asked for with a challenge."""
    name = f"code/{form.get('code', '')}"
    pending = ctx.database.value(account, name)
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if pending is None or pending["ends"] <= ctx.clock.now().timestamp():
        raise InvalidGrantError("expired authorization code")
    if pending["redirect_uri"] != form.get("redirect_uri") or pending["challenge"] not in {"", challenge}:
        raise InvalidGrantError("invalid code verifier or redirect_uri")
    ctx.database.set_value(account, name, None)


def _refused(error: str, description: str) -> Response:
    return Json({"error": error, "error_description": description}, status_code=400)
