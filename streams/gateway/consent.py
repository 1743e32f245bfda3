"""`GET /oauth/callback`: where a vendor sends people back who let us into an account.

The tokens go into the store, company and address of the API into the connection, so that its work begins.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from connectors.catalogue import VENDORS
from connectors.consent import STALE, Connected, Consent, Consenting, complete, owner
from connectors.errors import ConnectorError, FatalError, RejectedError
from connectors.kafka.records import Connection
from connectors.ports import Account, Tools

logger = logging.getLogger(__name__)

PATH = "/oauth/callback"
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'",
}


def callback(public_url: str) -> str:
    """Return the address of the callback as vendors' apps must know it."""
    return f"{public_url}{PATH}"


def consent_page(account: Account) -> Consent:
    """Return the consent page of a connection's vendor.

    Raises:
        FatalError: the vendor has none, or the connection's settings do not go with it.
    """
    vendor = VENDORS[account.vendor]
    if not isinstance(vendor, Consenting):
        raise FatalError(f"{account.vendor} has no consent page; its credentials go into the connection's file")
    return vendor.consent(account)


def names_company(account: Account) -> bool:
    """Tell whether the vendor's answer to a consent names the company."""
    try:
        return bool(consent_page(account).company)
    except FatalError:
        return False


class Callback:
    """Takes the answers.

    Args:
        connection: a tenant's.
        put: writes a changed connection.
        tools: of the exchange.
    """

    def __init__(
        self,
        connection: Callable[[str], Connection | None],
        put: Callable[[Connection], Awaitable[str]],
        tools: Tools,
    ) -> None:
        self._connection = connection
        self._put = put
        self._tools = tools

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route(PATH, self.take, methods=["GET"])]

    async def take(self, request: Request) -> Response:
        """Take one answer, and tell the person what came of it."""
        answer = dict(request.query_params)
        try:
            tenant, vendor = await self._connect(answer)
        except RejectedError as error:
            return _page(400, "Not connected", str(error))
        except ConnectorError as error:
            logger.error("consent: %s", error)  # noqa: TRY400  the message says all
            return _page(502, "Not connected", "the vendor gave no tokens; run `sluiceway connections authorize` again")
        return _page(200, "Connected", f"{vendor} is connected for {tenant}. You may close this window.")

    async def _connect(self, answer: dict[str, str]) -> tuple[str, str]:
        state = answer.pop("state", "")
        tenant, vendor = owner(state)
        connection = self._connection(tenant)
        known = connection.vendors.get(vendor) if connection else None
        if connection is None or known is None:
            raise RejectedError(STALE)
        account = Account(tenant, vendor, known.base_url, known.account, known.settings)
        found = await complete(account, consent_page(account), self._tools, state, answer)
        await self._note(connection, vendor, found)
        return tenant, vendor

    async def _note(self, connection: Connection, vendor: str, found: Connected) -> None:
        """Write what the vendor said of the company into the connection."""
        known = connection.vendors[vendor]
        changed = replace(known, account=found.account or known.account, base_url=found.base_url or known.base_url)
        if changed != known:
            await self._put(replace(connection, vendors={**connection.vendors, vendor: changed}))


def _page(status: int, title: str, text: str) -> Response:
    page = f"<!doctype html><meta charset=utf-8><title>{escape(title)}</title><h1>{escape(title)}</h1><p>{escape(text)}"
    return HTMLResponse(page, status, HEADERS)
