"""Stripe's entry in the catalogue."""

from collections.abc import Mapping

from connectors import accounts
from connectors.keys import open_keyed
from connectors.opening import rate_limits
from connectors.ports import Account, Connector, Tools, WebhookReader
from connectors.stripe.client import StripeClient
from connectors.stripe.fetch import StripeFetcher
from connectors.stripe.source import StripeSource
from connectors.stripe.webhook import StripeWebhook

SUFFIXES = ("stripe.com",)
VERSION = "2026-10-28.endive"
"""Of the API: the shape of what is read."""
READS_PER_SECOND = 25
"""Of a test account; live ones have more and set `calls_per_second`."""
CONCURRENCY = 4
TIMEOUT_SECONDS = 80.0
IN_DOUBT_SECONDS = 120.0
POLL_SECONDS = 30.0


class Stripe:
    """Opens connections to accounts; `Account.account` is `acct_…`, `Account.base_url` `https://api.stripe.com`."""

    name = "stripe"
    webhook: WebhookReader | None = StripeWebhook()

    def open(self, account: Account, tools: Tools) -> Connector:
        """Build the connection; nothing is sent yet.

        Raises:
            FatalError: a setting is missing or wrong; the message names it.
        """
        limits = rate_limits(
            account,
            "calls_per_second",
            READS_PER_SECOND,
            concurrency=CONCURRENCY,
            in_doubt_seconds=IN_DOUBT_SECONDS,
            poll_seconds=POLL_SECONDS,
        )
        keyed, aclose = open_keyed(
            account, tools, SUFFIXES, ("client_secret",), _bearer, timeout_seconds=TIMEOUT_SECONDS
        )
        headers = {"Stripe-Version": accounts.text(account, "api_version", VERSION)}
        if connected := accounts.text(account, "connected_account", ""):
            headers["Stripe-Account"] = connected
        client = StripeClient(keyed, account.base_url, headers, tools.clock)
        source = StripeSource(client, account, tools.clock)
        return Connector(limits, source, StripeFetcher(client), None, aclose)


def _bearer(values: Mapping[str, str]) -> str:
    return f"Bearer {values['client_secret']}"
