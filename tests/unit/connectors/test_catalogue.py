from dataclasses import replace

import pytest

from connectors.catalogue import VENDORS
from connectors.clock import ManualClock
from connectors.errors import FatalError
from connectors.ports import Account, Tools
from connectors.tokens import MemoryTokenStore

HOSTS = {
    "salesforce": "https://acme.my.salesforce.com",
    "pardot": "https://pi.pardot.com",
    "quickbooks": "https://quickbooks.api.intuit.com",
    "shopify": "https://acme.myshopify.com",
    "woocommerce": "https://shop.example.com",
    "stripe": "https://api.stripe.com",
}
OAUTH = ("salesforce", "pardot", "quickbooks", "shopify")
"""The others have a key that lasts."""


@pytest.fixture
def tools(clock: ManualClock) -> Tools:
    """What production has: no host beyond the vendors' own."""
    return Tools(clock, MemoryTokenStore(), frozenset())


def connection(vendor: str, **settings: str) -> Account:
    """Make a connection as an operator would."""
    given = {"token_url": "https://login.salesforce.com/services/oauth2/token"} if vendor == "pardot" else {}
    return Account("acme", vendor, HOSTS[vendor], "account-1", {**given, **settings})


@pytest.mark.parametrize("name", VENDORS)
async def test_every_vendor_opens_without_sending(name: str, tools: Tools) -> None:
    """The key is the vendor's name; limits are given; closing works at once."""
    assert VENDORS[name].name == name
    connector = VENDORS[name].open(connection(name, in_doubt_seconds="2"), tools)
    assert connector.limits.in_doubt_seconds == 2
    assert connector.limits.windows
    assert connector.source is not None or connector.sink is not None
    for part in (connector.source, connector.sink):
        assert part is None or part.name == name
    await connector.aclose()


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *(("ca_file", "/nowhere/ca.pem"), ("timeout_seconds", "soon"), ("timeout_seconds", "0")),
        *(("in_doubt_seconds", "-1"), ("in_doubt_seconds", "nan")),
    ],
)
def test_a_wrong_setting_is_named(name: str, setting: str, value: str, tools: Tools) -> None:
    """The message says which setting to correct."""
    with pytest.raises(FatalError, match=setting):
        VENDORS[name].open(connection(name, **{setting: value}), tools)


@pytest.mark.parametrize("name", OAUTH)
@pytest.mark.parametrize("token_url", ["https://evil.test/token", "no address"])
def test_a_wrong_token_url_is_named(name: str, token_url: str, tools: Tools) -> None:
    """Client secrets are sent to the vendor's own hosts alone."""
    with pytest.raises(FatalError, match="token_url"):
        VENDORS[name].open(connection(name, token_url=token_url), tools)


@pytest.mark.parametrize("base_url", ["https://10.0.0.7", "https://[::1]", "https://metadata.internal", "https://shop"])
def test_a_shop_within_our_own_network_is_refused(base_url: str, tools: Tools) -> None:
    """A shop may have any public host; what looks like one of ours must be allowed by the operator."""
    with pytest.raises(FatalError, match="setting base_url"):
        VENDORS["woocommerce"].open(replace(connection("woocommerce"), base_url=base_url), tools)


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8101", "https://evil", "", "http://login.salesforce.com"])
def test_a_wrong_address_is_named(name: str, base_url: str, tools: Tools) -> None:
    """Other hosts, plain http and nothing at all are refused when the connection is opened."""
    with pytest.raises(FatalError, match="setting base_url"):
        VENDORS[name].open(replace(connection(name, token_url=HOSTS[name]), base_url=base_url), tools)


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("salesforce", "grant", "password"),
        ("salesforce", "overlap_seconds", "x"),
        ("salesforce", "start_at", "2026-01-01"),
        ("pardot", "time_zone", "Mars/Olympus"),
        ("pardot", "daily_calls", "0"),
    ],
)
def test_a_vendors_own_setting_is_named(name: str, setting: str, value: str, tools: Tools) -> None:
    """Each vendor checks what its README lists, and names tenant and vendor."""
    with pytest.raises(FatalError, match=f"tenant acme, {name}: setting {setting}"):
        VENDORS[name].open(connection(name, **{setting: value}), tools)


def test_pardot_needs_a_token_url(tools: Tools) -> None:
    """Client credentials work only on the org's own host, which nobody can guess."""
    with pytest.raises(FatalError, match="setting token_url is missing"):
        VENDORS["pardot"].open(connection("pardot", token_url=""), tools)
