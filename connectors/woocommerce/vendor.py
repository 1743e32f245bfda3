"""WooCommerce's entry in the catalogue."""

import ipaddress
from base64 import b64encode
from collections.abc import Mapping

import httpx

from connectors.errors import FatalError
from connectors.keys import open_keyed
from connectors.opening import rate_limits
from connectors.ports import Account, Connector, Tools, WebhookReader
from connectors.woocommerce.client import WooClient
from connectors.woocommerce.fetch import WooCommerceFetcher
from connectors.woocommerce.source import WooCommerceSource
from connectors.woocommerce.webhook import WooCommerceWebhook

CALLS_PER_SECOND = 5
"""WooCommerce has no limit; its machine is often small."""
CONCURRENCY = 2
TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 60.0
IN_DOUBT_SECONDS = 120.0
LOCAL = (".local", ".internal", ".localhost", ".home.arpa")


class WooCommerce:
    """Opens connections to shops; `Account.account` is the shop's host and path, `Account.base_url` its address."""

    name = "woocommerce"
    webhook: WebhookReader | None = WooCommerceWebhook()

    def open(self, account: Account, tools: Tools) -> Connector:
        """Build the connection; nothing is sent yet.

        Raises:
            FatalError: a setting is missing or wrong; the message names it.
        """
        limits = rate_limits(
            account,
            "calls_per_second",
            CALLS_PER_SECOND,
            concurrency=CONCURRENCY,
            in_doubt_seconds=IN_DOUBT_SECONDS,
            poll_seconds=POLL_SECONDS,
        )
        keyed, aclose = open_keyed(
            account, tools, _own(account), ("client_id", "client_secret"), _basic, timeout_seconds=TIMEOUT_SECONDS
        )
        if not account.base_url.lower().startswith("https:"):
            raise FatalError("setting base_url: WooCommerce takes keys over https only; correct the address")
        client = WooClient(keyed, account.base_url, tools.clock)
        fetcher = WooCommerceFetcher(client)
        return Connector(limits, WooCommerceSource(client, fetcher, account, tools.clock), fetcher, None, aclose)


def _own(account: Account) -> tuple[str, ...]:
    """The shop's own host is the vendor's; a host inside our own network must be allowed by the operator."""
    try:
        host = httpx.URL(account.base_url).host.lower().rstrip(".")
    except httpx.InvalidURL:
        return ()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return (host,) if "." in host and not host.endswith(LOCAL) else ()
    return ()


def _basic(values: Mapping[str, str]) -> str:
    pair = f"{values['client_id']}:{values['client_secret']}"
    return f"Basic {b64encode(pair.encode()).decode()}"
