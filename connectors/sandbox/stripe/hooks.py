"""Webhook endpoints and the signature of deliveries (docs.stripe.com, "Webhooks").

A delivery that fails is repeated with growing waits, three days in all, and does not hold others back. While a secret
is rolled, deliveries are signed with both.
"""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from connectors.sandbox.clock import Clock
from connectors.sandbox.json_text import dumps
from connectors.sandbox.stripe.errors import StripeError, missing_param
from connectors.sandbox.stripe.forms import Params, metadata, required, text, truth
from connectors.sandbox.stripe.ledger import Entity, Ledger
from connectors.sandbox.webhooks import Subscription

SCHEDULE = (10, 60, 300, 1800, 7200, 18000, 36000, 43200, 43200, 43200, 43200)
"""Seconds between attempts; Stripe publishes only that they grow and end after three days."""
UNTIL = "@"


def sign(body: bytes, secret: str, clock: Clock) -> Mapping[str, str]:
    """`Stripe-Signature` at the moment of sending; `secret` may name an older one and until when it counts too."""
    now = int(clock.now().timestamp())
    newest, _, older = secret.partition(" ")
    old, _, until = older.partition(UNTIL)
    secrets = [newest, *([old] if old and now < int(until) else [])]
    parts = [f"t={now}", *(f"v1={signature(body, key, now)}" for key in secrets)]
    return {"stripe-signature": ",".join(parts), "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)"}


def signature(body: bytes, secret: str, stamp: int) -> str:
    """HMAC-SHA256 of `<t>.<body>` in hex, the secret taken as text."""
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()


def create(ledger: Ledger, params: Params) -> Entity:
    """Make an endpoint; only this answer shows its secret."""
    url, events = required(params, "url"), params.get("enabled_events")
    if not isinstance(events, list) or not events:
        raise missing_param("enabled_events")
    _check(url)
    endpoint: Entity = {
        "id": ledger.new_id("webhook_endpoint"),
        "object": "webhook_endpoint",
        "api_version": text(params, "api_version"),
        "application": None,
        "created": ledger.now(),
        "description": text(params, "description"),
        "enabled_events": events,
        "livemode": False,
        "metadata": metadata({}, params),
        "status": "enabled",
        "url": url,
        "_secret": _new_secret(ledger),
    }
    ledger.put("webhook_endpoint", endpoint)
    _subscribe(ledger, endpoint)
    return {**endpoint, "secret": endpoint["_secret"]}


def update(ledger: Ledger, id_: str, params: Params) -> Entity:
    """Change an endpoint."""
    endpoint = ledger.require("webhook_endpoint", id_)
    changed = {**endpoint, "metadata": metadata(endpoint["metadata"], params)}
    changed |= {name: params[name] for name in ("url", "enabled_events", "description") if name in params}
    _check(changed["url"])
    if "disabled" in params:
        changed["status"] = "disabled" if truth(params, "disabled", default=False) else "enabled"
    _subscribe(ledger, changed)
    return ledger.put("webhook_endpoint", changed)


def roll(ledger: Ledger, id_: str, hours: int) -> Entity:
    """A new secret; the old one counts for so many hours more. Stripe has this in its dashboard alone."""
    endpoint = ledger.require("webhook_endpoint", id_)
    until = int(ledger.ctx.clock.now().timestamp()) + hours * 3600
    old = endpoint["_secret"].partition(" ")[0]
    fresh = _new_secret(ledger)
    changed = ledger.put("webhook_endpoint", {**endpoint, "_secret": f"{fresh} {old}{UNTIL}{until}"})
    _subscribe(ledger, changed)
    return {**changed, "secret": fresh}


def delete(ledger: Ledger, id_: str) -> Entity:
    """Delete an endpoint; what waits for it is not sent."""
    ledger.require("webhook_endpoint", id_)
    ledger.ctx.database.remove(ledger.account, "webhook_endpoint", id_)
    ledger.ctx.webhooks.subscribe(ledger.account, None, id_)
    return {"id": id_, "object": "webhook_endpoint", "deleted": True}


def publish(ledger: Ledger) -> None:
    """Send this request's events to the endpoints that want them, and to the address the admin set."""
    if not ledger.events:
        return
    endpoints = [
        row for row in ledger.ctx.database.all(ledger.account, "webhook_endpoint") if row["status"] == "enabled"
    ]
    for event in ledger.events:
        wanting = [row for row in endpoints if {"*", event["type"]} & set(row["enabled_events"])]
        body = dumps({**event, "pending_webhooks": len(wanting)}).encode()
        for endpoint in wanting:
            ledger.ctx.webhooks.enqueue(ledger.account, body, {}, endpoint["id"])
        ledger.ctx.webhooks.enqueue(ledger.account, body, {})


def _check(url: Any) -> None:
    parts = urlsplit(str(url))
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise StripeError("Invalid URL: An explicit scheme (such as https) must be provided.", code="url_invalid")


def _new_secret(ledger: Ledger) -> str:
    return f"whsec_{ledger.random.getrandbits(128):032x}"


def _subscribe(ledger: Ledger, endpoint: Entity) -> None:
    target = Subscription(endpoint["url"], endpoint["_secret"]) if endpoint["status"] == "enabled" else None
    ledger.ctx.webhooks.subscribe(ledger.account, target, endpoint["id"])
