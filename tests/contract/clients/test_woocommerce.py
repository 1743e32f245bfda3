import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from requests import Response
from woocommerce import API

from connectors.sandbox.server import Sandboxes, serve

Session = Callable[[Callable[[API], Any]], Any]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Sandboxes]:
    """The WooCommerce sandbox on a free port."""
    running = await serve(["woocommerce"], tmp_path, {"woocommerce": 0})
    yield running
    await running.aclose()


@pytest.fixture
async def credentials(served: Sandboxes) -> dict[str, Any]:
    """What a user would copy from the shop's settings."""
    async with httpx.AsyncClient(base_url=served.url("woocommerce")) as admin:
        found: dict[str, Any] = (await admin.get("/__sandbox/credentials")).json()
    return found


def client(credentials: dict[str, Any], way: str) -> API:
    """The client as users build it: signed over http, Basic or in the query over https."""
    options: dict[str, Any] = {"version": "wc/v3", "timeout": 60}
    if way != "oauth":
        options |= {"verify_ssl": credentials["ca_file"], "query_string_auth": way == "query"}
    url = credentials["base_url" if way == "oauth" else "https_url"]
    return API(url, credentials["consumer_key"], credentials["consumer_secret"], **options)


@pytest.fixture(params=["oauth", "basic", "query"])
def session(request: pytest.FixtureRequest, credentials: dict[str, Any]) -> Session:
    """Runs a blocking function of the client beside the server's loop."""

    async def run(work: Callable[[API], Any]) -> Any:
        return await asyncio.to_thread(lambda: work(client(credentials, request.param)))

    return run


def done(response: Response, status: int = 200) -> Any:
    """The body of an answer with that status."""
    assert response.status_code == status, response.text
    return response.json()


async def test_a_day_in_a_shop(session: Session) -> None:
    """Product, customer, order, payment, refund, search and trash, as the client's manual shows them."""

    def work(api: API) -> None:
        product = {"name": "Lamp", "sku": "LAMP", "regular_price": "20.00", "manage_stock": True, "stock_quantity": 9}
        lamp = done(api.post("products", product), 201)
        person = {"email": "ada@customer.example", "first_name": "Ada", "billing": {"city": "Reno", "country": "US"}}
        ada = done(api.post("customers", person), 201)
        lines = [{"product_id": lamp["id"], "quantity": 2}]
        shipping = [{"method_id": "flat_rate", "method_title": "Flat", "total": "5.00"}]
        sent = {"customer_id": ada["id"], "line_items": lines, "shipping_lines": shipping, "set_paid": True}
        sent["billing"] = {"city": "Reno"}
        order = done(api.post("orders", sent), 201)
        assert (order["status"], order["total"], order["line_items"][0]["sku"]) == ("processing", "45.00", "LAMP")
        assert done(api.get(f"products/{lamp['id']}"))["stock_quantity"] == 7
        note = done(api.post(f"orders/{order['id']}/notes", {"note": "packed"}), 201)
        assert note["note"] == "packed"
        refund = done(api.post(f"orders/{order['id']}/refunds", {"amount": "5.00", "reason": "late"}), 201)
        assert refund["amount"] == "5.00"
        changed = done(api.put(f"orders/{order['id']}", {"status": "completed"}))
        assert (changed["refunds"][0]["total"], changed["date_completed"] is None) == ("-5.00", False)
        found = api.get(
            "orders", params={"customer": ada["id"], "status": "completed", "per_page": 1, "search": "Reno"}
        )
        assert [row["id"] for row in done(found)] == [order["id"]]
        assert (found.headers["X-WP-Total"], found.headers["X-WP-TotalPages"]) == ("1", "1")
        assert done(api.delete(f"orders/{order['id']}"))["status"] == "trash"
        assert done(api.delete(f"orders/{order['id']}", params={"force": True}))["id"] == order["id"]
        assert done(api.get(f"orders/{order['id']}"), 404)["code"] == "woocommerce_rest_shop_order_invalid_id"
        assert done(api.delete(f"customers/{ada['id']}"), 501)["code"] == "woocommerce_rest_trash_not_supported"

    await session(work)


async def test_batch_and_pages(session: Session) -> None:
    """A batch's rows succeed and fail alone; a list is walked by its headers."""

    def work(api: API) -> None:
        rows = [{"name": f"Product {n}", "sku": f"S{n}"} for n in range(25)]
        made = done(api.post("products/batch", {"create": [*rows, {"name": "again", "sku": "S3"}]}))["create"]
        assert made[-1]["error"]["code"] == "product_invalid_sku"
        first = api.get("products", params={"per_page": 10, "orderby": "id", "order": "asc"})
        assert first.headers["X-WP-TotalPages"] == "3"
        assert 'rel="next"' in first.headers["Link"]
        last = api.get("products", params={"per_page": 10, "orderby": "id", "order": "asc", "page": 3})
        assert [row["sku"] for row in done(last)] == [f"S{n}" for n in range(20, 25)]
        update = [{"id": row["id"], "regular_price": "3.50"} for row in made[:2]]
        answer = done(api.post("products/batch", {"update": update, "delete": [made[2]["id"]]}))
        assert [row["price"] for row in answer["update"]] == ["3.50", "3.50"]
        assert done(api.get(f"products/{made[2]['id']}"), 404)["data"]["status"] == 404
        assert done(api.post("products/batch", {"create": rows * 5}), 413)["code"].endswith("too_large")

    await session(work)


async def test_a_wrong_secret_is_refused(credentials: dict[str, Any]) -> None:
    """Each way of naming oneself has its own refusal, all 401."""
    wrong = {**credentials, "consumer_secret": "cs_wrong"}
    for way in ("oauth", "basic", "query"):
        answer = await asyncio.to_thread(client(wrong, way).get, "orders")
        assert done(answer, 401)["code"] == "woocommerce_rest_authentication_error"
