"""What opening a connection has in common: the way out with a token put in, and what an account may use."""

from collections.abc import Awaitable, Callable

import httpx

from connectors import accounts
from connectors.http import BEARER, Http, Reach, open_http
from connectors.oauth import REQUEST_SECONDS, Grant, TokenProvider
from connectors.ports import Account, Limits, Tools, Window

DAY_SECONDS = 86400.0


def open_authorised(
    account: Account,
    tools: Tools,
    suffixes: tuple[str, ...],
    grant: Grant,
    *,
    timeout_seconds: float,
    about_token: Callable[[httpx.Response], bool],
    token_header: tuple[str, str] = BEARER,
) -> tuple[Http, Callable[[], Awaitable[None]]]:
    """Return the way out with tokens put in, and what ends it. Reads settings `ca_file` and `timeout_seconds`.

    Raises:
        FatalError: a setting is wrong, or an address is not allowed; the message names it.
    """
    reach = Reach(suffixes, tools.allow_hosts)
    reach.check_setting("base_url", account.base_url)
    reach.check_setting("token_url", grant.token_url)
    ca_file = accounts.text(account, "ca_file", "")
    timeout = accounts.number(account, "timeout_seconds", timeout_seconds, minimum=1)
    token_http = open_http(account.vendor, reach, timeout_seconds=REQUEST_SECONDS, ca_file=ca_file)
    tokens = TokenProvider(account, grant, token_http, tools.tokens, tools.clock)
    plain = open_http(account.vendor, reach, timeout_seconds=timeout, ca_file=ca_file)
    http = plain.authorised(tokens, about_token, token_header)

    async def aclose() -> None:
        await tokens.aclose()
        await token_http.aclose()
        await http.aclose()

    return http, aclose


def daily_limits(account: Account, *, calls: float, concurrency: float, in_doubt_seconds: float) -> Limits:
    """Return limits of so many calls a day; settings `daily_calls`, `concurrency`, `in_doubt_seconds` override them.

    Raises:
        FatalError: a setting is no number; the message names it.
    """
    daily = accounts.number(account, "daily_calls", calls, minimum=1)
    return Limits((Window(int(daily), DAY_SECONDS),), *_shared(account, concurrency, in_doubt_seconds))


def rate_limits(
    account: Account,
    setting: str,
    per_second: float,
    *,
    concurrency: float,
    in_doubt_seconds: float,
    poll_seconds: float,
) -> Limits:
    """Return limits of so much a second; settings `setting`, `concurrency`, `in_doubt_seconds` override them.

    Raises:
        FatalError: a setting is no number; the message names it.
    """
    rate = accounts.number(account, setting, per_second, minimum=1)
    return Limits((Window(int(rate), 1.0),), *_shared(account, concurrency, in_doubt_seconds), poll_seconds)


def _shared(account: Account, concurrency: float, in_doubt_seconds: float) -> tuple[int, float]:
    together = accounts.number(account, "concurrency", concurrency, minimum=1)
    return int(together), accounts.number(account, "in_doubt_seconds", in_doubt_seconds)
