"""QuickBooks' entry in the catalogue."""

from connectors import accounts
from connectors.consent import Consent
from connectors.oauth import Grant
from connectors.opening import open_authorised
from connectors.ports import Account, Connector, Limits, Tools, WebhookReader, Window
from connectors.quickbooks.client import QuickBooksClient
from connectors.quickbooks.describe import QuickBooksDescriber
from connectors.quickbooks.errors import about_token
from connectors.quickbooks.fetch import QuickBooksFetcher
from connectors.quickbooks.sink import QuickBooksSink
from connectors.quickbooks.source import QuickBooksSource
from connectors.quickbooks.webhook import QuickBooksWebhook

SUFFIXES = ("intuit.com",)
TOKEN_URL = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"  # noqa: S105 (an address)
AUTHORIZE_URL = "https://appcenter.intuit.com/connect/oauth2"
SCOPE = "com.intuit.quickbooks.accounting"
WINDOWS = (Window(10, 1.0), Window(500, 60.0))
CONCURRENCY = 10
SERVER_SECONDS = 120.0
"""Intuit ends a request after so long (page "API call limits and throttles", as are the windows)."""
TOKEN_LIFETIME = 3600.0


class QuickBooks:
    """Opens connections to QuickBooks Online companies; `Account.account` is the realm."""

    name = "quickbooks"
    webhook: WebhookReader | None = QuickBooksWebhook()

    def consent(self, account: Account) -> Consent:
        """Return Intuit's consent page; its answer names the realm (page "Set up OAuth 2.0")."""
        page = accounts.text(account, "authorize_url", AUTHORIZE_URL)
        return Consent(page, _grant(account), SCOPE, SUFFIXES, company="realmId")

    def open(self, account: Account, tools: Tools) -> Connector:
        """Build the connection; nothing is sent yet.

        Raises:
            FatalError: a setting is missing or wrong; the message names it.
        """
        limits = Limits(WINDOWS, CONCURRENCY, accounts.number(account, "in_doubt_seconds", SERVER_SECONDS))
        http, aclose = open_authorised(
            account, tools, SUFFIXES, _grant(account), timeout_seconds=SERVER_SECONDS, about_token=about_token
        )
        client = QuickBooksClient(http, account.base_url, account.account, tools.clock)
        source = QuickBooksSource(client, account, tools.clock)
        describer = QuickBooksDescriber(client)
        return Connector(limits, source, QuickBooksFetcher(client), QuickBooksSink(client), aclose, describer)


def _grant(account: Account) -> Grant:
    return Grant(accounts.text(account, "token_url", TOKEN_URL), "refresh_token", "basic", TOKEN_LIFETIME)
