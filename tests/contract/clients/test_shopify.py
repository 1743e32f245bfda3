"""Shopify's own Python library, unmodified, against the sandbox: OAuth, GraphQL, REST resources."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import shopify
from pyactiveresource.connection import ResourceNotFound, UnauthorizedAccess

from connectors.sandbox.server import Sandboxes, serve

VERSION = "2026-10"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Sandboxes]:
    """The Shopify sandbox on a free port."""
    running = await serve(["shopify"], tmp_path, {"shopify": 0})
    yield running
    await running.aclose()


@pytest.fixture
async def credentials(served: Sandboxes) -> dict[str, Any]:
    """What the app's owner would copy from the dashboard; a test in a hurry may ask often."""
    async with httpx.AsyncClient(base_url=served.url("shopify")) as admin:
        await admin.post("/__sandbox/limits", json={"limits": {"rest requests": 1000}})
        found: dict[str, Any] = (await admin.get("/__sandbox/credentials")).json()
    return found


@pytest.fixture(params=["http", "https"])
def library(
    request: pytest.FixtureRequest, served: Sandboxes, credentials: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Any]]:
    """The library, set up as its README says; runs blocking functions beside the server's loop.

    It makes the host of the shop's name and a domain: `127` and `0.0.1` are this machine.
    """
    monkeypatch.setenv("SSL_CERT_FILE", credentials["ca_file"])
    before = {
        name: getattr(shopify.Session, name) for name in ("protocol", "myshopify_domain", "port", "api_key", "secret")
    }
    shopify.Session.setup(
        protocol=request.param,
        myshopify_domain="0.0.1",
        port=served.ports["shopify"],
        api_key=credentials["client_id"],
        secret=credentials["client_secret"],
    )

    async def run(work: Callable[[], Any]) -> Any:
        def session() -> Any:
            with shopify.Session.temp("127", VERSION, credentials["access_token"]):
                return work()

        return await asyncio.to_thread(session)

    yield run
    shopify.Session.setup(**before)


def graphql(document: str, **variables: Any) -> Any:
    """Run a document and return the only field of its data."""
    answer = json.loads(shopify.GraphQL().execute(document, variables))
    assert "errors" not in answer, answer
    [value] = answer["data"].values()
    return value


async def test_graphql_session(library: Callable[..., Any]) -> None:
    """A customer, a product with a price and stock, an order, its refund; then the list of what changed."""

    def work() -> None:
        customer = graphql(
            """mutation($i: CustomerInput!) { customerCreate(input: $i) {
                customer { id email } userErrors { field message } } }""",
            i={"email": "ada@example.com", "firstName": "Ada", "lastName": "Lovelace"},
        )["customer"]
        product = graphql(
            """mutation { productCreate(product: {title: "Chair", vendor: "Acme"}) { product { id
                variants(first: 1) { nodes { id inventoryItem { id } } } } userErrors { message } } }"""
        )["product"]
        [variant] = product["variants"]["nodes"]
        graphql(
            """mutation($p: ID!, $v: [ProductVariantsBulkInput!]!) {
                productVariantsBulkUpdate(productId: $p, variants: $v) { userErrors { message } } }""",
            p=product["id"],
            v=[{"id": variant["id"], "price": "19.99", "inventoryItem": {"sku": "CHAIR", "tracked": True}}],
        )
        [location, *_] = graphql("{ locations(first: 5) { nodes { id name } } }")["nodes"]
        row = {"inventoryItemId": variant["inventoryItem"]["id"], "locationId": location["id"]}
        stocked = graphql(
            """mutation($i: InventorySetQuantitiesInput!) { inventorySetQuantities(input: $i)
                @idempotent(key: "5a1f") { userErrors { code } inventoryAdjustmentGroup { changes { delta } } } }""",
            i={
                "name": "available",
                "reason": "correction",
                "quantities": [{**row, "quantity": 10, "changeFromQuantity": 0}],
            },
        )
        assert stocked["inventoryAdjustmentGroup"]["changes"] == [{"delta": 10}]
        order = graphql(
            """mutation($o: OrderCreateOrderInput!) {
                orderCreate(order: $o, options: {inventoryBehaviour: DECREMENT_OBEYING_POLICY}) {
                order { id name lineItems(first: 5) { edges { node { id title } } }
                    totalPriceSet { shopMoney { amount currencyCode } } } userErrors { field message } } }""",
            o={
                "customer": {"toAssociate": {"id": customer["id"]}},
                "lineItems": [{"variantId": variant["id"], "quantity": 2}],
                "financialStatus": "PAID",
            },
        )["order"]
        assert order["totalPriceSet"]["shopMoney"] == {"amount": "39.98", "currencyCode": "USD"}
        [line] = order["lineItems"]["edges"]
        refunded = graphql(
            """mutation($i: RefundInput!) { refundCreate(input: $i) @idempotent(key: "7be2") {
                order { displayFinancialStatus } userErrors { message } } }""",
            i={
                "orderId": order["id"],
                "refundLineItems": [{"lineItemId": line["node"]["id"], "quantity": 1}],
                "transactions": [{"orderId": order["id"], "amount": "19.99", "kind": "REFUND", "gateway": "manual"}],
            },
        )
        assert refunded["order"]["displayFinancialStatus"] == "PARTIALLY_REFUNDED"
        changed = graphql(
            """query($q: String) { orders(first: 10, sortKey: UPDATED_AT, query: $q) {
                edges { cursor node { id refunds { totalRefundedSet { shopMoney { amount } } } } }
                pageInfo { hasNextPage } } }""",
            q="updated_at:>='2020-01-01T00:00:00Z'",
        )
        [edge] = changed["edges"]
        assert edge["node"]["refunds"] == [{"totalRefundedSet": {"shopMoney": {"amount": "19.99"}}}]

    await library(work)


