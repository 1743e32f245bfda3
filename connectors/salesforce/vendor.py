"""Salesforce's entry in the catalogue."""

from connectors import accounts
from connectors.http import Reach, open_http
from connectors.oauth import REQUEST_SECONDS, Grant, TokenProvider
from connectors.ports import Account, Connector, Limits, Tools, WebhookReader, Window
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.errors import about_token
from connectors.salesforce.fetch import SalesforceFetcher
from connectors.salesforce.sink import SalesforceSink
from connectors.salesforce.source import SalesforceSource

SUFFIXES = ("salesforce.com", "force.com")
VERSION = "67.0"
DAY_SECONDS = 86400.0
DAILY_CALLS = 15000
"""Of a Developer Edition, the smallest; other editions set `daily_calls`."""
CONCURRENCY = 5
TIMEOUT_SECONDS = 130.0
"""Queries may take 120 seconds."""
IN_DOUBT_SECONDS = 120.0
SESSION_SECONDS = 7200.0


class Salesforce:
    """Opens connections to orgs; `Account.base_url` is the org's My Domain address."""

    name = "salesforce"
    webhook: WebhookReader | None = None

    def open(self, account: Account, tools: Tools) -> Connector:
        """Build the connection; nothing is sent yet.

        Raises:
            FatalError: a setting is missing or wrong; the message names it.
        """
        reach = Reach(SUFFIXES, tools.allow_hosts)
        ca_file = accounts.text(account, "ca_file", "")
        token_url = accounts.text(account, "token_url", f"{account.base_url.rstrip('/')}/services/oauth2/token")
        reach.check_setting("base_url", account.base_url)
        reach.check_setting("token_url", token_url)
        timeout = accounts.number(account, "timeout_seconds", TIMEOUT_SECONDS, minimum=1)
        lifetime = accounts.number(account, "session_seconds", SESSION_SECONDS, minimum=60)
        kind = accounts.choice(account, "grant", ("client_credentials", "refresh_token"))
        grant = Grant(token_url, kind, "body", lifetime)
        token_http = open_http(self.name, reach, timeout_seconds=REQUEST_SECONDS, ca_file=ca_file)
        tokens = TokenProvider(account, grant, token_http, tools.tokens, tools.clock)
        http = open_http(self.name, reach, timeout_seconds=timeout, ca_file=ca_file).authorised(tokens, about_token)
        client = SalesforceClient(http, account, accounts.text(account, "api_version", VERSION), tools.clock)

        async def aclose() -> None:
            await tokens.aclose()
            await token_http.aclose()
            await http.aclose()

        return Connector(
            _limits(account),
            SalesforceSource(client, account, tools.clock),
            SalesforceFetcher(client, account, tools.clock),
            SalesforceSink(client, tools.clock),
            aclose,
        )


def _limits(account: Account) -> Limits:
    daily = int(accounts.number(account, "daily_calls", DAILY_CALLS, minimum=1))
    in_doubt = accounts.number(account, "in_doubt_seconds", IN_DOUBT_SECONDS)
    concurrency = int(accounts.number(account, "concurrency", CONCURRENCY, minimum=1))
    return Limits((Window(daily, DAY_SECONDS),), concurrency, in_doubt)
