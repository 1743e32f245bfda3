"""The rules of WooCommerce that the sandbox keeps; its README names the test of each."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from connectors.sandbox.woocommerce.vendor import build
from tests.receiving import receiving

API = "/wp-json/wc/v3"


class Shop:
    """A user of one shop; requests are signed as OAuth 1.0a asks."""

    def __init__(self, http: httpx.AsyncClient, credentials: dict[str, Any], clock: Any) -> None:
        self.http = http
        self.credentials = credentials
        self.clock = clock
        self.nonces = 0

    def signed(self, method: str, path: str, params: dict[str, str], **changes: str) -> str:
        """An address with its signature."""
        self.nonces += 1
        url = f"{self.http.base_url}".rstrip("/") + f"{API}/{path}"
        oauth = {
            "oauth_consumer_key": self.credentials["consumer_key"],
            "oauth_timestamp": str(int(self.clock.now().timestamp())),
            "oauth_nonce": f"nonce{self.nonces}",
            "oauth_signature_method": "HMAC-SHA256",
        }
        given = {**params, **oauth, **changes}
        pairs = "%26".join(f"{quote(quote(k, ''), '')}%3D{quote(quote(v, ''), '')}" for k, v in sorted(given.items()))
        key = f"{self.credentials['consumer_secret']}&".encode()
        base = f"{method}&{quote(url, '')}&{pairs}".encode()
        made = base64.b64encode(hmac.digest(key, base, hashlib.sha256)).decode()
        return f"{url}?{urlencode({**given, 'oauth_signature': made})}"

    async def call(self, method: str, path: str, body: Any = None, expect: int | None = None, **params: Any) -> Any:
        """Send a request and return its JSON."""
        answer = await self.http.request(method, self.signed(method, path, params), json=body)
        assert answer.is_success if expect is None else answer.status_code == expect, answer.text
        return answer.json()

    async def make(self, path: str, **fields: Any) -> Any:
        """Create an object."""
        return await self.call("POST", path, fields)

    async def admin(self, path: str, **body: Any) -> Any:
        """Change something as an administrator."""
        return (await self.http.post(f"/__sandbox/{path}", json=body)).json()


@pytest.fixture
async def shop(start: Callable[..., Any], clock: Any) -> AsyncIterator[Shop]:
    """A shop with nothing in it."""
    served = await start({"woocommerce": (0, build)})
    async with httpx.AsyncClient(base_url=served.url("woocommerce"), timeout=60) as http:
        yield Shop(http, (await http.get("/__sandbox/credentials")).json(), clock)


class Receiver:
    """Notes every request and answers as told, at once."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()
        self.status = 200
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request per connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = {name.lower(): value for name, _, value in (row.partition(": ") for row in head.split("\r\n"))}
        body = await reader.readexactly(int(fields["content-length"]))
        writer.write(f"HTTP/1.1 {self.status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        self.got.put_nowait((fields, body))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    made = Receiver()
    async with receiving(made.serve) as url:
        made.url = f"{url}/hook"
        yield made


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"oauth_consumer_key": "ck_none"}, "Consumer key is invalid."),
        ({"oauth_timestamp": "0"}, "Invalid timestamp."),
        ({"oauth_signature_method": "PLAINTEXT"}, "Invalid signature - signature method is invalid."),
        ({"oauth_nonce": ""}, "Missing OAuth parameter oauth_nonce"),
    ],
)
async def test_oauth_refuses(shop: Shop, changes: dict[str, str], message: str) -> None:
    """Wrong key, method or time, and anything missing, is 401 with its reason."""
    answer = await shop.http.get(shop.signed("GET", "orders", {}, **changes))
    assert (answer.status_code, answer.json()["message"]) == (401, message)


async def test_oauth_nonce_and_window(shop: Shop) -> None:
    """A nonce counts once within 15 minutes; a signature of 16 minutes ago or over other parameters is refused."""
    url = shop.signed("GET", "orders", {"search": "a b:%"})
    assert (await shop.http.get(url)).status_code == 200
    again = await shop.http.get(url)
    assert again.json()["message"] == "Invalid nonce - nonce has already been used."
    other = await shop.http.get(shop.signed("GET", "orders", {}) + "&search=x")
    assert other.json()["message"] == "Invalid signature - provided signature does not match."
    old = shop.signed("GET", "orders", {})
    await shop.clock.sleep(16 * 60)
    assert (await shop.http.get(old)).json()["message"] == "Invalid timestamp."


