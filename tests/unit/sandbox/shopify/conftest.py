"""A shop on a clock that stands still, and somebody with an app's token."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from connectors.sandbox.shopify.vendor import build
from tests.receiving import receiving

STABLE = "2026-10"


@dataclass
class Merchant:
    """Somebody who works in one shop through the Admin API."""

    http: httpx.AsyncClient
    credentials: dict[str, Any]
    clock: Any

    async def post(self, path: str, body: Any, version: str = STABLE, token: str = "") -> httpx.Response:
        """Send a call of the API."""
        headers = {"X-Shopify-Access-Token": token or self.credentials["access_token"]}
        return await self.http.post(f"/admin/api/{version}/{path}", json=body, headers=headers)

    async def rest(self, method: str, path: str, body: Any = None, **params: Any) -> httpx.Response:
        """Send a REST call."""
        headers = {"X-Shopify-Access-Token": self.credentials["access_token"]}
        return await self.http.request(
            method, f"/admin/api/{STABLE}/{path}", json=body, params=params or None, headers=headers
        )

    async def answer(self, query: str, version: str = STABLE, **variables: Any) -> dict[str, Any]:
        """Return the whole answer to a document."""
        response = await self.post("graphql.json", {"query": query, "variables": variables}, version)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    async def ask(self, query: str, version: str = STABLE, **variables: Any) -> Any:
        """Return the only field of a document that must do."""
        answer = await self.answer(query, version, **variables)
        assert "errors" not in answer, answer
        [value] = answer["data"].values()
        return value

    async def customer(self, **given: Any) -> dict[str, Any]:
        """Make a customer."""
        document = (
            "mutation($i: CustomerInput!) { customerCreate(input: $i) { customer { id } userErrors { message } } }"
        )
        made: dict[str, Any] = (await self.ask(document, i=given))["customer"]
        return made

    async def variant(self, price: str = "10.00", stock: int = 0) -> dict[str, Any]:
        """Make a product and return its variant: id, inventory item, location, product."""
        document = """mutation { productCreate(product: {title: "Chair"}) { product { id variants(first: 1) { nodes {
            id inventoryItem { id inventoryLevels(first: 1) { nodes { id location { id } } } } } } } } }"""
        product = (await self.ask(document))["product"]
        [variant] = product["variants"]["nodes"]
        change = """mutation($p: ID!, $v: [ProductVariantsBulkInput!]!) {
            productVariantsBulkUpdate(productId: $p, variants: $v) { userErrors { message } } }"""
        row = {"id": variant["id"], "price": price, "inventoryItem": {"sku": "C-1"}}
        assert not (await self.ask(change, p=product["id"], v=[row]))["userErrors"]
        item = variant["inventoryItem"]
        [level] = item["inventoryLevels"]["nodes"]
        found = {
            "id": variant["id"],
            "product": product["id"],
            "item": item["id"],
            "location": level["location"]["id"],
            "level": level["id"],
        }
        if stock:
            await self.set_stock(found, stock, None)
        return found

    async def set_stock(
        self, variant: dict[str, Any], quantity: int, known: int | None, key: str = "", **more: Any
    ) -> dict[str, Any]:
        """Set what is available, and return the payload."""
        document = """mutation($i: InventorySetQuantitiesInput!, $k: String!) {
            inventorySetQuantities(input: $i) @idempotent(key: $k) {
                inventoryAdjustmentGroup { id changes { name delta } } userErrors { field message code } } }"""
        row = {"inventoryItemId": variant["item"], "locationId": variant["location"], "quantity": quantity}
        given = {"name": "available", "reason": "correction", "quantities": [{**row, "changeFromQuantity": known}]}
        found: dict[str, Any] = await self.ask(document, i={**given, **more}, k=key or f"key-{quantity}-{known}")
        return found

    async def order(self, fields: str = "id", **given: Any) -> dict[str, Any]:
        """Make an order."""
        document = f"""mutation($o: OrderCreateOrderInput!) {{ orderCreate(order: $o) {{
            order {{ {fields} }} userErrors {{ field message code }} }} }}"""
        found = await self.ask(document, o=given)
        assert not found["userErrors"], found
        made: dict[str, Any] = found["order"]
        return made

    async def admin(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change something as the sandbox's administrator."""
        response = await self.http.post(f"/__sandbox/{path}", json=body)
        assert response.is_success, response.text
        found: dict[str, Any] = response.json()
        return found

    async def records(self, kind: str) -> list[dict[str, Any]]:
        """Return what is stored."""
        found: list[dict[str, Any]] = (await self.http.get(f"/__sandbox/records/{kind}")).json()["records"]
        return found


@pytest.fixture
async def merchant(start: Callable[..., Any], clock: Any) -> AsyncIterator[Merchant]:
    """A merchant of the default shop; the bucket is as a Standard plan has it."""
    served = await start({"shopify": (0, build)})
    async with httpx.AsyncClient(base_url=served.url("shopify"), trust_env=False, timeout=30) as http:
        credentials = (await http.get("/__sandbox/credentials")).json()
        yield Merchant(http, credentials, clock)


@dataclass
class Receiver:
    """An address that webhooks come to; answers with `statuses`, then 200."""

    statuses: list[int] = field(default_factory=list)
    got: asyncio.Queue[tuple[dict[str, str], bytes]] = field(default_factory=asyncio.Queue)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in head.split("\r\n")[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        status = self.statuses.pop(0) if self.statuses else 200
        writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        self.got.put_nowait((headers, body))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    made = Receiver()
    async with receiving(made.serve) as url:
        made.url = f"{url}/hooks"
        yield made
