"""Connectors are opened once per connection, and anew when it changes."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.kafka.records import Connection, VendorConnection
from streams.agents import pool as module
from streams.agents.pool import Pool

ACME = Connection("acme", 1, {"shop": VendorConnection("https://shop.example", "7")}, "UTC", "USD")


class FakeConnector:
    """Says whether it was closed."""

    def __init__(self, account: Any) -> None:
        self.account = account
        self.closed = False

    async def aclose(self) -> None:
        """Note it."""
        self.closed = True


@pytest.fixture
def tenants(monkeypatch: pytest.MonkeyPatch) -> dict[str, Connection]:
    """Put a vendor into the catalogue; return who is connected."""
    monkeypatch.setattr(
        module, "VENDORS", {"shop": SimpleNamespace(open=lambda account, _tools: FakeConnector(account))}
    )
    return {"acme": ACME}


def pool_of(tenants: dict[str, Connection]) -> Any:
    """Return a pool over these connections."""
    return Pool(SimpleNamespace(get=tenants.get), None)  # type: ignore[arg-type]  # what it uses of them


async def test_a_connector_is_opened_once(tenants: dict[str, Connection]) -> None:
    """With the account of its connection; what else changes of the tenant keeps it."""
    pool = pool_of(tenants)
    first = pool.get("acme", "shop")
    tenants["acme"] = replace(ACME, revision=2, currency="EUR")
    assert pool.get("acme", "shop") is first
    assert (first.account.tenant, first.account.base_url, first.account.account) == (
        "acme",
        "https://shop.example",
        "7",
    )
    await pool.aclose()
    assert first.closed


async def test_a_changed_connection_closes_the_old_connector(tenants: dict[str, Connection]) -> None:
    """And opens one with the new settings."""
    pool = pool_of(tenants)
    first = pool.get("acme", "shop")
    tenants["acme"] = replace(ACME, vendors={"shop": VendorConnection("https://shop.example", "8")})
    second = pool.get("acme", "shop")
    await asyncio.sleep(0)
    assert (first.closed, second.closed, second.account.account) == (True, False, "8")
    await pool.aclose()


async def test_who_is_not_connected_has_no_connector(tenants: dict[str, Connection]) -> None:
    """Unknown tenant, vendor not connected, vendor we do not know; a removed connection closes its connector."""
    tenants["other"] = replace(ACME, vendors={"unknown": VendorConnection("https://x.example", "1")})
    pool = pool_of(tenants)
    assert (pool.get("nobody", "shop"), pool.get("acme", "bank"), pool.get("other", "unknown")) == (None, None, None)
    first = pool.get("acme", "shop")
    del tenants["acme"]
    assert pool.get("acme", "shop") is None
    await asyncio.sleep(0)
    assert first.closed