async def test_keys_are_for_https_and_have_permissions(shop: Shop) -> None:
    """Basic over plain http is nobody; a key that only reads may not write."""
    pair = (shop.credentials["consumer_key"], shop.credentials["consumer_secret"])
    answer = await shop.http.get(f"{API}/orders", auth=pair)
    assert (answer.status_code, answer.json()["code"]) == (401, "woocommerce_rest_cannot_view")
    await shop.admin("settings", settings={"key_permissions": "read"})
    assert await shop.call("GET", "orders") == []
    refused = await shop.call("POST", "orders", {}, expect=401)
    assert refused["message"] == "The API key provided does not have write permissions."


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "nonsense", None, 404, "rest_no_route"),
        ("GET", "orders/999", None, 404, "woocommerce_rest_shop_order_invalid_id"),
        ("PUT", "orders/999", {}, 400, "woocommerce_rest_shop_order_invalid_id"),
        ("GET", "customers/999", None, 404, "woocommerce_rest_invalid_id"),
        ("POST", "customers", {}, 400, "rest_missing_callback_param"),
        ("POST", "products", {"regular_price": 5}, 400, "rest_invalid_param"),
        ("POST", "orders", {"status": "won"}, 400, "rest_invalid_param"),
        ("POST", "orders", {"customer_id": 999}, 400, "woocommerce_rest_invalid_customer_id"),
        ("POST", "orders", {"line_items": [{"product_id": 999}]}, 400, "woocommerce_rest_invalid_product_id"),
        ("POST", "orders", {"coupon_lines": [{"code": "none"}]}, 400, "woocommerce_rest_invalid_coupon"),
        ("POST", "webhooks", {"topic": "order.won"}, 400, "woocommerce_rest_shop_webhook_invalid_topic"),
    ],
)
async def test_errors_have_the_envelope(shop: Shop, method: str, path: str, body: Any, status: int, code: str) -> None:
    """`code`, `message` and `data.status` say what is wrong."""
    error = await shop.call(method, path, body, expect=status)
    assert (error["code"], error["data"]["status"]) == (code, status)


@pytest.mark.parametrize("params", [{"per_page": "101"}, {"page": "0"}, {"orderby": "won"}, {"modified_after": "x"}])
async def test_lists_check_their_parameters(shop: Shop, params: dict[str, str]) -> None:
    """A parameter out of its range is named."""
    error = await shop.call("GET", "orders", expect=400, **params)
    assert list(error["data"]["params"]) == list(params)


async def test_lists_by_time_of_modification(shop: Shop) -> None:
    """`modified_after` is exclusive and takes GMT when told so; the trash is listed only by name."""
    await shop.admin("settings", settings={"time_zone": "Europe/Berlin"})
    first = await shop.make("orders")
    await shop.clock.sleep(10)
    second = await shop.make("orders")
    assert (second["date_modified_gmt"], second["date_modified"]) == ("2026-03-01T12:00:10", "2026-03-01T13:00:10")
    window: Any = {"orderby": "modified", "order": "asc"}
    gmt = await shop.call("GET", "orders", dates_are_gmt="true", modified_after=first["date_modified_gmt"], **window)
    local = await shop.call("GET", "orders", modified_after=first["date_modified"], _fields="id,total", **window)
    assert [row["id"] for row in gmt] == [second["id"]]
    assert local == [{"id": second["id"], "total": "0.00"}]
    await shop.call("DELETE", f"orders/{first['id']}")
    assert [row["id"] for row in await shop.call("GET", "orders")] == [second["id"]]
    assert [row["id"] for row in await shop.call("GET", "orders", status="trash")] == [first["id"]]
    restored = await shop.call("PUT", f"orders/{first['id']}", {"status": "pending"})
    assert restored["status"] == "pending"


async def test_an_order_adds_up(shop: Shop) -> None:
    """Coupons lower the lines, taxes are taken of what is left, shipping is added; amounts are text with two digits."""
    await shop.make("taxes", country="US", rate="10", name="Sales")
    await shop.make("coupons", code="TEN", amount="10", discount_type="percent")
    lamp = await shop.make("products", name="Lamp", regular_price="19.99")
    order = await shop.make(
        "orders",
        billing={"country": "US"},
        line_items=[{"product_id": lamp["id"], "quantity": 3}],
        shipping_lines=[{"method_id": "flat_rate", "total": "5.00"}],
        coupon_lines=[{"code": "ten"}],
    )
    line = order["line_items"][0]
    assert (line["subtotal"], line["total"], line["total_tax"], line["price"]) == ("59.97", "53.97", "5.40", 17.99)
    totals = [order[name] for name in ("discount_total", "shipping_total", "total_tax", "total")]
    assert totals == ["6.00", "5.00", "5.90", "64.87"]
    assert (order["customer_id"], order["created_via"], order["number"]) == (0, "rest-api", str(order["id"]))
    changed = await shop.call("PUT", f"orders/{order['id']}", {"line_items": [{"id": line["id"], "quantity": 1}]})
    assert changed["total"] == "25.29"


