"""Who calls: keys by Basic or query over https, OAuth 1.0a one-legged over http (`WC_REST_Authentication`)."""

import base64
import binascii
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.requests import Request

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.woocommerce.errors import WooError, unauthenticated

OAUTH = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")
WINDOW_SECONDS = 15 * 60
ALGORITHMS = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
FORM = "application/x-www-form-urlencoded"


def query_of(request: Request) -> dict[str, str]:
    """The query as PHP reads it: the last of a repeated name holds; `name[]` becomes `name[0]` and so on."""
    found: dict[str, str] = {}
    # A client that appends its parameters to a signed address sends them twice; the second copy adds nothing.
    for name, value in dict.fromkeys(parse_qsl(request.url.query, keep_blank_values=True)):
        base, bracket, _ = name.partition("[]")
        if bracket:
            index = sum(1 for known in found if known.startswith(f"{base}["))
            found[f"{base}[{index}]"] = value
        else:
            found[name] = value
    return found


async def account_of(ctx: SandboxContext, request: Request) -> str | None:
    """The account whose key signed the request; None: nobody has been named.

    Raises:
        WooError: a key was given and is not good.
    """
    query = query_of(request)
    if request.url.scheme == "https":
        key, secret = query.get("consumer_key", ""), query.get("consumer_secret", "")
        if not (key and secret):
            key, secret = basic(request.headers.get("authorization", ""))
        account = ctx.accounts.find("client_id", key) if key and secret else None
        if account is not None:
            if not hmac.compare_digest(_secret(ctx, account).encode(), secret.encode()):
                raise unauthenticated("Consumer secret is invalid.")
            return account
    return _oauth(ctx, request, {**query, **await _form(request), **_header(request)})


def permitted(ctx: SandboxContext, account: str, method: str) -> None:
    """Check the key's permissions.

    Raises:
        WooError: it may not read, or not write.
    """
    permissions = ctx.setting(account, "key_permissions", "read_write")
    reads = method in {"GET", "HEAD"}
    if method != "OPTIONS" and permissions not in {"read_write", "read" if reads else "write"}:
        wanted = "read" if reads else "write"
        raise unauthenticated(f"The API key provided does not have {wanted} permissions.")


def _oauth(ctx: SandboxContext, request: Request, params: dict[str, str]) -> str | None:
    absent = [name for name in OAUTH if not params.get(name)]
    if len(absent) == len(OAUTH):
        return None
    if absent:
        plural = "s" if len(absent) > 1 else ""
        raise WooError(
            "woocommerce_rest_authentication_missing_parameter",
            f"Missing OAuth parameter{plural} {', '.join(absent)}",
            401,
        )
    account = ctx.accounts.find("client_id", params["oauth_consumer_key"])
    if account is None:
        raise unauthenticated("Consumer key is invalid.")
    _check_signature(request, params, _secret(ctx, account))
    _check_once(ctx, account, params)
    return account


def _check_signature(request: Request, params: dict[str, str], secret: str) -> None:
    if params["oauth_signature_method"] not in ALGORITHMS:
        raise unauthenticated("Invalid signature - signature method is invalid.")
    given = params["oauth_signature"].replace(" ", "+")
    url = f"{request.url.scheme}://{request.url.netloc}{request.url.path}"
    pairs = [f"{_twice(name)}%3D{_twice(value)}" for name, value in sorted(params.items()) if name != "oauth_signature"]
    base = f"{request.method}&{_encoded(url)}&{'%26'.join(pairs)}"
    algorithm = ALGORITHMS[params["oauth_signature_method"]]
    made = base64.b64encode(hmac.digest(f"{secret}&".encode(), base.encode(), algorithm))
    if not hmac.compare_digest(made, given.encode()):
        raise unauthenticated("Invalid signature - provided signature does not match.")


def _check_once(ctx: SandboxContext, account: str, params: dict[str, str]) -> None:
    now, stamp = int(ctx.clock.now().timestamp()), params["oauth_timestamp"]
    if not stamp.isdigit() or abs(int(stamp) - now) > WINDOW_SECONDS:
        raise unauthenticated("Invalid timestamp.")
    used: dict[str, Any] = ctx.database.value(account, "nonces") or {}
    if params["oauth_nonce"] in used:
        raise unauthenticated("Invalid nonce - nonce has already been used.")
    alive = {nonce: at for nonce, at in used.items() if at >= now - WINDOW_SECONDS}
    ctx.database.set_value(account, "nonces", {**alive, params["oauth_nonce"]: int(stamp)})


def _secret(ctx: SandboxContext, account: str) -> str:
    return str((ctx.accounts.get(account) or {})["client_secret"])


def _encoded(text: str) -> str:
    return quote(text, safe="~")


def _twice(text: str) -> str:
    return _encoded(_encoded(text))


def basic(header: str) -> tuple[str, str]:
    """Key and secret of an `Authorization` header; empty where it has none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        key, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return key, secret


async def _form(request: Request) -> dict[str, str]:
    if not request.headers.get("content-type", "").startswith(FORM):
        return {}
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def _header(request: Request) -> dict[str, str]:
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme != "OAuth":
        return {}
    parts = (part.strip().partition("=") for part in rest.split(","))
    fields = {name: dict(parse_qsl(f"v={value.strip(chr(34))}")).get("v", "") for name, _, value in parts}
    return {name: value for name, value in fields.items() if name.startswith("oauth_")}