async def test_rest_session(library: Callable[..., Any]) -> None:
    """The shop, customers made, found, changed and deleted; pages; webhooks; stock; call limits."""

    def work() -> None:
        assert shopify.Shop.current().currency == "USD"
        assert shopify.Limits.credit_limit() == 1000
        assert shopify.Limits.credit_used() >= 1
        made = shopify.Customer.create({"first_name": "Ada", "email": "ada@example.com", "tags": "vip, b2b"})
        assert made.id
        assert not made.errors
        twice = shopify.Customer.create({"email": "ada@example.com"})
        assert twice.errors.full_messages() == ["email has already been taken"]
        made.note = "likes chairs"
        assert made.save()
        assert shopify.Customer.find(made.id).note == "likes chairs"
        for number in range(4):
            shopify.Customer.create({"email": f"c{number}@example.com"})
        page = shopify.Customer.find(limit=3)
        assert page.has_next_page()
        assert len(page) + len(page.next_page()) == 5
        assert shopify.Customer.count() == 5
        made.destroy()
        with pytest.raises(ResourceNotFound):
            shopify.Customer.find(made.id)
        hook = shopify.Webhook.create(
            {"topic": "orders/create", "address": "https://app.example/hooks", "format": "json"}
        )
        assert [each.id for each in shopify.Webhook.find()] == [hook.id]
        hook.destroy()
        assert shopify.Webhook.find() == []
        graphql('mutation { productCreate(product: {title: "Chair"}) { userErrors { message } } }')
        item = graphql("{ inventoryItems(first: 1) { nodes { legacyResourceId } } }")["nodes"][0]["legacyResourceId"]
        location = shopify.Location.find()[0].id
        level = shopify.InventoryLevel.set(location, int(item), 7)
        assert level.available == 7
        assert shopify.InventoryLevel.find(inventory_item_ids=item, location_ids=location)[0].available == 7
        graphql('mutation { orderCreate(order: {lineItems: [{title: "A", quantity: 1}]}) { userErrors { message } } }')
        [order] = shopify.Order.find(status="any")
        order.note = "by REST"
        assert order.save()
        assert shopify.Order.find(order.id).note == "by REST"
        assert shopify.Order.count(status="any") == 1
        order.cancel()
        assert shopify.Order.find(order.id).cancelled_at

    await library(work)


async def test_oauth_session(library: Callable[..., Any], served: Sandboxes, credentials: dict[str, Any]) -> None:
    """The library's own steps: the consent page's address, the check of the redirect, the exchange of the code."""
    session = shopify.Session("127", VERSION)
    address = session.create_permission_url(["read_orders", "write_orders"], "https://app.example/cb", "state")
    async with httpx.AsyncClient(verify=False) as browser:  # noqa: S501  a browser would be told about the CA
        answer = await browser.get(address)
    params = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert params["shop"] == credentials["shop"]
    assert shopify.Session.validate_params(params)
    assert not shopify.Session.validate_params({**params, "shop": "evil.myshopify.com"})
    token = await asyncio.to_thread(session.request_token, params)
    assert session.access_scopes == shopify.ApiAccess("read_orders,write_orders")

    def named() -> str:
        with shopify.Session.temp("127", VERSION, token):
            return str(shopify.Shop.current().myshopify_domain)

    assert await asyncio.to_thread(named) == credentials["shop"]
    del library, served


async def test_refused_calls(library: Callable[..., Any]) -> None:
    """A wrong token is 401 for REST and GraphQL; products are no more in REST."""

    def work() -> None:
        with pytest.raises(ResourceNotFound):
            shopify.Product.find(1)
        with shopify.Session.temp("127", VERSION, "wrong"):
            with pytest.raises(UnauthorizedAccess):
                shopify.Shop.current()
            with pytest.raises(HTTPError, match="401"):
                shopify.GraphQL().execute("{ shop { name } }")

    await library(work)
