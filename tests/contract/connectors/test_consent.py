"""A person connects an account in the browser: every vendor with a consent page, against its sandbox over https."""

import secrets
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

from connectors.catalogue import VENDORS
from connectors.clock import ManualClock, SystemClock
from connectors.consent import EXPECTED, Consenting, begin, complete, owner
from connectors.errors import ConnectorError, FatalError, RejectedError
from connectors.http import Reach, open_http
from connectors.oauth import TokenProvider
from connectors.ports import Account, Clock, Secret, Tools
from connectors.sandbox.server import serve
from connectors.tokens import MemoryTokenStore

REDIRECT = "https://sluiceway.test/oauth/callback"


@dataclass
class Person:
    """A connection without tokens, and somebody with a browser who may say yes."""

    account: Account
    credentials: Mapping[str, Any]
    browser: httpx.AsyncClient
    store: MemoryTokenStore
    hosts: frozenset[str]
    clock: Clock

    @property
    def tools(self) -> Tools:
        """What the connector may use."""
        return Tools(self.clock, self.store, self.hosts)

    @property
    def consent(self) -> Any:
        """The vendor's consent page."""
        vendor = VENDORS[self.account.vendor]
        assert isinstance(vendor, Consenting)
        return vendor.consent(self.account)

    async def begin(self) -> str:
        """Return the address of the page."""
        return await begin(self.account, self.consent, self.tools, REDIRECT, secrets.token_urlsafe)

    async def agree(self, url: str) -> dict[str, str]:
        """Open the page; return what the vendor sends back."""
        answer = await self.browser.get(url)
        assert answer.status_code == 302, answer.text
        assert answer.headers["location"].startswith(f"{REDIRECT}?")
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def complete(self, answer: dict[str, str]) -> Any:
        """Hand the answer in."""
        rest = {name: value for name, value in answer.items() if name != "state"}
        return await complete(self.account, self.consent, self.tools, answer["state"], rest)

    async def secret(self) -> Secret:
        """Return what is stored."""
        found = await self.store.get(self.account.tenant, self.account.vendor)
        assert found is not None
        return found


@pytest.fixture(params=["quickbooks", "salesforce", "pardot", "shopify"])
async def person(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Person]:
    """A connection of each vendor that has a consent page."""
    vendor = request.param
    served = await serve([vendor], tmp_path, {vendor: 0})
    context = ssl.create_default_context(cafile=served.ca_file)
    async with httpx.AsyncClient(base_url=served.url(vendor, "https"), verify=context, trust_env=False) as browser:
        given = (await browser.get("/__sandbox/credentials", params={"account": "acme"})).json()
        store = MemoryTokenStore()
        known = {name: given[name] for name in ("client_id", "client_secret")}
        await store.compare_and_set("acme", vendor, Secret(known), expected_version=0)
        base_url = served.url(vendor, "https")
        settings = {"ca_file": str(served.ca_file), "grant": "refresh_token", "token_url": given["token_url"]}
        if vendor == "quickbooks":
            settings["authorize_url"] = f"{base_url}/connect/oauth2"
        settings["token_url"] = f"https://{settings['token_url'].partition('://')[2]}"
        account = Account("acme", vendor, base_url, "", settings)
        yield Person(account, given, browser, store, frozenset({served.host}), SystemClock())
    await served.aclose()


async def test_a_consent_becomes_tokens_that_can_be_renewed(person: Person) -> None:
    """Tokens are stored, company and address told; what was expected is gone; the refresh token works."""
    answer = await person.agree(await person.begin())
    assert owner(answer["state"]) == ("acme", person.account.vendor)
    connected = await person.complete(answer)
    secret = await person.secret()
    assert secret.values["refresh_token"]
    assert EXPECTED not in secret.values
    named = {"quickbooks": "realm", "shopify": "shop"}.get(person.account.vendor)
    assert connected.account == (person.credentials[named] if named else "")
    assert bool(connected.base_url) == (person.account.vendor == "salesforce")
    http = open_http("v", Reach((), person.hosts), timeout_seconds=9, ca_file=person.account.settings["ca_file"])
    provider = TokenProvider(person.account, person.consent.grant, http, person.store, person.clock)
    assert await provider.token() == secret.values["access_token"]
    assert await provider.refresh(secret.values["access_token"]) != secret.values["access_token"]
    await http.aclose()


