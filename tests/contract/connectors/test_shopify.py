"""Shopify's connector against its sandbox: every object's shape, points, bulk operations, fetches."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from connectors.errors import FatalError, RejectedError, RetryableError
from connectors.ports import Batch, Raw
from connectors.shopify import bulk
from connectors.wire import loads
from tests.contract.connectors.kit.company import Company, Connect

OVERLAP = {"overlap_seconds": "5"}


class Merchant:
    """Somebody who sells."""

    def __init__(self, company: Company) -> None:
        self.company = company
        headers = {"X-Shopify-Access-Token": company.credentials["access_token"]}
        url = company.credentials["api_url"].replace("https:", "http:")
        self.session = httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=60)

    async def run(self, document: str, **variables: Any) -> Any:
        """Run a document and return its only field."""
        answer = (await self.session.post("/graphql.json", json={"query": document, "variables": variables})).json()
        assert "errors" not in answer, answer
        [value] = answer["data"].values()
        assert not value.get("userErrors"), value
        return value

    async def customer(self, email: str) -> str:
        """Make a customer; return the number."""
        made = await self.run(
            "mutation($i: CustomerInput!) { customerCreate(input: $i) { customer { legacyResourceId } "
            "userErrors { message } } }",
            i={"email": email, "firstName": "Ada", "addresses": [{"city": "Reno", "countryCode": "US"}]},
        )
        return str(made["customer"]["legacyResourceId"])

    async def order(self, lines: int, **given: Any) -> dict[str, Any]:
        """Make an order of so many lines; return id and the ids of its first lines."""
        price = {"shopMoney": {"amount": "10", "currencyCode": "USD"}}
        rows = [{"title": f"Line {number}", "quantity": 2, "priceSet": price} for number in range(lines)]
        made = await self.run(
            "mutation($o: OrderCreateOrderInput!) { orderCreate(order: $o) { order { id "
            "lineItems(first: 2) { nodes { id } } } userErrors { message } } }",
            o={"lineItems": rows, **given},
        )
        found: dict[str, Any] = made["order"]
        return found

    async def refund(self, order: dict[str, Any], amount: str) -> None:
        """Take one piece of the first line back."""
        row = {"lineItemId": order["lineItems"]["nodes"][0]["id"], "quantity": 1}
        money = {"orderId": order["id"], "amount": amount, "kind": "REFUND", "gateway": "manual"}
        await self.run(
            'mutation($i: RefundInput!) { refundCreate(input: $i) @idempotent(key: "k") { userErrors { message } } }',
            i={"orderId": order["id"], "refundLineItems": [row], "transactions": [money]},
        )

    async def product(self, variants: int = 1) -> dict[str, Any]:
        """Make a product of so many variants; return product, item and location of the first."""
        made = await self.run(
            'mutation { productCreate(product: {title: "Chair"}) { product { id } userErrors { message } } }'
        )
        rows = [{"price": "5.00", "optionValues": [{"optionName": "Size", "name": str(n)}]} for n in range(variants)]
        stocked = await self.run(
            "mutation($p: ID!, $v: [ProductVariantsBulkInput!]!) { productVariantsBulkCreate(productId: $p, "
            "variants: $v) { productVariants { inventoryItem { id inventoryLevels(first: 1) { nodes { id "
            "location { id } } } } } userErrors { message } } }",
            p=made["product"]["id"],
            v=rows,
        )
        item = stocked["productVariants"][0]["inventoryItem"]
        [level] = item["inventoryLevels"]["nodes"]
        return {
            "id": made["product"]["id"],
            "item": item["id"],
            "location": level["location"]["id"],
            "level": level["id"],
        }

    async def stock(self, product: dict[str, Any], quantity: int) -> None:
        """Set what is available of a product's first variant."""
        row = {"inventoryItemId": product["item"], "locationId": product["location"], "quantity": quantity}
        await self.run(
            "mutation($i: InventorySetQuantitiesInput!, $k: String!) { inventorySetQuantities(input: $i) "
            "@idempotent(key: $k) { userErrors { message } } }",
            i={"name": "available", "reason": "correction", "quantities": [{**row, "changeFromQuantity": None}]},
            k=f"stock-{quantity}",
        )

    async def checkout(self, product: dict[str, Any]) -> dict[str, Any]:
        """Leave a cart behind."""
        [variant] = [row for row in await self.company.records("ProductVariant") if row["title"] == "0"]
        sent = {"email": "buyer@example.com", "line_items": [{"variant_id": variant["id"], "quantity": 1}]}
        params = {"shop": self.company.credentials["shop"]}
        answer = await self.company.admin.post("/people/checkouts", json=sent, params=params)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        del product
        return found


