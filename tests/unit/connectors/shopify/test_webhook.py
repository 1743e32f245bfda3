import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import DecodeError
from connectors.ports import Raw
from connectors.shopify.webhook import ShopifyWebhook

NOW = datetime(2026, 3, 1, tzinfo=UTC)
READER = ShopifyWebhook()
SHOP = "acme.myshopify.com"
TRIGGERED = "2026-03-01T12:00:07.123456789Z"


def headers(topic: str, prefix: str = "x-shopify-") -> dict[str, str]:
    """What Shopify sends beside the signature."""
    return {
        f"{prefix}topic": topic,
        f"{prefix}shop-domain": SHOP,
        f"{prefix}webhook-id": "w-1",
        f"{prefix}triggered-at": TRIGGERED,
    }


def read(topic: str, body: dict[str, Any], prefix: str = "x-shopify-") -> Raw:
    """Return the one record of a delivery."""
    found = READER.parse(headers(topic, prefix), json.dumps(body).encode())
    [[record]] = [found[SHOP]]
    return record


def test_the_published_vector_is_accepted() -> None:
    """Base64 of HMAC-SHA256 over the raw body; either live secret, both header families, nothing else."""
    body = b'{"id":1,"email":"ada@example.com"}'
    signature = "rwuVvctgVioGumLJyGWldMhczLMLS+FAoxVZkLJd2VA="
    for name in ("x-shopify-hmac-sha256", "shopify-hmac-sha256"):
        assert READER.verify({name: signature}, body, ["old", "hush"], NOW)
        assert not READER.verify({name: signature}, body + b" ", ["hush"], NOW)
        assert not READER.verify({name: signature}, body, ["other", ""], NOW)
    assert not READER.verify({}, body, ["hush"], NOW)
    empty = base64.b64encode(hmac.digest(b"", body, hashlib.sha256)).decode()
    assert not READER.verify({"x-shopify-hmac-sha256": empty}, body, [""], NOW)


@pytest.mark.parametrize(
    ("topic", "body", "expected"),
    [
        (
            "orders/updated",
            {"id": 5, "admin_graphql_api_id": "gid://shopify/Order/5", "updated_at": "2026-03-01T07:00:05-05:00"},
            Raw("Order", "5", "2026-03-01T12:00:05.000000Z", b"{}", hint=True),
        ),
        (
            "refunds/create",
            {"id": 9, "order_id": 5, "created_at": "2026-03-01T12:00:06Z"},
            Raw("Order", "5", "2026-03-01T12:00:06.000000Z", b"{}", hint=True),
        ),
        ("customers/delete", {"id": 7}, Raw("Customer", "7", "2026-03-01T12:00:07.123456Z", b"{}", hint=True)),
        (
            "inventory_levels/update",
            {
                "inventory_item_id": 3,
                "location_id": 4,
                "available": 1,
                "updated_at": "2026-03-01T12:00:05.9Z",
                "admin_graphql_api_id": "gid://shopify/InventoryLevel/8?inventory_item_id=3",
            },
            Raw("InventoryLevel", "8?inventory_item_id=3", "2026-03-01T12:00:05.000000Z", b"{}", hint=True),
        ),
    ],
)
def test_what_the_source_reads_becomes_a_hint(topic: str, body: dict[str, Any], expected: Raw) -> None:
    """The version is the time the resource states, comparable with `updatedAt`; a deletion's the event's."""
    assert read(topic, body) == expected
    assert read(topic, body, prefix="shopify-") == expected


def test_checkouts_come_as_they_are() -> None:
    """GraphQL does not show a checkout under way; a deleted one has no content."""
    body = {"id": 1, "token": "t", "updated_at": "2026-03-01T12:00:05Z"}
    record = read("checkouts/update", body)
    assert (record.object, record.remote_id, record.version) == ("Checkout", "1", "2026-03-01T12:00:05.000000Z")
    assert json.loads(record.body) == body
    gone = read("checkouts/delete", {"id": 1})
    assert (gone.deleted, gone.body, gone.version > record.version) == (True, b"{}", True)


@pytest.mark.parametrize(
    ("topic", "body", "remote_id"),
    [
        ("customers/redact", {"shop_id": 1, "customer": {"id": 7}, "orders_to_redact": [2]}, "7"),
        ("customers/data_request", {"shop_id": 1, "customer": {"id": 7}, "orders_requested": []}, "7"),
        ("shop/redact", {"shop_id": 1, "shop_domain": SHOP}, "1"),
        ("app/uninstalled", {"id": 44}, "44"),
        ("themes/publish", {"id": 3}, "3"),
        ("inventory_levels/disconnect", {"inventory_item_id": 3, "location_id": 4}, "w-1"),
    ],
)
def test_everything_else_passes_under_its_topic(topic: str, body: dict[str, Any], remote_id: str) -> None:
    """Refused, Shopify would delete the subscription; dropped, a request of privacy law would be lost."""
    record = read(topic, body)
    assert (record.object, record.remote_id, json.loads(record.body), record.hint) == (topic, remote_id, body, False)
    assert record.version == "2026-03-01T12:00:07.123456Z"


@pytest.mark.parametrize(
    ("given", "body", "named"),
    [
        ({"x-shopify-topic": "orders/create"}, b"{}", "x-shopify-shop-domain"),
        ({"x-shopify-shop-domain": SHOP}, b"{}", "x-shopify-topic"),
        (headers("orders/create"), b"{", "JSON"),
        (headers("orders/create"), b"[]", "object"),
        (headers("refunds/create"), b"{}", "order_id"),
        (headers("checkouts/create"), b'{"updated_at": "2026-03-01T12:00:05Z"}', "id"),
        (headers("orders/create"), b'{"id": 1, "updated_at": "soon"}', "updated_at"),
        ({**headers("orders/delete"), "x-shopify-triggered-at": ""}, b'{"id": 1}', "triggered-at"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, str], body: bytes, named: str) -> None:
    """A header or field that is missing or unreadable is named."""
    with pytest.raises(DecodeError, match=named):
        READER.parse(given, body)


def test_a_delivery_has_an_id() -> None:
    """The same at every retry."""
    assert READER.delivery_id(headers("orders/create"), b"") == "w-1"
    assert READER.delivery_id({}, b"") is None
