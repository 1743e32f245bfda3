"""Shopify's source: a backfill by bulk operation or by pages, sweeps by `updatedAt`, the list of deleted products."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

import httpx

from connectors.ports import Raw
from connectors.wire import loads
from tests.contract.connectors.kit.company import Company
from tests.contract.connectors.kit.driver import Key, PageSize, SourceDriver, Truth

AT_ONCE = 50
"""Mutations in one document: each costs more than ten of the thousand points a document may."""
TOPICS = ("PRODUCTS_CREATE", "PRODUCTS_UPDATE", "PRODUCTS_DELETE")


class ShopifyProducts:
    """A merchant who works on products."""

    name: ClassVar[str] = "shopify-bulk"
    vendor: ClassVar[str] = "shopify"
    settings: ClassVar[Mapping[str, str]] = {"objects": "Product", "overlap_seconds": "5"}
    pages: ClassVar[tuple[PageSize, ...]] = (PageSize("connectors.shopify.bulk.PART", 100_000),)
    webhooks: ClassVar[bool] = True
    gaps: ClassVar[Mapping[str, Callable[[Any], Awaitable[None]]]] = {}

    def __init__(self, company: Company) -> None:
        self._company = company
        headers = {"X-Shopify-Access-Token": company.credentials["access_token"]}
        self._session = httpx.AsyncClient(
            base_url=company.credentials["api_url"].replace("https:", "http:"),
            headers=headers,
            trust_env=False,
            timeout=60,
        )
        self._made = self._edits = 0

    async def create(self, count: int) -> None:
        """Make products, many in one document."""
        for start in range(0, count, AT_ONCE):
            titles = {}
            for number in range(min(AT_ONCE, count - start)):
                self._made += 1
                titles[f"t{number}"] = f"Product {self._made}"
            declared = " ".join(f"${name}: String!" for name in titles)
            made = " ".join(
                f"{name}: productCreate(product: {{title: ${name}}}) {{ userErrors {{ message }} }}" for name in titles
            )
            await self.run(f"mutation({declared}) {{ {made} }}", **titles)

    async def edit(self, key: Key) -> None:
        """Give a product a title it never had."""
        self._edits += 1
        await self.run(
            "mutation($i: ID!, $t: String!) { productUpdate(product: {id: $i, title: $t}) { userErrors { message } } }",
            i=f"gid://shopify/Product/{key[1]}",
            t=f"Edited {self._edits}",
        )

    async def delete(self, key: Key) -> None:
        """Delete a product."""
        await self.run(
            "mutation($i: ID!) { productDelete(input: {id: $i}) { userErrors { message } } }",
            i=f"gid://shopify/Product/{key[1]}",
        )

    async def truth(self) -> Truth:
        """Return the titles of all products."""
        gone = [event["subject_id"].rpartition("/")[2] for event in await self._company.records("DeletionEvent")]
        there = {("Product", str(row["id"])): row["title"] for row in await self._company.records("Product")}
        return {**{("Product", id_): None for id_ in gone}, **there}

    def content(self, raw: Raw) -> Any:
        """Return a record's title."""
        return loads(raw.body)["title"]

    async def subscribe(self, url: str) -> None:
        """Subscribe to the products' topics as apps do."""
        for topic in TOPICS:
            given = f'topic: {topic}, webhookSubscription: {{uri: "{url}"}}'
            await self.run(f"mutation {{ webhookSubscriptionCreate({given}) {{ userErrors {{ message }} }} }}")

    async def aclose(self) -> None:
        """End the session."""
        await self._session.aclose()

    async def run(self, document: str, **variables: str) -> None:
        """Run a mutation that must do."""
        sent = {"query": document, "variables": variables}
        answer = (await self._session.post("/graphql.json", json=sent)).json()
        assert "errors" not in answer, answer
        assert not [each for each in answer["data"].values() if each["userErrors"]], answer

    async def lose_webhooks(self) -> None:
        """Change a product whose webhooks get lost."""
        await self._company.put("faults", {"kind": "lost_webhook"})
        *_, last = sorted(key for key, title in (await self.truth()).items() if title is not None)
        await self.edit(last)


class ShopifyBulk(ShopifyProducts):
    """The first read by a bulk operation."""

    gaps: ClassVar[Mapping[str, Callable[[Any], Awaitable[None]]]] = {"lost webhooks": ShopifyProducts.lose_webhooks}


class ShopifyPages(ShopifyProducts):
    """The first read by pages."""

    name: ClassVar[str] = "shopify-pages"
    settings: ClassVar[Mapping[str, str]] = {"objects": "Product", "overlap_seconds": "5", "backfill": "pages"}
    pages: ClassVar[tuple[PageSize, ...]] = ()


DRIVERS: list[type[SourceDriver]] = [ShopifyBulk, ShopifyPages]