def tail(gid: str) -> str:
    """The id as records have it."""
    return gid.split("/", 4)[4]


async def read(company: Company, cursor: str | None) -> list[Batch]:
    """Read to the end."""
    return [batch async for batch in company.source.read(cursor)]


def raws(batches: list[Batch]) -> dict[tuple[str, str], Raw]:
    """Return the last record of each object."""
    return {(raw.object, raw.remote_id): raw for batch in batches for raw in batch.records}


@pytest.fixture(params=["bulk", "pages"])
async def company(request: pytest.FixtureRequest, connect: Connect) -> Company:
    """A shop whose first reading is by bulk operations or by pages."""
    return await connect("shopify", backfill=request.param, **OVERLAP)


@pytest.fixture
async def merchant(company: Company) -> AsyncIterator[Merchant]:
    """Its merchant."""
    made = Merchant(company)
    yield made
    await made.session.aclose()


async def test_every_object_is_read_in_one_shape(company: Company, merchant: Merchant) -> None:
    """First reading, sweep and fetch give the same bodies and versions; long lists are complete."""
    customer = await merchant.customer("ada@example.com")
    attributes = {"toAssociate": {"id": f"gid://shopify/Customer/{customer}"}}
    order = await merchant.order(13, customer=attributes, financialStatus="PAID")
    await merchant.refund(order, "20")
    product = await merchant.product(7)
    await merchant.stock(product, 4)
    checkout = await merchant.checkout(product)
    first = await read(company, None)
    found = raws(first)
    keys = {
        ("Customer", customer),
        ("Order", tail(order["id"])),
        ("Product", tail(product["id"])),
        ("InventoryLevel", tail(product["level"])),
        ("AbandonedCheckout", str(checkout["id"])),
    }
    assert keys <= found.keys()
    body = loads(found["Order", tail(order["id"])].body)
    assert [line["quantity"] - line["currentQuantity"] for line in body["lineItems"]["nodes"]] == [1] + [0] * 12
    assert [each["totalRefundedSet"]["shopMoney"]["amount"] for each in body["refunds"]] == ["20.0"]
    [back] = body["refunds"][0]["refundLineItems"]["nodes"]
    assert (back["lineItem"]["id"], back["quantity"]) == (order["lineItems"]["nodes"][0]["id"], 1)
    assert [each["kind"] for each in body["transactions"]] == ["SALE", "REFUND"]
    assert body["displayFinancialStatus"] == "PARTIALLY_REFUNDED"
    assert len(loads(found["Product", tail(product["id"])].body)["variants"]["nodes"]) == 7
    levels = loads(found["InventoryLevel", tail(product["level"])].body)
    assert levels["quantities"][0] == {"name": "available", "quantity": 4}
    for object_type, id_ in keys:
        [fetched] = await company.fetcher.fetch(object_type, [id_])
        assert fetched == found[object_type, id_]
    assert raws(await read(company, first[-1].cursor)).items() <= found.items()


async def test_an_order_with_refunds_is_only_named_by_a_bulk_operation(connect: Connect) -> None:
    """It cannot tell the positions of a refund: the order is fetched; others are read as they are."""
    company = await connect("shopify", objects="Order", backfill="bulk", **OVERLAP)
    merchant = Merchant(company)
    whole, refunded = [await merchant.order(1, financialStatus="PAID") for _ in range(2)]
    await merchant.refund(refunded, "10")
    [first, *_] = [batch.records for batch in await read(company, None) if batch.records]
    found = {raw.remote_id: raw for raw in first}
    [fetched] = await company.fetcher.fetch("Order", [tail(refunded["id"])])
    named = found[tail(refunded["id"])]
    assert (named.hint, named.version) == (True, fetched.version)
    assert not found[tail(whole["id"])].hint
    await merchant.session.aclose()


async def test_changes_are_swept_up(company: Company, merchant: Merchant) -> None:
    """A refund, new stock and a bought cart come with the next reading; what was read does not repeat."""
    product = await merchant.product()
    order = await merchant.order(1, financialStatus="PAID")
    checkout = await merchant.checkout(product)
    batches = await read(company, None)
    batches += await read(company, batches[-1].cursor)
    assert await read(company, batches[-1].cursor) == []
    await merchant.refund(order, "5")
    await merchant.stock(product, 9)
    params = {"shop": company.credentials["shop"]}
    await company.admin.post(f"/people/checkouts/{checkout['token']}/complete", params=params)
    news = raws(await read(company, batches[-1].cursor))
    assert loads(news["Order", tail(order["id"])].body)["displayFinancialStatus"] == "PARTIALLY_REFUNDED"
    assert loads(news["InventoryLevel", tail(product["level"])].body)["quantities"][0]["quantity"] == 8
    assert loads(news["AbandonedCheckout", str(checkout["id"])].body)["completedAt"]
    assert {object_type for object_type, _ in news} == {
        "Order",
        "Product",
        "Customer",
        "InventoryLevel",
        "AbandonedCheckout",
    }


