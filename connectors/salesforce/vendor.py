"""Salesforce's entry in the catalogue."""

from typing import TYPE_CHECKING

from connectors import accounts
from connectors.consent import Consent, by_person
from connectors.http import Http
from connectors.oauth import GRANTS, Grant
from connectors.opening import daily_limits, open_authorised
from connectors.ports import Account, Connector, Tools, WebhookReader
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.describe import SalesforceDescriber
from connectors.salesforce.errors import about_token
from connectors.salesforce.fetch import SalesforceFetcher
from connectors.salesforce.plan import plan_of
from connectors.salesforce.sink import SalesforceSink
from connectors.salesforce.source import SalesforceSource

if TYPE_CHECKING:
    from connectors.salesforce.pubsub import PubSub

CHANGES = ("stream", "poll")
SUFFIXES = ("salesforce.com", "force.com")
VERSION = "67.0"
DAILY_CALLS = 15000
"""Of a Developer Edition, the smallest; other editions set `daily_calls`."""
CONCURRENCY = 5
TIMEOUT_SECONDS = 130.0
"""Queries may take 120 seconds."""
IN_DOUBT_SECONDS = 120.0
SESSION_SECONDS = 7200.0
PUBSUB_ADDRESS = "api.pubsub.salesforce.com:7443"


class Salesforce:
    """Opens connections to orgs; `Account.base_url` is the org's My Domain address."""

    name = "salesforce"
    webhook: WebhookReader | None = None

    def consent(self, account: Account) -> Consent:
        """Return Salesforce's consent page (web server flow with PKCE); needs the setting `grant: refresh_token`.

        Raises:
            FatalError: the setting says otherwise.
        """
        page = accounts.text(account, "authorize_url", f"{account.base_url.rstrip('/')}/services/oauth2/authorize")
        return Consent(
            page, by_person(account, _grant(account)), "api refresh_token", SUFFIXES, pkce=True, instance="instance_url"
        )

    def open(self, account: Account, tools: Tools) -> Connector:
        """Build the connection; nothing is sent yet.

        Raises:
            FatalError: a setting is missing or wrong; the message names it.
        """
        limits = daily_limits(account, calls=DAILY_CALLS, concurrency=CONCURRENCY, in_doubt_seconds=IN_DOUBT_SECONDS)
        http, aclose = open_authorised(
            account, tools, SUFFIXES, _grant(account), timeout_seconds=TIMEOUT_SECONDS, about_token=about_token
        )
        client = SalesforceClient(http, account, accounts.text(account, "api_version", VERSION), tools.clock)
        fetcher, sink = SalesforceFetcher(client, account, tools.clock), SalesforceSink(client, tools.clock)
        describer = SalesforceDescriber(client)
        if accounts.choice(account, "changes", CHANGES) == "poll":
            return Connector(limits, SalesforceSource(client, account, tools.clock), fetcher, sink, aclose, describer)
        from connectors.salesforce.streaming import SalesforceStream  # noqa: PLC0415  gRPC loads slowly, few need it

        pubsub = _pubsub(account, http)
        source = SalesforceStream(client, pubsub, plan_of(account, limits.windows[0].calls), tools.clock)

        async def aclose_all() -> None:
            await pubsub.aclose()
            await aclose()

        return Connector(limits, source, fetcher, sink, aclose_all, describer)


def _pubsub(account: Account, http: Http) -> "PubSub":
    from connectors.salesforce.pubsub import PubSub  # noqa: PLC0415  as above

    address = accounts.text(account, "pubsub_address", PUBSUB_ADDRESS)
    http.reach.check_setting("pubsub_address", f"https://{address}")
    if http.tokens is None:
        raise AssertionError("the connection was opened without tokens")
    return PubSub(address, account, http.tokens, accounts.text(account, "ca_file", ""))


def _grant(account: Account) -> Grant:
    token_url = accounts.text(account, "token_url", f"{account.base_url.rstrip('/')}/services/oauth2/token")
    lifetime = accounts.number(account, "session_seconds", SESSION_SECONDS, minimum=60)
    return Grant(token_url, accounts.choice(account, "grant", GRANTS), "body", lifetime)
