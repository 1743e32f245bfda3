"""QuickBooks' entry in the catalogue."""

from connectors import accounts
from connectors.http import Reach, open_http
from connectors.oauth import REQUEST_SECONDS, Grant, TokenProvider
from connectors.ports import Account, Connector, Limits, Tools, WebhookReader, Window
from connectors.quickbooks.client import QuickBooksClient
from connectors.quickbooks.errors import refused
from connectors.quickbooks.fetch import QuickBooksFetcher
from connectors.quickbooks.sink import QuickBooksSink
from connectors.quickbooks.webhook import QuickBooksWebhook

SUFFIXES = ("intuit.com",)
TOKEN_URL = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"  # noqa: S105 (an address)
WINDOWS = (Window(10, 1.0), Window(500, 60.0))
CONCURRENCY = 10
SERVER_SECONDS = 120.0
"""Intuit ends a request after so long (page "API call limits and throttles", as are the windows)."""
TOKEN_LIFETIME = 3600.0


class QuickBooks:
    """Opens connections to QuickBooks Online companies; `Account.account` is the realm."""

    name = "quickbooks"
    webhook: WebhookReader | None = QuickBooksWebhook()

    def open(self, account: Account, tools: Tools) -> Connector:
        """Build the connection; nothing is sent yet.

        Raises:
            FatalError: a setting is missing or wrong; the message names it.
        """
        reach = Reach(SUFFIXES, tools.allow_hosts)
        ca_file = accounts.text(account, "ca_file", "")
        token_url = accounts.text(account, "token_url", TOKEN_URL)
        timeout = accounts.number(account, "timeout_seconds", SERVER_SECONDS, minimum=1)
        limits = Limits(WINDOWS, CONCURRENCY, accounts.number(account, "in_doubt_seconds", SERVER_SECONDS))
        reach.check_setting("base_url", account.base_url)
        reach.check_setting("token_url", token_url)
        token_http = open_http(self.name, reach, timeout_seconds=REQUEST_SECONDS, ca_file=ca_file)
        grant = Grant(token_url, "refresh_token", "basic", TOKEN_LIFETIME)
        tokens = TokenProvider(account, grant, token_http, tools.tokens, tools.clock)
        http = open_http(self.name, reach, timeout_seconds=timeout, ca_file=ca_file).authorised(tokens, refused)
        client = QuickBooksClient(http, account.base_url, account.account, tools.clock)

        async def aclose() -> None:
            await tokens.aclose()
            await token_http.aclose()
            await http.aclose()

        return Connector(limits, None, QuickBooksFetcher(client, tools.clock), QuickBooksSink(client), aclose)
