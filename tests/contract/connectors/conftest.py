"""Each test gets a company of its own in a real sandbox, and our connector connected to it."""

import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.catalogue import VENDORS
from connectors.clock import SystemClock
from connectors.ports import Account, Call, Connector, RemoteRef, Secret, Tools
from connectors.sandbox.server import Sandboxes, serve
from connectors.tokens import MemoryTokenStore
from tests.contract.connectors.kit.company import Company, Connect

NUMBERS = itertools.count(1)
IDENTITY = {
    "salesforce": "org_id",
    "pardot": "business_unit_id",
    "quickbooks": "realm",
    "shopify": "shop",
    "woocommerce": "store",
    "stripe": "account_id",
}
SECRETS = ("client_id", "client_secret", "refresh_token")


@pytest.fixture(scope="session")
def sandbox_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session's sandboxes keep their certificate authority."""
    return tmp_path_factory.mktemp("sandbox")


@pytest.fixture
async def connect(sandbox_dir: Path) -> AsyncIterator[Connect]:
    """Connect a new company of a vendor, over https as in production; its limits are lifted."""
    running: dict[str, Sandboxes] = {}
    closers = AsyncExitStack()

    async def sandbox(vendor: str) -> Sandboxes:
        if vendor not in running:
            running[vendor] = await serve([vendor], sandbox_dir, {vendor: 0})
            closers.push_async_callback(running[vendor].aclose)
        return running[vendor]

    async def make(vendor: str, *, secrets: Mapping[str, str] | None = None, **settings: str) -> Company:
        served, name = await sandbox(vendor), f"company-{next(NUMBERS)}"
        admin = httpx.AsyncClient(base_url=served.url(vendor), trust_env=False, timeout=600)
        closers.push_async_callback(admin.aclose)
        credentials = await _credentials(admin, name)
        store = MemoryTokenStore()
        known = {key: credentials[key] for key in SECRETS if key in credentials}
        await store.compare_and_set(name, vendor, Secret({**known, **(secrets or {})}), expected_version=0)
        url = served.url(vendor, "https")
        given = {"ca_file": str(served.ca_file), "token_url": _https(credentials["token_url"]), **settings}
        if "pubsub_endpoint" in credentials:
            given.setdefault("pubsub_address", credentials["pubsub_endpoint"])
        account = Account(name, vendor, url, credentials[IDENTITY[vendor]], given)
        tools = Tools(SystemClock(), store, frozenset({served.host}))

        def open_() -> Connector:
            connector = VENDORS[vendor].open(account, tools)
            closers.push_async_callback(connector.aclose)
            return connector

        return Company(name, vendor, credentials, open_(), open_, admin)

    async with closers:
        yield make


async def _credentials(admin: httpx.AsyncClient, name: str) -> dict[str, Any]:
    """Open a company whose limits no test reaches, and return how to connect to it."""
    credentials = (await admin.get("/__sandbox/credentials", params={"account": name})).json()
    limits = (await admin.get("/__sandbox/limits", params={"account": name})).json()["limits"]
    lifted = {"account": name, "limits": dict.fromkeys(limits, 1_000_000)}
    assert (await admin.post("/__sandbox/limits", json=lifted)).is_success
    return dict(credentials)


def _https(url: str) -> str:
    return f"https://{url.partition('://')[2]}"


@pytest.fixture
def make_call() -> Callable[..., Call]:
    """Make a put of an object key; the request id follows content and key, as delivery's does."""

    def make(object_type: str, body: dict[str, Any], key: str = "order/1/1", remote: RemoteRef | None = None) -> Call:
        return Call(
            object=object_type,
            object_key=key,
            operation="put",
            body=body,
            request_id=f"r-{abs(hash((key, str(body)))):x}",
            remote=remote,
            attempted_at=SystemClock().now(),
        )

    return make
