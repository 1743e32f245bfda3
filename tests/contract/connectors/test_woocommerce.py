"""What the WooCommerce connector makes of a shop's objects."""

import ssl
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from connectors.errors import FatalError, UnauthorizedError
from connectors.ports import Raw, Secret
from connectors.wire import loads
from tests.contract.connectors.kit.company import Company, Connect

API = "/wp-json/wc/v3"


@pytest.fixture
async def company(connect: Connect) -> Company:
    """A new shop."""
    return await connect("woocommerce")


@pytest.fixture
async def user(company: Company) -> AsyncIterator[httpx.AsyncClient]:
    """Who works there."""
    keys = company.credentials
    verify = ssl.create_default_context(cafile=keys["ca_file"])
    async with httpx.AsyncClient(
        base_url=keys["https_url"], auth=(keys["consumer_key"], keys["consumer_secret"]), verify=verify, timeout=60
    ) as session:
        yield session


async def made(user: httpx.AsyncClient, path: str, **fields: Any) -> dict[str, Any]:
    """Create an object."""
    answer = await user.post(f"{API}/{path}", json=fields)
    assert answer.is_success, answer.text
    return dict(answer.json())


async def read(company: Company, cursor: str | None = None) -> tuple[list[Raw], str | None]:
    """Read to the end."""
    raws: list[Raw] = []
    async for batch in company.source.read(cursor):
        raws, cursor = [*raws, *batch.records], batch.cursor
    return raws, cursor


async def test_orders_refunds_variations_and_carts(company: Company, user: httpx.AsyncClient) -> None:
    """Each is a record of its own; a draft is a cart alone, and the order it becomes is both."""
    shirt = await made(user, "products", name="Shirt", type="variable")
    path = f"products/{shirt['id']}/variations"
    red = await made(user, path, regular_price="9.00", manage_stock=True, stock_quantity=3)
    order = await made(user, "orders", line_items=[{"variation_id": red["id"], "quantity": 2}], set_paid=True)
    refund = await made(user, f"orders/{order['id']}/refunds", amount="9.00")
    front = {"base": f"/{company.name}/wp-json/wc/store/v1"}
    added = await user.post(f"{front['base']}/cart/add-item", json={"id": red["id"]})
    token = {"cart-token": added.headers["cart-token"]}
    draft = (await user.get(f"{front['base']}/checkout", headers=token)).json()["order_id"]
    raws, cursor = await read(company)
    assert {(raw.object, raw.remote_id) for raw in raws} == {
        ("product", str(shirt["id"])),
        ("variation", str(red["id"])),
        ("order", str(order["id"])),
        ("refund", str(refund["id"])),
        ("cart", str(draft)),
    }
    [variation] = [loads(raw.body) for raw in raws if raw.object == "variation"]
    assert (variation["stock_quantity"], variation["parent_id"]) == (1, shirt["id"])
    [given] = [loads(raw.body) for raw in raws if raw.object == "refund"]
    assert (given["parent_id"], given["amount"]) == (order["id"], "9.00")
    person = {"billing_address": {"email": "ada@customer.example"}}
    await user.post(f"{front['base']}/checkout", json=person, headers=token)
    raws, _ = await read(company, cursor)
    placed = {raw.object: loads(raw.body)["status"] for raw in raws if raw.remote_id == str(draft)}
    assert placed == {"cart": "on-hold", "order": "on-hold"}
    fetched = await company.fetcher.fetch("cart", [str(draft), "999"])
    assert [(raw.object, raw.deleted) for raw in fetched] == [("cart", False), ("cart", True)]


async def test_an_idle_shop_gives_nothing(company: Company, user: httpx.AsyncClient) -> None:
    """What was read is not read again; once settled nothing is remembered."""
    await made(user, "orders")
    raws, cursor = await read(company)
    assert [raw.object for raw in raws] == ["order"]
    assert (await read(company, cursor))[0] == []


async def test_a_changed_key_is_taken_from_the_store(connect: Connect) -> None:
    """A refused key is looked up again; one that stays wrong, or is missing, is said."""
    company = await connect("woocommerce", secrets={"client_secret": "cs_wrong"})
    with pytest.raises(UnauthorizedError, match="woocommerce_rest_authentication_error"):
        await read(company)
    source: Any = company.connector.source
    store = source._client._keyed.tools.tokens
    known = await store.get(company.name, "woocommerce")
    good = {**known.values, "client_secret": company.credentials["client_secret"]}
    assert await store.compare_and_set(company.name, "woocommerce", Secret(good), expected_version=known.version)
    assert (await read(company))[0] == []
    none = await connect("woocommerce", secrets={"client_id": ""})
    with pytest.raises(FatalError, match="credential client_id is missing"):
        await read(none)
