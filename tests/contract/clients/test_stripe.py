import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe
from stripe import StripeClient

from connectors.sandbox.server import Sandboxes, serve
from tests.receiving import receiving

RECURRING = {"interval": "month"}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Sandboxes]:
    """The Stripe sandbox on a free port."""
    running = await serve(["stripe"], tmp_path, {"stripe": 0})
    yield running
    await running.aclose()


@pytest.fixture
async def credentials(served: Sandboxes) -> dict[str, Any]:
    """What a user would copy from the dashboard."""
    async with httpx.AsyncClient(base_url=served.url("stripe")) as admin:
        found: dict[str, Any] = (await admin.get("/__sandbox/credentials")).json()
    return found


@pytest.fixture
async def session(credentials: dict[str, Any]) -> Callable[..., Any]:
    """Runs a blocking function of Stripe's own client beside the server's loop."""
    client = StripeClient(credentials["api_key"], base_addresses={"api": credentials["base_url"]})

    async def run(work: Callable[[StripeClient], Any]) -> Any:
        return await asyncio.to_thread(lambda: work(client))

    return run


def plan(client: StripeClient, amount: int = 1900) -> str:
    """A monthly price."""
    product = client.v1.products.create({"name": "Team", "metadata": {"sku": "T-1"}})
    price: Any = {"product": product.id, "currency": "usd", "unit_amount": amount, "recurring": RECURRING}
    return client.v1.prices.create(price).id


def payer(client: StripeClient, method: str = "pm_card_visa", **more: Any) -> str:
    """A customer with a payment method."""
    person: Any = {"email": "ada@customer.example", "payment_method": method, **more}
    return client.v1.customers.create(person).id


async def test_a_subscription_from_trial_to_its_end(session: Callable[..., Any]) -> None:
    """A trial is billed by the test clock, changed, and ends; invoices and events tell the same story."""

    def work(client: StripeClient) -> None:
        clock = client.v1.test_helpers.test_clocks.create({"frozen_time": 1_760_000_000})
        customer, price = payer(client, test_clock=clock.id), plan(client)
        subscription = client.v1.subscriptions.create(
            {
                "customer": customer,
                "items": [{"price": price, "quantity": 3}],
                "trial_period_days": 14,
                "metadata": {"deal": "7"},
                "expand": ["latest_invoice"],
            }
        )
        assert subscription.status == "trialing"
        assert subscription["latest_invoice"]["amount_due"] == 0
        assert subscription["items"]["data"][0]["current_period_end"] == 1_760_000_000 + 14 * 86400
        client.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": 1_760_000_000 + 15 * 86400})
        billed = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice", "customer"]})
        assert (billed.status, billed["customer"]["email"]) == ("active", "ada@customer.example")
        invoice = billed["latest_invoice"]
        assert (invoice["status"], invoice["total"], invoice["billing_reason"]) == ("paid", 5700, "subscription_cycle")
        assert invoice["parent"]["subscription_details"]["subscription"] == subscription.id
        item = billed["items"]["data"][0]["id"]
        client.v1.subscriptions.update(subscription.id, {"items": [{"id": item, "quantity": 5}]})
        client.v1.subscriptions.cancel(subscription.id)
        listed = client.v1.subscriptions.list({"customer": customer})
        assert listed.data == []
        assert client.v1.subscriptions.list({"customer": customer, "status": "all"}).data[0].status == "canceled"
        types = [event.type for event in client.v1.events.list({"limit": 100}).auto_paging_iter()]
        assert types[0] == "customer.subscription.deleted"
        assert {"customer.subscription.created", "invoice.paid", "invoice.finalized"} <= set(types)

    await session(work)


async def test_an_invoice_by_hand(session: Callable[..., Any]) -> None:
    """Items, draft, finalise, pay, credit and refund; what no longer fits the state is refused with its code."""

    def work(client: StripeClient) -> None:
        customer = payer(client)
        client.v1.invoice_items.create({"customer": customer, "amount": 5000, "currency": "usd"})
        made = client.v1.invoices.create({"customer": customer, "pending_invoice_items_behavior": "include"})
        assert (made.status, made.total, made.number) == ("draft", 5000, None)
        opened = client.v1.invoices.finalize_invoice(made.id)
        assert opened.status == "open"
        assert opened.number
        paid = client.v1.invoices.pay(made.id)
        assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 5000, 0)
        note = client.v1.credit_notes.create({"invoice": made.id, "amount": 1200, "refund_amount": 1200})
        refund = client.v1.refunds.retrieve(note["refunds"][0]["refund"])
        assert (refund.amount, refund.status) == (1200, "succeeded")
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.invoices.void_invoice(made.id)
        assert refused.value.code == "invoice_not_editable"
        yen = client.v1.payment_intents.create(
            {"amount": 500, "currency": "jpy", "customer": customer, "payment_method": "pm_card_visa", "confirm": True}
        )
        assert (yen.status, yen.amount_received) == ("succeeded", 500)
        back = client.v1.refunds.create({"payment_intent": yen.id})
        assert back.amount == 500
        with pytest.raises(stripe.InvalidRequestError) as again:
            client.v1.refunds.create({"payment_intent": yen.id})
        assert again.value.code == "charge_already_refunded"

    await session(work)


