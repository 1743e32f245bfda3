"""A shop's order on the whole stack: sold once, booked once, given back once; every webhook comes twice."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import pytest
import yaml

from tests.contract.connectors.kit.shops import WooShop
from tests.e2e.conftest import Running

TENANT = "fern"
PATIENCE_SECONDS = 120.0

pytestmark = pytest.mark.timeout(400)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One vendor's sandbox, as its administrator sees it."""

    url: str

    def credentials(self) -> dict[str, Any]:
        """Return how to connect to the tenant's account."""
        answer = httpx.get(f"{self.url}/__sandbox/credentials", params={"account": TENANT})
        return dict(answer.raise_for_status().json())

    def put(self, path: str, **body: Any) -> None:
        """Change something."""
        httpx.post(f"{self.url}/__sandbox/{path}", json={"account": TENANT, **body}).raise_for_status()

    def records(self, kind: str) -> list[dict[str, Any]]:
        """Return what is stored."""
        answer = httpx.get(f"{self.url}/__sandbox/records/{kind}", params={"account": TENANT})
        return list(answer.raise_for_status().json()["records"])


@pytest.fixture(scope="module")
def shop(stack: Running) -> Sandbox:
    """The shop."""
    return Sandbox(f"http://127.0.0.1:{stack.env['SLUICEWAY_PORTS__WOOCOMMERCE']}")


@pytest.fixture(scope="module")
def books(stack: Running, shop: Sandbox) -> Sandbox:
    """The books, connected with the shop; all webhooks of the shop are delivered twice."""
    books = Sandbox(stack.addresses.quickbooks)
    sells, keeps = shop.credentials(), books.credentials()
    vendors = {
        "woocommerce": {
            "base_url": shop.url.replace("http:", "https:"),
            "account": sells["store"],
            "settings": {"ca_file": sells["ca_file"], "poll_seconds": 2, "calls_per_second": 50},
            "credentials": {name: sells[name] for name in ("client_id", "client_secret", "webhook_secret")},
        },
        "quickbooks": {
            "base_url": keeps["base_url"],
            "account": keeps["realm"],
            "settings": {"token_url": keeps["token_url"], "in_doubt_seconds": 2},
            "credentials": {name: keeps[name] for name in ("client_id", "client_secret", "refresh_token")},
        },
    }
    entry = {"tenant": TENANT, "zone": "America/New_York", "currency": "USD", "vendors": vendors}
    file = stack.addresses.data_dir / "order-to-cash.yaml"
    file.write_text(yaml.safe_dump({"tenants": [entry]}))
    applied = stack.sluiceway("connections", "apply", str(file))
    assert applied.returncode == 0, applied.stdout + applied.stderr
    shop.put("faults", kind="duplicate_webhook", count=1000)
    shop.put("webhooks", url=f"{stack.addresses.gateway}/webhooks/woocommerce")
    return books


def _until(found: Callable[[], Any], wanted: Any) -> None:
    """Wait until the sandbox says what is wanted."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (now := found()) != wanted and time.monotonic() < deadline:
        time.sleep(0.25)
    assert now == wanted


def _totals(books: Sandbox, kind: str) -> list[Decimal]:
    return [Decimal(str(row["TotalAmt"])) for row in books.records(kind)]


def test_an_order_is_booked_once_and_its_refund_once(stack: Running, shop: Sandbox, books: Sandbox) -> None:
    """One customer, one receipt of the shop's total, one refund receipt of the refund; nothing is dead-lettered."""
    order = asyncio.run(_sell(shop))
    _until(lambda: _totals(books, "SalesReceipt"), [Decimal(order["total"])])
    assert [customer["DisplayName"] for customer in books.records("Customer")] == ["Ada Lane"]
    asyncio.run(_give_back(shop, order["id"], "10.00"))
    _until(lambda: _totals(books, "RefundReceipt"), [Decimal("10.00")])
    # What comes after it has overtaken every repetition of what was told before.
    asyncio.run(_sell(shop))
    _until(lambda: len(_totals(books, "SalesReceipt")), 2)
    assert _totals(books, "RefundReceipt") == [Decimal("10.00")]
    assert len(books.records("Customer")) == 1
    listed = stack.sluiceway("dlq", "list")
    assert TENANT not in listed.stdout, listed.stdout


async def _sell(shop: Sandbox) -> dict[str, Any]:
    async with aclosing(WooShop(shop.credentials())) as merchant:
        if not shop.records("product"):
            await merchant.catalogue()
        [mug] = [row for row in shop.records("product") if row["sku"] == "MUG-1"]
        [shirt] = shop.records("product_variation")
        [parent] = [row for row in shop.records("product") if row["type"] == "variable"]
        return await merchant.order(mug, {**shirt, "parent": parent["id"]})


async def _give_back(shop: Sandbox, order: int, amount: str) -> None:
    async with aclosing(WooShop(shop.credentials())) as merchant:
        await merchant.make(f"orders/{order}/refunds", amount=amount, reason="late")