async def test_an_answer_counts_once_in_time_and_for_the_latest_link(person: Person) -> None:
    """Used again, made up, of a former link or too late: refused with one message, and nothing is stored."""
    first, second = await person.begin(), await person.begin()
    old, answer = await person.agree(first), await person.agree(second)
    forged = {**answer, "state": answer["state"][:-2] + "AA"}
    for wrong in (old, forged, {**answer, "state": "nonsense"}):
        with pytest.raises(RejectedError, match="connections authorize"):
            await person.complete(wrong)
    with pytest.raises(RejectedError, match="connections authorize"):
        owner("nonsense")
    clock = ManualClock(person.clock.now())
    clock.advance(16 * 60)
    late = replace(person, clock=clock)
    with pytest.raises(RejectedError, match="connections authorize"):
        await late.complete(answer)
    await person.complete(answer)
    with pytest.raises(RejectedError, match="connections authorize"):
        await person.complete(answer)


async def test_who_declines_is_told_so(person: Person) -> None:
    """The vendor's word is passed on; another link is needed. Shopify sends nobody back who declines."""
    if person.consent.signed:
        return
    answer = await person.agree(await person.begin())
    with pytest.raises(RejectedError, match="access_denied"):
        await person.complete({"state": answer["state"], "error": "access_denied"})
    assert "refresh_token" not in (await person.secret()).values


async def test_a_stolen_code_is_worth_nothing(person: Person) -> None:
    """Where the vendor checks a challenge, the code goes with our verifier; the page is asked for one."""
    url = await person.begin()
    asked = parse_qs(urlsplit(url).query)
    assert ("code_challenge" in asked) == person.consent.pkce
    assert person.credentials["client_secret"] not in url
    if person.consent.pkce:
        answer = await person.agree(url)
        secret = await person.secret()
        spoilt = secret.values[EXPECTED].replace('"verifier": "', '"verifier": "x')
        changed = replace(secret, values={**secret.values, EXPECTED: spoilt})
        assert await person.store.compare_and_set(
            "acme", person.account.vendor, changed, expected_version=secret.version
        )
        with pytest.raises(ConnectorError):
            await person.complete(answer)


async def test_an_answer_that_nobody_signed_is_refused(person: Person) -> None:
    """Where the vendor signs its answers, one without its mark or with a changed parameter does nothing."""
    if not person.consent.signed:
        return
    answer = await person.agree(await person.begin())
    before = await person.secret()
    unsigned = {name: value for name, value in answer.items() if name != "hmac"}
    for wrong in (unsigned, {**answer, "code": "0" * 32}, {**answer, "hmac": "ä"}, {**answer, "shop": "x"}):
        with pytest.raises(RejectedError, match="not signed by shopify"):
            await person.complete(wrong)
    assert await person.secret() == before
    await person.complete(answer)


async def test_another_company_is_refused(person: Person) -> None:
    """A consent for a company that the connection is not about changes nothing."""
    if not person.consent.company:
        return
    answer = await person.agree(await person.begin())
    other = replace(person, account=replace(person.account, account="4711"))
    with pytest.raises(RejectedError, match=r"company .* but the connection is about 4711"):
        await other.complete(answer)


async def test_only_a_persons_grant_needs_a_person() -> None:
    """Salesforce with client credentials has nothing to consent to; the setting is named."""
    vendor = VENDORS["salesforce"]
    assert isinstance(vendor, Consenting)
    with pytest.raises(FatalError, match="setting grant is client_credentials"):
        vendor.consent(Account("acme", "salesforce", "https://x.my.salesforce.com", "", {}))
