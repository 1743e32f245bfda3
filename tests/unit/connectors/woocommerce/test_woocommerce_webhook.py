"""WooCommerce's webhooks: signature, delivery id, hints."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.clock import ManualClock
from connectors.errors import DecodeError
from connectors.woocommerce.objects import version
from connectors.woocommerce.webhook import WooCommerceWebhook

NOW = datetime(2026, 1, 1, tzinfo=UTC)
READER = WooCommerceWebhook(ManualClock())
VECTOR = b'{"id":1,"email":"ada@example.com"}'
PING = b"webhook_id=7"


def headers(topic: str = "order.updated", **more: str) -> dict[str, str]:
    """What a shop sends."""
    return {"x-wc-webhook-topic": topic, "x-wc-webhook-source": "https://Shop.Example.com/de/", **more}


def signature(secret: bytes, body: bytes) -> str:
    """Sign as WooCommerce does."""
    return base64.b64encode(hmac.digest(secret, body, hashlib.sha256)).decode()


def test_any_live_secret_verifies_the_raw_bytes() -> None:
    """The known vector passes; another byte or secret does not; a secret's entities are decoded before it signs."""
    given = headers(**{"x-wc-webhook-signature": "rwuVvctgVioGumLJyGWldMhczLMLS+FAoxVZkLJd2VA="})
    assert READER.verify(given, VECTOR, ["other", "hush"], NOW)
    assert not READER.verify(given, VECTOR + b" ", ["hush"], NOW)
    assert not READER.verify(given, VECTOR, ["other", ""], NOW)
    decoded = headers(**{"x-wc-webhook-signature": signature(b"a&b<", VECTOR)})
    assert READER.verify(decoded, VECTOR, ["a&amp;b&lt;"], NOW)


def test_only_the_ping_passes_unsigned_and_holds_nothing() -> None:
    """A form that names a webhook is answered; with a header of WooCommerce's, or anything more, it must be signed."""
    assert READER.verify({}, PING, ["hush"], NOW)
    assert READER.parse({}, PING) == {}
    assert not READER.verify({}, PING + b"&x=1", ["hush"], NOW)
    assert not READER.verify(headers(), PING, ["hush"], NOW)


def test_a_delivery_id_tells_two_events_of_a_second_apart() -> None:
    """WooCommerce's own id is the same for both; a repeated delivery has the same id as before."""
    first, second = headers(**{"x-wc-webhook-delivery-id": "d1"}), headers("order.created")
    assert READER.delivery_id(first, b"1") == READER.delivery_id(first, b"1")
    assert READER.delivery_id(first, b"1") != READER.delivery_id(first, b"2")
    assert READER.delivery_id(second, b"1") is None


@pytest.mark.parametrize(
    ("topic", "entity", "hints"),
    [
        ("order.updated", {"id": 5, "status": "processing"}, [("order", "5")]),
        ("order.updated", {"id": 5, "status": "checkout-draft"}, [("cart", "5")]),
        ("order.created", {"id": 5, "status": "pending", "cart_hash": "x"}, [("order", "5"), ("cart", "5")]),
        ("order.updated", {"id": 5, "refunds": [{"id": 9}]}, [("order", "5"), ("refund", "9")]),
        ("product.updated", {"id": 6, "type": "variation"}, [("variation", "6")]),
        ("product.created", {"id": 6, "type": "simple"}, [("product", "6")]),
        ("customer.deleted", {"id": 7}, [("customer", "7")]),
        ("coupon.updated", {"id": 8}, []),
    ],
)
def test_a_delivery_says_what_to_read(topic: str, entity: dict[str, Any], hints: list[tuple[str, str]]) -> None:
    """Hints by the shop's host and path; newer than what was read before, older than what is read now."""
    body = json.dumps({"date_modified_gmt": "2025-12-31T23:59:58", **entity}).encode()
    parsed = READER.parse(headers(topic), body)
    assert [(raw.object, raw.remote_id) for raw in parsed["shop.example.com/de"]] == hints
    changed = datetime(2025, 12, 31, 23, 59, 58, tzinfo=UTC)
    for raw in parsed["shop.example.com/de"]:
        assert raw.hint
        if not topic.endswith("deleted"):
            before, after = datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
            assert version(changed, before) < raw.version < version(changed, after)


@pytest.mark.parametrize(
    ("given", "body"),
    [
        (headers(), b"no json"),
        (headers(), b"[]"),
        (headers(), b"{}"),
        (headers(), b'{"id": 1, "date_modified_gmt": "soon"}'),
        ({"x-wc-webhook-topic": "order.updated"}, b'{"id": 1}'),
        ({"x-wc-webhook-source": "https://shop"}, b'{"id": 1}'),
    ],
)
def test_what_is_no_delivery_is_named(given: dict[str, str], body: bytes) -> None:
    """A body or header that WooCommerce does not send is a DecodeError."""
    with pytest.raises(DecodeError, match="webhook"):
        READER.parse(given, body)
