"""Keys that a vendor hands out once and for all: read from the token store, put into every request."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from connectors import accounts
from connectors.errors import FatalError
from connectors.http import UNAUTHORIZED, Http, Reach, open_http
from connectors.ports import Account, Tools

Header = Callable[[Mapping[str, str]], str]
"""The stored values -> an `Authorization` header."""


@dataclass(slots=True)
class Keyed:
    """A way out with a key put in. A refused key is read from the store anew: the operator may have changed it."""

    http: Http
    account: Account
    tools: Tools
    needed: tuple[str, ...]
    header: Header
    _known: str = field(default="")

    async def get(self, operation: str, url: str, params: Mapping[str, str], **headers: str) -> httpx.Response:
        """Read; returns the answer, whatever the status.

        Raises:
            FatalError: the key is not in the store.
            ConnectorError: see `Http.request`.
        """
        authorization = self._known or await self._stored()
        response = await self._send(operation, url, params, headers, authorization)
        if response.status_code == UNAUTHORIZED and await self._stored() != authorization:
            response = await self._send(operation, url, params, headers, self._known)
        return response

    async def _send(
        self, operation: str, url: str, params: Mapping[str, str], headers: Mapping[str, str], authorization: str
    ) -> httpx.Response:
        return await self.http.request(
            operation, "GET", url, reads=True, params=params, headers=headers, pinned=authorization
        )

    async def _stored(self) -> str:
        secret = await self.tools.tokens.get(self.account.tenant, self.account.vendor)
        values: Mapping[str, Any] = secret.values if secret else {}
        for name in self.needed:
            if not values.get(name):
                raise FatalError(
                    f"{accounts.where(self.account)}: credential {name} is missing; add it and apply again"
                )
        self._known = self.header(values)
        return self._known


def open_keyed(
    account: Account,
    tools: Tools,
    suffixes: tuple[str, ...],
    needed: tuple[str, ...],
    header: Header,
    *,
    timeout_seconds: float,
) -> tuple[Keyed, Callable[[], Awaitable[None]]]:
    """Return the way out with the key put in, and what ends it. Reads settings `ca_file` and `timeout_seconds`.

    Raises:
        FatalError: a setting is wrong, or the address is not allowed; the message names it.
    """
    reach = Reach(suffixes, tools.allow_hosts)
    reach.check_setting("base_url", account.base_url)
    http = open_http(
        account.vendor,
        reach,
        timeout_seconds=accounts.number(account, "timeout_seconds", timeout_seconds, minimum=1),
        ca_file=accounts.text(account, "ca_file", ""),
    )
    return Keyed(http, account, tools, needed, header), http.aclose
