"""One company with an account at every sandbox, and our connectors on it, all on one clock that stands still."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx

from connectors.catalogue import VENDORS
from connectors.ports import Account, Connector, Raw, Secret, Tools
from connectors.sandbox.server import Sandboxes, serve
from connectors.tokens import MemoryTokenStore

TENANT, ZONE = "acme", "America/New_York"
IDENTITY: Mapping[str, str] = {
    "salesforce": "org_id",
    "pardot": "business_unit_id",
    "quickbooks": "realm",
    "woocommerce": "store",
    "shopify": "shop",
    "stripe": "account_id",
}
SECRETS = ("client_id", "client_secret", "refresh_token")
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "salesforce": {"changes": "poll", "daily_calls": "1000000"},
    "pardot": {"objects": "Prospect,ListMembership,VisitorActivity", "daily_calls": "1000000"},
    "quickbooks": {
        "sweep_seconds": "0",
        "monthly_reads": "1000000000",
        "objects": "Customer,Item,Invoice,SalesReceipt,Payment,CreditMemo,RefundReceipt",
    },
    "woocommerce": {"customers_seconds": "0", "census_seconds": "0"},
    "shopify": {"backfill": "pages"},
    "stripe": {},
}
"""Everything is read, by the way that needs no waiting."""


class Clock:
    """Stands still until it is moved; sleeping moves it."""

    def __init__(self) -> None:
        self.instant = datetime(2026, 3, 1, 10, tzinfo=UTC)

    def now(self) -> datetime:
        """The instant it stands at."""
        return self.instant

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.instant += timedelta(seconds=seconds)
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Wall:
    """Shows another clock's time, and never moves it: what a sandbox does beside its calls takes no time."""

    clock: Clock

    def now(self) -> datetime:
        """The instant the other one stands at."""
        return self.clock.now()

    async def sleep(self, seconds: float) -> None:
        """Let the others work so long."""
        await asyncio.sleep(seconds)


@dataclass
class Site:
    """What one vendor has of the company, for its people and for our connector.

    Attributes:
        credentials: as the sandbox gives them out.
        http: a client of the sandbox's own address, without credentials.
    """

    vendor: str
    credentials: dict[str, Any]
    http: httpx.AsyncClient
    connector: Connector
    clock: Clock
    cursor: str | None = None

    def placed(self, raw: Raw) -> Raw:
        """Return a record as if the sandbox did not listen on a port that is another one each time."""
        here = f"{self.http.base_url.host}:{self.http.base_url.port}".encode()
        return replace(raw, body=raw.body.replace(here, f"{self.vendor}.example".encode()))

    async def sign_in(self) -> None:
        """Get tokens that hold from now on."""
        answer = await self.http.get("/__sandbox/credentials", params={"account": TENANT})
        self.credentials = answer.raise_for_status().json()

    async def call(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **given: Any) -> Any:
        """Send a call as one of the company's people does, and return the JSON of an answer that must be good."""
        await self.clock.sleep(1)
        token = {"Authorization": f"Bearer {self.credentials.get('access_token')}"}
        answer = await self.http.request(method, path, headers=token if headers is None else headers, **given)
        if not answer.is_success:
            raise AssertionError(f"{self.vendor} {method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None


@dataclass
class Company:
    """All its accounts.

    Attributes:
        records: what the sources told, in order, with the vendor.
    """

    clock: Clock
    accounts: dict[str, Site]
    records: list[tuple[str, Raw]] = field(default_factory=list)

    async def read(self) -> None:
        """Read every source to its end, some time later."""
        await self.clock.sleep(5)
        for account in self.accounts.values():
            source = account.connector.source
            if source is None:
                raise AssertionError(f"{account.vendor} has no source")
            pages = source.read(account.cursor)
            async for batch in pages:
                account.cursor = batch.cursor
                self.records += [(account.vendor, account.placed(raw)) for raw in batch.records]
                if batch.caught_up:
                    break
            await pages.aclose()  # type: ignore[attr-defined]  # all of ours are generators
        await self.clock.sleep(400)

    async def fetch(self, vendor: str, object_type: str, ids: list[str]) -> list[Raw]:
        """Read objects by id."""
        account = self.accounts[vendor]
        if account.connector.fetcher is None:
            raise AssertionError(f"{vendor} has no fetcher")
        return [account.placed(raw) for raw in await account.connector.fetcher.fetch(object_type, ids)]


@asynccontextmanager
async def company(folder: Path, *vendors: str) -> AsyncIterator[Company]:
    """Open a company at these vendors; what the sandboxes draw at random is the same each time."""
    clock, names = Clock(), vendors or tuple(IDENTITY)
    async with AsyncExitStack() as stack:
        dice = Random(7)  # noqa: S311  repeatable
        served = await serve(list(names), folder, dict.fromkeys(names, 0), clock=Wall(clock), random=dice)
        stack.push_async_callback(served.aclose)
        accounts = {name: await _account(served, name, clock, stack) for name in names}
        yield Company(clock, accounts)


async def _account(served: Sandboxes, vendor: str, clock: Clock, stack: AsyncExitStack) -> Site:
    trusted = ssl.create_default_context(cafile=served.ca_file)
    http = httpx.AsyncClient(base_url=served.url(vendor), verify=trusted, trust_env=False, timeout=120)
    stack.push_async_callback(http.aclose)
    credentials = (await http.get("/__sandbox/credentials", params={"account": TENANT})).json()
    limits = (await http.get("/__sandbox/limits", params={"account": TENANT})).json()["limits"]
    lifted = {"account": TENANT, "limits": dict.fromkeys(limits, 1_000_000_000)}
    (await http.post("/__sandbox/limits", json=lifted)).raise_for_status()
    store = MemoryTokenStore()
    known = {key: credentials[key] for key in SECRETS if key in credentials}
    await store.compare_and_set(TENANT, vendor, Secret(known), expected_version=0)
    secure = served.url(vendor, "https")
    given = {"ca_file": str(served.ca_file), **SETTINGS[vendor]}
    if "token_url" in credentials:
        given["token_url"] = f"https://{credentials['token_url'].partition('://')[2]}"
    account = Account(TENANT, vendor, secure, credentials[IDENTITY[vendor]], given)
    connector = VENDORS[vendor].open(account, Tools(clock, store, frozenset({served.host})))
    stack.push_async_callback(connector.aclose)
    return Site(vendor, credentials, http, connector, clock)