async def test_a_declined_card_is_told_and_kept(session: Callable[..., Any]) -> None:
    """402 with the card's error; the invoice counts the attempt, and the key gives the same answer again."""

    def work(client: StripeClient) -> None:
        customer = payer(client, "pm_card_chargeCustomerFail")
        client.v1.invoice_items.create({"customer": customer, "amount": 700, "currency": "usd"})
        made = client.v1.invoices.create({"customer": customer, "pending_invoice_items_behavior": "include"})
        client.v1.invoices.finalize_invoice(made.id)
        for _ in range(2):
            with pytest.raises(stripe.CardError) as declined:
                client.v1.invoices.pay(made.id, options={"idempotency_key": "pay-1"})
            assert (declined.value.code, declined.value.http_status) == ("card_declined", 402)
        failed = client.v1.invoices.retrieve(made.id)
        assert (failed.status, failed.attempt_count) == ("open", 1)
        subscription = client.v1.subscriptions.create({"customer": customer, "items": [{"price": plan(client)}]})
        assert subscription.status == "incomplete"

    await session(work)


async def test_idempotency_keys(session: Callable[..., Any]) -> None:
    """The same key and parameters give the first answer; other parameters are an error of their own type."""

    def work(client: StripeClient) -> None:
        options: Any = {"idempotency_key": "key-1"}
        first = client.v1.customers.create({"name": "Ada"}, options)
        second = client.v1.customers.create({"name": "Ada"}, options)
        assert first.id == second.id
        assert second.last_response is not None
        assert second.last_response.headers["idempotent-replayed"] == "true"
        with pytest.raises(stripe.IdempotencyError):
            client.v1.customers.create({"name": "Bruno"}, options)
        assert len(client.v1.customers.list().data) == 1

    await session(work)


async def test_lists_page_by_id_and_deleted_customers_say_so(session: Callable[..., Any]) -> None:
    """The client's own paging walks all pages, both ways; a deleted customer answers with a stub."""

    def work(client: StripeClient) -> None:
        made = [client.v1.customers.create({"name": f"Person {n}"}).id for n in range(7)]
        listed = client.v1.customers.list({"limit": 3})
        assert listed.has_more
        assert [customer.id for customer in listed.auto_paging_iter()] == made[::-1]
        newer = client.v1.customers.list({"limit": 3, "ending_before": made[2]})
        assert [customer.id for customer in newer.data] == [made[5], made[4], made[3]]
        client.v1.customers.delete(made[0])
        assert client.v1.customers.retrieve(made[0])["deleted"] is True
        with pytest.raises(stripe.InvalidRequestError) as missing:
            client.v1.customers.retrieve("cus_none")
        assert (missing.value.code, missing.value.http_status, missing.value.param) == ("resource_missing", 404, "id")
        with pytest.raises(stripe.InvalidRequestError) as unknown:
            client.v1.customers.list({"nonsense": "1"})  # type: ignore[arg-type]  # on purpose
        assert unknown.value.code == "parameter_unknown"

    await session(work)


async def test_a_wrong_key_and_too_many_calls(session: Callable[..., Any], credentials: dict[str, Any]) -> None:
    """401 and 429 become the client's errors; it does not repeat a 429 by itself."""
    async with httpx.AsyncClient(base_url=credentials["base_url"]) as admin:
        await admin.post("/__sandbox/limits", json={"limits": {"reads per second": 0}})

    def work(client: StripeClient) -> None:
        with pytest.raises(stripe.RateLimitError):
            client.v1.customers.list()
        wrong = StripeClient("sk_test_wrong", base_addresses={"api": credentials["base_url"]})
        with pytest.raises(stripe.AuthenticationError):
            wrong.v1.customers.list()

    await session(work)
    async with httpx.AsyncClient(base_url=credentials["base_url"]) as admin:
        assert (await admin.get("/__sandbox/meter")).json()["over_limit"] == {"reads per second": 1}


async def test_deliveries_satisfy_the_librarys_own_check(session: Callable[..., Any]) -> None:
    """An endpoint made over the API gets events that `construct_event` accepts, under both secrets while one rolls."""
    got: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = {name.lower(): value for name, _, value in (row.partition(": ") for row in head.split("\r\n"))}
        body = await reader.readexactly(int(fields["content-length"]))
        writer.write(b"HTTP/1.1 200 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        got.put_nowait((fields["stripe-signature"], body))

    async with receiving(receive) as base:
        url = f"{base}/hook"
        endpoint = await session(
            lambda client: client.v1.webhook_endpoints.create({"url": url, "enabled_events": ["customer.created"]})
        )
        await session(lambda client: client.v1.customers.create({"name": "Ada"}))
        header, body = await got.get()
        event = stripe.Webhook.construct_event(body, header, endpoint["secret"])
        assert (event.type, event.data.object["name"]) == ("customer.created", "Ada")
        rolled = await session(
            lambda client: client.raw_request("post", f"/v1/webhook_endpoints/{endpoint.id}/roll_secret")
        )
        fresh = client_json(rolled)["secret"]
        await session(lambda client: client.v1.customers.create({"name": "Bruno"}))
        header, body = await got.get()
        for secret in (endpoint["secret"], fresh):
            stripe.Webhook.construct_event(body, header, secret)
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body + b" ", header, fresh)


def client_json(response: Any) -> dict[str, Any]:
    """The body of a raw answer."""
    found: dict[str, Any] = response.json() if callable(getattr(response, "json", None)) else response.data
    return found
