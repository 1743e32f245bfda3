"""Pardot's entry in the catalogue."""

import re
from dataclasses import replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors import accounts
from connectors.consent import Consent, by_person
from connectors.errors import FatalError
from connectors.oauth import GRANTS, Grant
from connectors.opening import daily_limits, open_authorised
from connectors.pardot.client import PardotClient
from connectors.pardot.describe import PardotDescriber
from connectors.pardot.errors import about_token
from connectors.pardot.fetch import PardotFetcher
from connectors.pardot.sink import PardotSink
from connectors.pardot.source import PardotSource
from connectors.ports import Account, Connector, Tools, WebhookReader

SUFFIXES = ("pardot.com", "salesforce.com", "force.com")
DAILY_CALLS = 25000
"""Of the smallest edition; others set `daily_calls`."""
CONCURRENCY = 3
"""Of the five that all users of the business unit share."""
TIMEOUT_SECONDS = 60.0
IN_DOUBT_SECONDS = 60.0
"""Reads may be 60 seconds behind."""
SESSION_SECONDS = 7200.0
POLL_SECONDS = 60.0
"""A day has 1,440 minutes, and each poll costs a call for every object."""


class Pardot:
    """Opens connections to business units; `Account.account` is the unit's id, 18 characters from 0Uv."""

    name = "pardot"
    webhook: WebhookReader | None = None

    def consent(self, account: Account) -> Consent:
        """Return Salesforce's consent page (web server flow with PKCE); needs the setting `grant: refresh_token`.

        Raises:
            FatalError: the setting says otherwise.
        """
        page = accounts.text(
            account, "authorize_url", re.sub(r"/token$", "/authorize", accounts.required(account, "token_url"))
        )
        return Consent(page, by_person(account, _grant(account)), "pardot_api refresh_token", SUFFIXES, pkce=True)

    def open(self, account: Account, tools: Tools) -> Connector:
        """Build the connection; nothing is sent yet.

        Raises:
            FatalError: a setting is missing or wrong; the message names it.
        """
        zone = _zone(account)
        daily = daily_limits(account, calls=DAILY_CALLS, concurrency=CONCURRENCY, in_doubt_seconds=IN_DOUBT_SECONDS)
        limits = replace(daily, poll_seconds=POLL_SECONDS)
        http, aclose = open_authorised(
            account, tools, SUFFIXES, _grant(account), timeout_seconds=TIMEOUT_SECONDS, about_token=about_token
        )
        client = PardotClient(http, account.base_url, account.account, zone, tools.clock)
        source = PardotSource(client, account, tools.clock, zone=zone, daily_calls=limits.windows[0].calls)
        fetcher = PardotFetcher(client, account, tools.clock)
        sink, describer = PardotSink(client), PardotDescriber(client)
        return Connector(limits, source if source.reads else None, fetcher, sink, aclose, describer)


def _grant(account: Account) -> Grant:
    lifetime = accounts.number(account, "session_seconds", SESSION_SECONDS, minimum=60)
    token_url = accounts.required(account, "token_url")
    return Grant(token_url, accounts.choice(account, "grant", GRANTS), "body", lifetime)


def _zone(account: Account) -> ZoneInfo:
    name = accounts.text(account, "time_zone", "UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise FatalError(
            f"{accounts.where(account)}: setting time_zone is {name!r}; it must be an IANA name, e.g. Europe/Berlin"
        ) from None