async def test_a_bulk_operation_is_read_on_where_it_was_left(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the middle of a result a new process goes on; objects are never cut, however small the parts."""
    monkeypatch.setattr(bulk, "PART", 700)
    company = await connect("shopify", objects="Order", **OVERLAP)
    merchant = Merchant(company)
    for lines in (1, 3, 2, 4):
        await merchant.order(lines)
    batches = await read(company, None)
    expected = sorted(raws(batches))
    assert len(expected) == 4
    # The sweep that follows reads them again; what counts is the operation's own record.
    whole = [raw for batch in batches for raw in batch.records][:4]
    assert sorted(len(loads(raw.body)["lineItems"]["nodes"]) for raw in whole) == [1, 2, 3, 4]
    middle = next(number for number, batch in enumerate(batches) if batch.records)
    rest = await read(company.reconnected(), batches[middle].cursor)
    assert sorted({**raws(batches[: middle + 1]), **raws(rest)}) == expected
    calls = (await company.admin.get("/__sandbox/meter", params={"account": company.name})).json()["calls"]
    assert calls["mutation bulkOperationRunQuery"] == 1
    await merchant.session.aclose()


async def test_a_lost_bulk_operation_is_replaced_by_pages(connect: Connect) -> None:
    """Cancelled by whoever may, it is not begun again for ever: pages bring everything."""
    company = await connect("shopify", objects="Customer", **OVERLAP)
    merchant = Merchant(company)
    customer = await merchant.customer("ada@example.com")
    await company.put("settings", {"settings": {"bulk_seconds": 3600}})
    reading = company.source.read(None)
    begun = await anext(reading)
    [operation] = await company.records("BulkOperation")
    await merchant.run(
        "mutation($i: ID!) { bulkOperationCancel(id: $i) { userErrors { message } } }",
        i=f"gid://shopify/BulkOperation/{operation['id']}",
    )
    assert ("Customer", customer) in raws([batch async for batch in company.source.read(begun.cursor)])
    await merchant.session.aclose()


async def test_no_faster_than_the_points_allow(connect: Connect) -> None:
    """With a small bucket pages wait for it to fill up: nothing is throttled, nothing is missed."""
    company = await connect("shopify", objects="Customer", backfill="pages")
    merchant = Merchant(company)
    for number in range(30):
        await merchant.customer(f"c{number}@example.com")
    await company.put("limits", {"limits": {"graphql points": 1000}})
    assert len(raws(await read(company, None))) == 30
    meter = (await company.admin.get("/__sandbox/meter", params={"account": company.name})).json()
    assert meter["over_limit"] == {}
    await merchant.session.aclose()


async def test_throttled_says_when_to_come_again(connect: Connect) -> None:
    """Others use the same bucket: THROTTLED is a wait, not a failure."""
    company = await connect("shopify", objects="Customer", backfill="pages")
    await company.fault("throttle")
    with pytest.raises(RetryableError, match="THROTTLED") as raised:
        await read(company, None)
    assert raised.value.retry_after is not None
    await read(company, None)


async def test_an_ended_token_is_replaced(connect: Connect) -> None:
    """Client credentials and rotating refresh tokens alike; the call is repeated with the new one."""
    for grant in ("client_credentials", "refresh_token"):
        company = await connect("shopify", objects="Customer", backfill="pages", grant=grant)
        await read(company, None)
        await company.fault("expire_tokens")
        await read(company, None)


async def test_fetches_know_what_is_gone(connect: Connect) -> None:
    """An id that Shopify does not have is a deletion; an object that is not read is refused."""
    company = await connect("shopify")
    merchant = Merchant(company)
    customer = await merchant.customer("ada@example.com")
    found = await company.fetcher.fetch("Customer", [customer, "12", customer])
    assert [(raw.remote_id, raw.deleted) for raw in found] == [(customer, False), ("12", True)]
    with pytest.raises(RejectedError, match="Customer"):
        await company.fetcher.fetch("Metafield", ["1"])
    with pytest.raises(FatalError, match="objects"):
        await connect("shopify", objects="Orders")
    await merchant.session.aclose()