async def test_payment_statuses_and_stock(shop: Shop) -> None:
    """Paid goods leave the stock once and come back when the order is cancelled; virtual ones are completed at once."""
    lamp = await shop.make("products", name="Lamp", regular_price="1.00", manage_stock=True, stock_quantity=5)
    book = await shop.make("products", name="E-book", regular_price="1.00", virtual=True, stock_quantity=5)
    assert book["stock_quantity"] is None
    lines = [{"product_id": lamp["id"], "quantity": 5}]
    order = await shop.make("orders", line_items=lines, set_paid=True)
    assert (order["status"], order["date_paid_gmt"]) == ("processing", "2026-03-01T12:00:00")
    await shop.call("PUT", f"orders/{order['id']}", {"status": "completed"})
    empty = await shop.call("GET", f"products/{lamp['id']}")
    assert (empty["stock_quantity"], empty["stock_status"]) == (0, "outofstock")
    await shop.call("PUT", f"orders/{order['id']}", {"status": "cancelled"})
    assert (await shop.call("GET", f"products/{lamp['id']}"))["stock_quantity"] == 5
    virtual = await shop.make("orders", line_items=[{"product_id": book["id"]}], set_paid=True)
    assert virtual["status"] == "completed"


async def test_refunds(shop: Shop) -> None:
    """Refunds never exceed the order; the last one makes it refunded; all are listed with their order."""
    order = await shop.make("orders", line_items=[{"name": "Work", "total": "30.00"}], set_paid=True)
    path = f"orders/{order['id']}/refunds"
    part = await shop.make(path, amount="10.00")
    too_much = await shop.call("POST", path, {"amount": "20.01"}, expect=500)
    assert too_much["code"] == "woocommerce_rest_cannot_create_order_refund"
    await shop.make(path, line_items=[{"id": order["line_items"][0]["id"], "quantity": 1, "refund_total": 20}])
    after = await shop.call("GET", f"orders/{order['id']}")
    assert (after["status"], [row["total"] for row in after["refunds"]]) == ("refunded", ["-10.00", "-20.00"])
    listed = await shop.call("GET", "refunds")
    assert {row["parent_id"] for row in listed} == {order["id"]}
    await shop.call("DELETE", f"{path}/{part['id']}", force="true")
    assert len((await shop.call("GET", f"orders/{order['id']}"))["refunds"]) == 1


async def test_variations(shop: Shop) -> None:
    """A variation has a price and stock of its own, is sold by its id, and is listed over all products."""
    shirt = await shop.make("products", name="Shirt", type="variable")
    red = await shop.make(
        f"products/{shirt['id']}/variations",
        regular_price="9.00",
        sku="RED",
        attributes=[{"name": "Colour", "option": "Red"}],
        manage_stock=True,
        stock_quantity=3,
    )
    assert (await shop.call("GET", f"products/{shirt['id']}"))["variations"] == [red["id"]]
    order = await shop.make("orders", line_items=[{"variation_id": red["id"]}], set_paid=True)
    line = order["line_items"][0]
    assert (line["product_id"], line["variation_id"], line["name"]) == (shirt["id"], red["id"], "Shirt - Red")
    listed = await shop.call("GET", "variations", modified_after="2020-01-01T00:00:00")
    assert [(row["id"], row["parent_id"], row["stock_quantity"]) for row in listed] == [(red["id"], shirt["id"], 2)]


async def test_customers_are_unique_by_address(shop: Shop) -> None:
    """An address belongs to one customer; the user name comes from it; customers are deleted for good only."""
    ada = await shop.make("customers", email="ada@a.example")
    assert ada["username"] == "ada"
    assert (await shop.make("customers", email="ada@b.example"))["username"] == "ada-2"
    error = await shop.call("POST", "customers", {"email": "ADA@a.example"}, expect=400)
    assert error["code"] == "registration-error-email-exists"
    other = await shop.call("PUT", f"customers/{ada['id']}", {"email": "ada@b.example"}, expect=400)
    assert other["code"] == "woocommerce_rest_customer_invalid_email"
    await shop.call("DELETE", f"customers/{ada['id']}", expect=501)
    await shop.call("DELETE", f"customers/{ada['id']}", force="true")


