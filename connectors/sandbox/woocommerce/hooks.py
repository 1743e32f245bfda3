"""Webhooks: the resource, and what is sent (`WC_Webhook`).

A delivery is never repeated; on the seventh failure in a row the webhook is disabled. The ping on creation is a form
without signature.
"""

import hashlib
import html
import re
from base64 import b64encode
from collections.abc import Mapping
from hmac import digest
from typing import Any
from urllib.parse import urlsplit

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.webhooks import Subscription
from connectors.sandbox.woocommerce.errors import WooError
from connectors.sandbox.woocommerce.kinds import ANNOUNCED, KINDS, WEBHOOK
from connectors.sandbox.woocommerce.shop import Change, Entity, Shop
from connectors.sandbox.woocommerce.values import php_json

TOPIC = re.compile(r"(coupon|customer|order|product)\.(created|updated|deleted|restored)|action\.\w+")
STATUSES = ("active", "paused", "disabled")
MOST_FAILURES = 5
SUCCESS = range(200, 303)
PING = "ping/"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def sign(body: bytes, secret: str) -> Mapping[str, str]:
    """The signature, under the secret with its HTML entities decoded; a ping has no secret and is not signed."""
    if not secret:
        return {}
    return {"x-wc-webhook-signature": b64encode(digest(html.unescape(secret).encode(), body, hashlib.sha256)).decode()}


def settled(ctx: SandboxContext, account: str, hook: str, acknowledged: bool) -> None:
    """Count failures in a row; too many disable the webhook."""
    webhook = ctx.database.get(account, WEBHOOK.name, hook)
    if webhook is None:
        return
    failures = 0 if acknowledged else webhook["_failures"] + 1
    if failures > MOST_FAILURES + 1:
        webhook["status"], failures = "disabled", MOST_FAILURES + 1
        ctx.webhooks.subscribe(account, None, hook)
    ctx.database.put(account, WEBHOOK.name, hook, {**webhook, "_failures": failures})


def create(shop: Shop, body: Any) -> Entity:
    """Make a webhook and ping its address.

    Raises:
        WooError: topic or address is not valid.
    """
    sent = shop.checked(WEBHOOK, body)
    _check(sent, required=True)
    topic = sent["topic"].lower()
    secret = sent.get("secret") or f"{shop.ctx.random.getrandbits(200):050x}"
    name = sent.get("name") or f"Webhook created on {shop.now():%b %d, %Y @ %I:%M %p}"
    webhook = shop.insert(
        WEBHOOK,
        {
            **_topic(topic),
            "name": name,
            "status": "active",
            "delivery_url": sent["delivery_url"],
            "_secret": secret,
            "_failures": 0,
        },
        event="",
    )
    _subscribe(shop, webhook)
    hook = f"{PING}{webhook['id']}"
    shop.ctx.webhooks.subscribe(shop.account, Subscription(sent["delivery_url"], ""), hook)
    shop.ctx.webhooks.enqueue(shop.account, f"webhook_id={webhook['id']}".encode(), {**FORM, **_agent(shop)}, hook)
    return webhook


def change(shop: Shop, webhook: Entity, body: Any) -> Entity:
    """Change a webhook; making it active again forgets its failures.

    Raises:
        WooError: as `create`.
    """
    sent = shop.checked(WEBHOOK, body)
    _check(sent, required=False)
    changed: Entity = webhook | {name: sent[name] for name in ("name", "status", "delivery_url") if name in sent}
    if "topic" in sent:
        changed |= _topic(sent["topic"].lower())
    changed["_secret"] = sent.get("secret") or webhook["_secret"]
    if sent.get("status") == "active":
        changed["_failures"] = 0
    stored = shop.replace(WEBHOOK, changed, "")
    _subscribe(shop, stored)
    return stored


def remove(shop: Shop, webhook: Entity) -> None:
    """Delete a webhook."""
    shop.ctx.database.remove(shop.account, WEBHOOK.name, str(webhook["id"]))
    shop.ctx.webhooks.subscribe(shop.account, None, str(webhook["id"]))


def publish(shop: Shop) -> None:
    """Send what this request changed to the active webhooks of the topic, and to the address the admin set."""
    active = [row for row in shop.ctx.database.all(shop.account, WEBHOOK.name) if row["status"] == "active"]
    for change_ in dict.fromkeys(shop.changes):
        if change_.kind not in ANNOUNCED or not change_.event:
            continue
        topic = f"{ANNOUNCED[change_.kind]}.{change_.event}"
        body = php_json(_payload(shop, change_))
        for webhook in (row for row in active if row["topic"] == topic):
            shop.ctx.webhooks.enqueue(shop.account, body, _headers(shop, topic, webhook["id"]), str(webhook["id"]))
        shop.ctx.webhooks.enqueue(shop.account, body, _headers(shop, topic, 0))


def _payload(shop: Shop, change_: Change) -> Entity:
    entity = shop.get(change_.kind, change_.id)
    if change_.event == "deleted" or entity is None:
        return {"id": change_.id}
    return shop.shown(KINDS[change_.kind], entity)


def _headers(shop: Shop, topic: str, id_: int) -> dict[str, str]:
    resource, _, event = topic.partition(".")
    stamp = int(shop.now().timestamp())
    return {
        "x-wc-webhook-source": f"{shop.home}/",
        "x-wc-webhook-topic": topic,
        "x-wc-webhook-resource": resource,
        "x-wc-webhook-event": event,
        "x-wc-webhook-id": str(id_),
        "x-wc-webhook-delivery-id": hashlib.md5(f"{id_}{stamp}".encode(), usedforsecurity=False).hexdigest(),
        **_agent(shop),
    }


def _agent(shop: Shop) -> dict[str, str]:
    return {"user-agent": f"WooCommerce/{shop.settings['version']} Hookshot (WordPress/6.9)"}


def _topic(topic: str) -> dict[str, Any]:
    resource, _, event = topic.partition(".")
    return {"topic": topic, "resource": resource, "event": event, "hooks": [f"woocommerce_{event}_{resource}"]}


def _check(sent: Mapping[str, Any], *, required: bool) -> None:
    topic, url, status = sent.get("topic"), sent.get("delivery_url"), sent.get("status")
    if (topic is None and required) or (topic is not None and not TOPIC.fullmatch(topic.lower())):
        raise WooError("woocommerce_rest_shop_webhook_invalid_topic", "Webhook topic is required and must be valid.")
    if (url is None and required) or (url is not None and not _is_address(url)):
        message = "Webhook delivery URL must be a valid URL starting with http:// or https://."
        raise WooError("woocommerce_rest_shop_webhook_invalid_delivery_url", message)
    if status is not None and status not in STATUSES:
        raise WooError("woocommerce_rest_shop_webhook_invalid_status", "Webhook status must be valid.")


def _is_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _subscribe(shop: Shop, webhook: Entity) -> None:
    active = webhook["status"] == "active"
    target = Subscription(webhook["delivery_url"], webhook["_secret"]) if active else None
    shop.ctx.webhooks.subscribe(shop.account, target, str(webhook["id"]))
