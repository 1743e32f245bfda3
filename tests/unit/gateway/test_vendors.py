"""Each vendor's signature, as the gateway asks for it."""

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import httpx
import pytest

from connectors.catalogue import VENDORS
from tests.unit.gateway.kit.stage import Stage, events

Sign = Callable[[bytes, str, int], Mapping[str, str]]
OTHERS = {
    "quickbooks": "222",
    "shopify": "globex.myshopify.com",
    "woocommerce": "shop.globex.example",
    "stripe": "acct_2",
}


def encoded(header: str) -> Sign:
    """Sign as most do: base64 of HMAC-SHA256 of the body in a header."""
    return lambda body, secret, _: {header: b64encode(hmac.digest(secret.encode(), body, sha256)).decode()}


def stamped(body: bytes, secret: str, now: int) -> Mapping[str, str]:
    """Sign as Stripe does, with the time."""
    return {"stripe-signature": f"t={now},v1={hmac.digest(secret.encode(), b'%d.' % now + body, sha256).hex()}"}


@dataclass(frozen=True, slots=True)
class Sender:
    """A vendor's company, a webhook of it without signature, and how it is signed."""

    vendor: str
    account: str
    body: bytes
    sign: Sign
    headers: Mapping[str, str]


SENDERS = [
    Sender("quickbooks", "111", events(("111", "7")), encoded("intuit-signature"), {}),
    Sender(
        "shopify",
        "acme.myshopify.com",
        b'{"id":5,"admin_graphql_api_id":"gid://shopify/Order/5","updated_at":"2026-01-01T00:00:00Z"}',
        encoded("x-shopify-hmac-sha256"),
        {
            "x-shopify-topic": "orders/updated",
            "x-shopify-shop-domain": "acme.myshopify.com",
            "x-shopify-webhook-id": "w-1",
            "x-shopify-triggered-at": "2026-01-01T00:00:01Z",
        },
    ),
    Sender(
        "woocommerce",
        "shop.acme.example",
        b'{"id":5,"status":"processing","date_modified_gmt":"2026-01-01T00:00:00"}',
        encoded("x-wc-webhook-signature"),
        {
            "x-wc-webhook-topic": "order.updated",
            "x-wc-webhook-source": "https://shop.acme.example/",
            "x-wc-webhook-delivery-id": "d1",
        },
    ),
    Sender(
        "stripe",
        "acct_1",
        b'{"id":"evt_1","object":"event","created":1,"data":{"object":{"object":"customer","id":"cus_1"}}}',
        stamped,
        {},
    ),
]


@pytest.fixture(params=SENDERS, ids=lambda sender: sender.vendor)
async def sender(request: pytest.FixtureRequest, stage: Stage) -> Sender:
    """A vendor of which both tenants are customers; acme has an old and a new secret."""
    found: Sender = request.param
    stage.companies.vendor = found.vendor
    stage.companies.accounts = {"acme": found.account, "globex": OTHERS[found.vendor]}
    await stage.secret("acme", "old,new")
    await stage.secret("globex", "globex's")
    return found


async def post(stage: Stage, sender: Sender, secret: str, body: bytes | None = None) -> httpx.Response:
    """Send the webhook to acme's address, signed now; another body goes under the same signature."""
    signed = sender.sign(sender.body, secret, int(stage.clock.now().timestamp()))
    path = f"/webhooks/{sender.vendor}/acme"
    return await stage.client.post(path, content=body or sender.body, headers={**sender.headers, **signed})


def test_every_vendor_that_sends_webhooks_is_here() -> None:
    """A new one cannot be forgotten."""
    assert {sender.vendor for sender in SENDERS} == {name for name, vendor in VENDORS.items() if vendor.webhook}


@pytest.mark.parametrize("secret", ["old", "new"])
async def test_both_live_secrets_let_in(stage: Stage, sender: Sender, secret: str) -> None:
    """Signed over the raw bytes with either, a webhook is stored for the tenant and acknowledged."""
    answer = await post(stage, sender, secret)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1), answer.text
    assert [(record.tenant, record.vendor) for record in stage.writer.records] == [("acme", sender.vendor)]


async def test_nobody_elses_signature_does(stage: Stage, sender: Sender) -> None:
    """Unsigned, with another tenant's or no live secret, or with one byte more: the same bare answer."""
    path = f"/webhooks/{sender.vendor}/acme"
    answers = [
        await stage.client.post(path, content=sender.body, headers=sender.headers),
        await post(stage, sender, "globex's"),
        await post(stage, sender, "gone"),
        await post(stage, sender, "new", sender.body + b" "),
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, b"{}")}
    assert stage.writer.records == []


@pytest.mark.parametrize(("minutes", "status"), [(-6, 401), (-4, 200), (4, 200), (6, 401)])
async def test_where_a_time_is_signed_it_must_be_near(stage: Stage, minutes: int, status: int) -> None:
    """Stripe's is at most five minutes away, before or behind; a recorded webhook is of no use later."""
    [sender] = [sender for sender in SENDERS if sender.vendor == "stripe"]
    stage.companies.vendor, stage.companies.accounts = "stripe", {"acme": sender.account}
    await stage.secret("acme", "new")
    at = stage.clock.now() + timedelta(minutes=minutes)
    signed = sender.sign(sender.body, "new", int(at.timestamp()))
    answer = await stage.client.post("/webhooks/stripe/acme", content=sender.body, headers=signed)
    assert answer.status_code == status
