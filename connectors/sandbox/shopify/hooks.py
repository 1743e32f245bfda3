"""Webhooks: subscriptions made through the API, the headers of a delivery, what becomes of one that fails.

Source: commerce facts 1.1 (shopify.dev, webhook delivery structure, and changelog of 2024-09-10 on retries).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import dumps
from connectors.sandbox.shopify.errors import Problem
from connectors.sandbox.shopify.rest_view import rest
from connectors.sandbox.shopify.shop import Event, Row, Shop
from connectors.sandbox.shopify.topics import BY_ENUM
from connectors.sandbox.webhooks import Subscription

SCHEDULE = (60, 120, 240, 480, 960, 1920, 3840, 6780)
"""Seconds before each of the eight retries: Shopify publishes "8 over 4 hours, exponential", not the steps."""
FAILURES = 8
"""Consecutive ones, after which a subscription made by the API is deleted."""
KIND = "WebhookSubscription"


def sign(body: bytes, secret: str) -> Mapping[str, str]:
    """`X-Shopify-Hmac-Sha256`: HMAC-SHA256 of the raw body under the app's client secret, in base64."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {"X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode()}


def create(shop: Shop, topic: str, sent: Mapping[str, Any]) -> Row:
    """Subscribe; `topic` as the enum has it, `uri` or the older `callback_url` in `sent`. Raises Problem."""
    address = _address(sent)
    if any(row["address"] == address and row["topic_enum"] == topic for row in shop.all(KIND)):
        raise Problem("Address for this topic has already been taken", "webhookSubscription", "callbackUrl")
    row = {
        "topic": BY_ENUM[topic],
        "topic_enum": topic,
        "address": address,
        "format": sent.get("format") or "JSON",
        "include_fields": list(sent.get("include_fields") or ()),
        "api_version": {"handle": shop.version, "display_name": shop.version, "supported": True},
        "_failures": 0,
    }
    return _set(shop, shop.new(KIND, row))


def update(shop: Shop, row: Row, sent: Mapping[str, Any]) -> Row:
    """Change address or fields. Raises Problem."""
    if sent.get("uri") or sent.get("callback_url"):
        row["address"] = _address(sent)
    if sent.get("include_fields") is not None:
        row["include_fields"] = list(sent["include_fields"])
    return _set(shop, shop.save(row))


def delete(shop: Shop, row: Row) -> None:
    """Unsubscribe."""
    shop.remove(row)
    shop.ctx.webhooks.subscribe(shop.account, None, str(row["id"]))


def tell(shop: Shop, topic: str, row: Row) -> None:
    """Announce a change when the request is done, with the REST resource of this moment; nobody listens: nothing."""
    listened = shop.ctx.webhooks.subscription(shop.account) is not None or any(
        each["topic"] == topic for each in shop.all(KIND)
    )
    if listened and shop.moment is None:
        shop.events.append(Event(topic, rest(shop, row)))


def publish(shop: Shop) -> None:
    """Queue what the request has to tell: to the admin's address everything, to the others their topics."""
    if not shop.events:
        return
    subscriptions = shop.all(KIND)
    for event in shop.events:
        event_id = _uuid(shop)
        _deliver(shop, event, event_id, "", ())
        for row in subscriptions:
            if row["topic"] == event.topic:
                _deliver(shop, event, event_id, str(row["id"]), row["include_fields"])


def settled(ctx: SandboxContext, account: str, hook: str, *, acknowledged: bool) -> None:
    """Count consecutive failures of a subscription; after eight it is deleted."""
    row = ctx.database.get(account, KIND, hook) if hook else None
    if row is None:
        return
    row["_failures"] = 0 if acknowledged else row["_failures"] + 1
    if row["_failures"] < FAILURES:
        ctx.database.put(account, KIND, hook, row)
        return
    ctx.database.remove(account, KIND, hook)
    ctx.webhooks.subscribe(account, None, hook)


def _deliver(shop: Shop, event: Event, event_id: str, hook: str, include: Any) -> None:
    body = {name: value for name, value in event.body.items() if not include or name in include}
    now = shop.ctx.clock.now()
    headers = {
        "X-Shopify-Topic": event.topic,
        "X-Shopify-Shop-Domain": str(shop.identity["shop"]),
        "X-Shopify-API-Version": shop.version,
        "X-Shopify-Webhook-Id": _uuid(shop),
        "X-Shopify-Event-Id": event_id,
        "X-Shopify-Triggered-At": now.strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
    }
    shop.ctx.webhooks.enqueue(shop.account, dumps(body).encode(), headers, hook)


def _address(sent: Mapping[str, Any]) -> str:
    address = str(sent.get("uri") or sent.get("callback_url") or "")
    local = address.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))
    # Shopify takes https alone; a receiver on this machine seldom has a certificate.
    if not address.startswith("https://") and not local:
        raise Problem("Address protocol http:// is not supported", "webhookSubscription", "callbackUrl")
    return address


def _set(shop: Shop, row: Row) -> Row:
    secret = str(shop.identity["client_secret"])
    shop.ctx.webhooks.subscribe(shop.account, Subscription(row["address"], secret), str(row["id"]))
    return row


def _uuid(shop: Shop) -> str:
    return str(UUID(int=shop.ctx.random.getrandbits(128), version=4))