async def test_webhook_ping_signature_and_headers(shop: Shop, receiver: Receiver) -> None:
    """The ping is an unsigned form; a delivery is PHP's JSON, signed under the secret with its entities decoded."""
    hook = await shop.make("webhooks", topic="customer.created", delivery_url=receiver.url, secret="a&amp;b")
    headers, body = await receiver.got.get()
    assert body == f"webhook_id={hook['id']}".encode()
    assert not [name for name in headers if name.startswith("x-wc-")]
    await shop.make("customers", email="ada@a.example", first_name="Åda/")
    headers, body = await receiver.got.get()
    signature = base64.b64encode(hmac.digest(b"a&b", body, hashlib.sha256)).decode()
    assert headers["x-wc-webhook-signature"] == signature
    assert b'"first_name":"\\u00c5da\\/"' in body
    named = [headers[f"x-wc-webhook-{name}"] for name in ("topic", "resource", "event", "id")]
    assert named == ["customer.created", "customer", "created", str(hook["id"])]
    assert headers["x-wc-webhook-source"] == f"{shop.credentials['base_url']}/default/"
    assert headers["x-wc-webhook-delivery-id"]
    assert headers["user-agent"].startswith("WooCommerce/")


async def test_webhooks_are_sent_once_and_disabled_on_the_seventh_failure(shop: Shop, receiver: Receiver) -> None:
    """Nothing is repeated; six failures and a success count for nothing, seven in a row disable; PUT enables again."""
    hook = await shop.make("webhooks", topic="order.created", delivery_url=receiver.url)
    await receiver.got.get()
    path = f"webhooks/{hook['id']}"

    async def fail(times: int) -> None:
        receiver.status = 500
        for _ in range(times):
            await shop.make("orders")
            await receiver.got.get()

    await fail(6)
    receiver.status = 302
    await shop.make("orders")
    await receiver.got.get()
    assert receiver.got.empty()
    await fail(7)
    while (await shop.call("GET", path))["status"] != "disabled":  # noqa: ASYNC110  settled after it is received
        await asyncio.sleep(0)
    receiver.status = 200
    await shop.make("orders")
    assert (await shop.call("PUT", path, {"status": "active"}))["status"] == "active"
    await shop.make("orders")
    await receiver.got.get()
    assert receiver.got.empty()


async def test_what_webhooks_tell_of_deletion_and_drafts(shop: Shop, receiver: Receiver) -> None:
    """The trash is told as deleted, a deletion for good is not; a draft's creation is not told, its updates are."""
    await shop.admin("webhooks", url=receiver.url)
    draft = await shop.make("orders", status="checkout-draft")
    await shop.call("PUT", f"orders/{draft['id']}", {"billing": {"email": "ada@a.example"}})
    told = [(await receiver.got.get())[0]["x-wc-webhook-topic"]]
    order = await shop.make("orders")
    await shop.call("DELETE", f"orders/{order['id']}")
    await shop.call("DELETE", f"orders/{order['id']}", force="true")
    told += [(await receiver.got.get())[0]["x-wc-webhook-topic"] for _ in range(1)]
    headers, body = await receiver.got.get()
    assert [*told, headers["x-wc-webhook-topic"]] == ["order.updated", "order.created", "order.deleted"]
    assert json.loads(body) == {"id": order["id"]}
    await shop.make("customers", email="last@a.example")
    assert (await receiver.got.get())[0]["x-wc-webhook-topic"] == "customer.created"


async def test_a_cart_becomes_a_draft_and_an_order(shop: Shop) -> None:
    """The checkout keeps a draft order with what is known of the buyer; placing it makes an order of the same id."""
    lamp = await shop.make("products", name="Lamp", regular_price="7.00")
    front = "/default/wp-json/wc/store/v1"
    cart = await shop.http.post(f"{front}/cart/add-item", json={"id": lamp["id"], "quantity": 2})
    token = {"cart-token": cart.headers["cart-token"]}
    person = {"billing_address": {"email": "ada@a.example"}}
    await shop.http.post(f"{front}/cart/update-customer", json=person, headers=token)
    opened = (await shop.http.get(f"{front}/checkout", headers=token)).json()
    draft = await shop.call("GET", f"orders/{opened['order_id']}")
    assert (draft["status"], draft["total"], draft["billing"]["email"]) == ("checkout-draft", "14.00", "ada@a.example")
    placed = (await shop.http.post(f"{front}/checkout", json={"payment_method": "stripe"}, headers=token)).json()
    assert (placed["order_id"], placed["status"]) == (draft["id"], "processing")


async def test_seeds_are_the_same_and_survive(shop: Shop) -> None:
    """Same size and seed, same records; a reset empties the shop."""
    made = await shop.admin("seed", size=10, seed=7)
    assert made["made"]["order"] == 10
    first = await shop.call("GET", "orders", per_page="100", orderby="id", order="asc")
    await shop.admin("reset")
    assert await shop.call("GET", "orders") == []
    await shop.admin("seed", size=10, seed=7)
    second = await shop.call("GET", "orders", per_page="100", orderby="id", order="asc")
    assert [(row["total"], row["billing"]) for row in first] == [(row["total"], row["billing"]) for row in second]
