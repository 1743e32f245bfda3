"""Shopify's webhooks: signed with the app's client secret, the body a REST resource (shopify.dev, "Webhooks").

Objects that the source reads become hints, so that their records have one shape whichever way they come. What GraphQL
does not show, a checkout under way, a privacy request, comes as it is.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from connectors.errors import DecodeError
from connectors.ports import Raw
from connectors.shopify.objects import remote_id
from connectors.wire import iso_micros, loads, parse_instant

FAMILIES = ("x-shopify-", "shopify-")
"""Prefixes of the headers: those of webhooks, and those of the newer "Events"."""
SIGNATURE, TOPIC, SHOP, DELIVERY, TRIGGERED = "hmac-sha256", "topic", "shop-domain", "webhook-id", "triggered-at"
HINTED: Mapping[str, str] = {
    "orders": "Order",
    "customers": "Customer",
    "products": "Product",
    "inventory_levels": "InventoryLevel",
}
"""By the first part of a topic, the object it tells of."""
PRIVACY = ("customers/data_request", "customers/redact", "shop/redact")
CHECKOUT = "Checkout"


class ShopifyWebhook:
    """Verifies and reads the requests Shopify sends for an app, each about one shop."""

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
        """Tell whether one of the client secrets signed the raw body; Shopify signs no time, so `now` is unused."""
        del now
        given = _header(headers, SIGNATURE).strip().encode()
        # Every secret is tried, so that the time taken does not tell which one fits.
        matches = [hmac.compare_digest(_signature(secret, body), given) for secret in secrets if secret]
        return any(matches)

    def delivery_id(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return `X-Shopify-Webhook-Id`, the same at every retry."""
        del body
        return _header(headers, DELIVERY) or None

    def parse(self, headers: Mapping[str, str], body: bytes) -> Mapping[str, Sequence[Raw]]:
        """Return the record by the shop's domain.

        Raises:
            DecodeError: a header is missing, or the body is no JSON object; the message names it.
        """
        topic, shop = _header(headers, TOPIC), _header(headers, SHOP)
        for name, value in ((TOPIC, topic), (SHOP, shop)):
            if not value:
                raise DecodeError(f"webhook: header x-shopify-{name} is missing")
        try:
            sent = loads(body)
        except ValueError as error:
            raise DecodeError(f"webhook: the body is not JSON ({error})") from None
        if not isinstance(sent, dict):
            raise DecodeError("webhook: the body is not a JSON object")
        return {shop: [_record(topic.lower(), sent, headers, body)]}


def _signature(secret: str, body: bytes) -> bytes:
    return b64encode(hmac.digest(secret.encode(), body, sha256))


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((headers[f"{family}{name}"] for family in FAMILIES if f"{family}{name}" in headers), "")


def _record(topic: str, sent: Mapping[str, Any], headers: Mapping[str, str], body: bytes) -> Raw:
    about, _, what = topic.partition("/")
    if topic == "refunds/create":
        return _hint("Order", _id(sent, "order_id"), sent, headers)
    if about in HINTED and topic not in PRIVACY:
        global_id = sent.get("admin_graphql_api_id")
        object_type = HINTED[about]
        if isinstance(global_id, str) and global_id:
            return _hint(object_type, remote_id(global_id), sent, headers)
        if "id" in sent:
            return _hint(object_type, _id(sent, "id"), sent, headers)
    version = _stated(sent) or _triggered(headers)
    if about == "checkouts":
        gone = what == "delete"
        return Raw(CHECKOUT, _id(sent, "id"), version, b"{}" if gone else body, deleted=gone)
    # Whatever else was subscribed to passes under its topic's name.
    number = sent.get("id") or (sent.get("customer") or {}).get("id") or sent.get("shop_id")
    return Raw(topic, str(number or _header(headers, DELIVERY)), version, body)


def _hint(object_type: str, id_: str, sent: Mapping[str, Any], headers: Mapping[str, str]) -> Raw:
    return Raw(object_type, id_, _stated(sent) or _triggered(headers), b"{}", hint=True)


def _id(sent: Mapping[str, Any], name: str) -> str:
    value = sent.get(name)
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise DecodeError(f"webhook: {name} is missing")
    return str(value)


def _stated(sent: Mapping[str, Any]) -> str | None:
    """The time the resource states of itself, which GraphQL's `updatedAt` is comparable with."""
    value = sent.get("updated_at") or sent.get("created_at")
    if not value:
        return None
    try:
        return iso_micros(parse_instant(str(value)).replace(microsecond=0))
    except ValueError as error:
        raise DecodeError(f"webhook: updated_at: {error}") from None


def _triggered(headers: Mapping[str, str]) -> str:
    """When the event happened: a deletion states no time of its own."""
    try:
        return iso_micros(parse_instant(_header(headers, TRIGGERED)))
    except ValueError as error:
        raise DecodeError(f"webhook: header x-shopify-{TRIGGERED}: {error}") from None
