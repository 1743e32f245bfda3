"""Shopify's entry in the catalogue."""

from connectors import accounts
from connectors.consent import Consent, by_person
from connectors.oauth import GRANTS, Grant
from connectors.opening import open_authorised, rate_limits
from connectors.ports import Account, Connector, Tools, WebhookReader
from connectors.shopify.bulk import BulkReader
from connectors.shopify.client import ShopifyClient
from connectors.shopify.fetch import ShopifyFetcher
from connectors.shopify.reader import Reader
from connectors.shopify.source import ShopifySource
from connectors.shopify.webhook import ShopifyWebhook

SUFFIXES = ("myshopify.com", "storage.googleapis.com")
"""The shop, and where the results of bulk operations lie."""
VERSION = "2026-10"
TOKEN_HEADER = ("X-Shopify-Access-Token", "")
POINTS = 100
"""A second, of the Standard plan; no call costs less than one."""
CONCURRENCY = 4
TIMEOUT_SECONDS = 60.0
IN_DOUBT_SECONDS = 60.0
POLL_SECONDS = 30.0
CREDENTIALS_LIFETIME = 86_399.0
SCOPES = "read_products,read_customers,read_orders,read_inventory,read_locations"
EXPIRING = {"expiring": "1"}
"""Asks for an offline token that ends after an hour, with a refresh token (changelog of 2025-12-10)."""


class Shopify:
    """Opens connections to shops; `Account.account` is the shop's domain, e.g. acme.myshopify.com."""

    name = "shopify"
    webhook: WebhookReader | None = ShopifyWebhook()

    def consent(self, account: Account) -> Consent:
        """Return the shop's consent page, for an offline token; needs the setting `grant: refresh_token`.

        Source: shopify.dev, "Authorization code grant". The answer names the shop, and is signed.

        Raises:
            FatalError: the setting says otherwise.
        """
        page = accounts.text(account, "authorize_url", f"{account.base_url.rstrip('/')}/admin/oauth/authorize")
        scopes = accounts.text(account, "scopes", SCOPES)
        grant = by_person(account, _grant(account))
        return Consent(page, grant, scopes, SUFFIXES, company="shop", signed=True, exchange=EXPIRING)

    def open(self, account: Account, tools: Tools) -> Connector:
        """Build the connection; nothing is sent yet.

        Raises:
            FatalError: a setting is missing or wrong; the message names it.
        """
        limits = rate_limits(
            account,
            "points_per_second",
            POINTS,
            concurrency=CONCURRENCY,
            in_doubt_seconds=IN_DOUBT_SECONDS,
            poll_seconds=POLL_SECONDS,
        )
        http, aclose = open_authorised(
            account,
            tools,
            SUFFIXES,
            _grant(account),
            timeout_seconds=TIMEOUT_SECONDS,
            about_token=lambda _: True,
            token_header=TOKEN_HEADER,
        )
        version = accounts.text(account, "api_version", VERSION)
        client = ShopifyClient(http, account.base_url, version, tools.clock)
        reader = Reader(client)
        source = ShopifySource(reader, BulkReader(client, tools.clock), account, tools.clock)
        return Connector(limits, source, ShopifyFetcher(reader, tools.clock), None, aclose)


def _grant(account: Account) -> Grant:
    token_url = accounts.text(account, "token_url", f"{account.base_url.rstrip('/')}/admin/oauth/access_token")
    return Grant(token_url, accounts.choice(account, "grant", GRANTS), "body", CREDENTIALS_LIFETIME)
