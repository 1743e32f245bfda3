"""The rules of Stripe that the sandbox keeps; its README names the test of each."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from typing import Any

import httpx
import pytest

from connectors.sandbox.stripe.forms import parse
from connectors.sandbox.stripe.vendor import VERSION, build
from tests.receiving import receiving

DAY = 86400


class Account:
    """A user of one account."""

    def __init__(self, http: httpx.AsyncClient, credentials: dict[str, Any], clock: Any) -> None:
        self.http = http
        self.credentials = credentials
        self.clock = clock
        self.key = {"authorization": f"Bearer {credentials['api_key']}"}

    async def send(self, method: str, path: str, form: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """Send a request; `form` has Stripe's bracket names."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given: dict[str, Any] = {"params" if method == "GET" else "data": form}
        return await self.http.request(method, f"/v1/{path}", headers={**self.key, **named}, **given)

    async def get(self, path: str, **params: Any) -> Any:
        """Read."""
        answer = await self.send("GET", path, params)
        assert answer.is_success, answer.text
        return answer.json()

    async def post(self, path: str, **form: Any) -> Any:
        """Write."""
        answer = await self.send("POST", path, form)
        assert answer.is_success, answer.text
        return answer.json()

    async def error(self, method: str, path: str, form: dict[str, Any] | None = None, **headers: str) -> Any:
        """The error object of a refused call."""
        answer = await self.send(method, path, form, **headers)
        assert answer.is_client_error, answer.text
        return {**answer.json()["error"], "status": answer.status_code}

    async def price(self, amount: str = "1000", currency: str = "usd", interval: str = "month") -> str:
        """A recurring price."""
        more = {"recurring[interval]": interval, "product_data[name]": "Plan"}
        return str((await self.post("prices", unit_amount=amount, currency=currency, **more))["id"])

    async def payer(self, method: str = "pm_card_visa", **more: Any) -> str:
        """A customer who can pay."""
        form = {"invoice_settings[default_payment_method]": method, **more}
        return str((await self.post("customers", **form))["id"])

    async def open_invoice(self, customer: str, amount: str) -> str:
        """A finalised invoice over an amount."""
        await self.post("invoiceitems", customer=customer, amount=amount, currency="usd")
        made = await self.post("invoices", customer=customer, pending_invoice_items_behavior="include")
        return str((await self.post(f"invoices/{made['id']}/finalize"))["id"])

    async def types(self) -> list[str]:
        """The types of all events, oldest first."""
        return [event["type"] for event in (await self.get("events", limit="100"))["data"]][::-1]


@pytest.fixture
async def account(start: Callable[..., Any], clock: Any) -> AsyncIterator[Account]:
    """An account with nothing in it."""
    served = await start({"stripe": (0, build)})
    async with httpx.AsyncClient(base_url=served.url("stripe"), timeout=60) as http:
        yield Account(http, (await http.get("/__sandbox/credentials")).json(), clock)


def test_forms_nest() -> None:
    """Brackets make objects and lists, in order; empty ones append."""
    assert parse("items[1][price]=b&items[0][price]=a&expand[]=x&expand[]=y&metadata[k]=&a=1") == {
        "items": [{"price": "a"}, {"price": "b"}],
        "expand": ["x", "y"],
        "metadata": {"k": ""},
        "a": "1",
    }


@pytest.mark.parametrize(
    ("method", "path", "form", "status", "code", "param"),
    [
        ("GET", "customers/cus_none", None, 404, "resource_missing", "id"),
        ("GET", "customers", {"limit": "101"}, 400, "parameter_invalid_integer", "limit"),
        ("GET", "customers", {"starting_after": "cus_none"}, 400, "resource_missing", "starting_after"),
        ("GET", "customers", {"colour": "red"}, 400, "parameter_unknown", "colour"),
        ("POST", "prices", {"currency": "usd"}, 400, "parameter_missing", "product"),
        ("POST", "subscriptions", {"customer": "cus_none"}, 400, "resource_missing", "customer"),
        ("POST", "payment_intents", {"amount": "1", "currency": "usd"}, 400, "amount_too_small", "amount"),
        ("POST", "webhook_endpoints", {"url": "nowhere", "enabled_events[]": "*"}, 400, "url_invalid", None),
    ],
)
async def test_errors_have_the_envelope(
    account: Account, method: str, path: str, form: dict[str, str], status: int, code: str, param: str | None
) -> None:
    """Type, code and parameter say what is wrong: in the address 404, in a parameter 400."""
    error = await account.error(method, path, form)
    told = (error["status"], error["type"], error["code"], error.get("param"))
    assert told == (status, "invalid_request_error", code, param)


async def test_keys_versions_and_headers(account: Account) -> None:
    """No key or a wrong one is 401; the version is checked and echoed; every answer has a request id."""
    assert (await account.http.get("/v1/customers")).status_code == 401
    wrong = await account.http.get("/v1/customers", headers={"authorization": "Bearer sk_test_no"})
    assert wrong.json()["error"]["message"].startswith("Invalid API Key provided: sk_test_")
    basic = await account.http.get("/v1/customers", auth=(account.credentials["api_key"], ""))
    assert basic.headers["stripe-version"] == VERSION
    assert basic.headers["request-id"].startswith("req_")
    old = await account.send("GET", "customers", stripe_version="2024-06-20")
    assert old.headers["stripe-version"] == "2024-06-20"
    assert (await account.error("GET", "customers", stripe_version="yesterday"))["status"] == 400
    assert (await account.error("GET", "unknown"))["status"] == 404
    assert (await account.get("account"))["id"] == account.credentials["account_id"]


async def test_too_many_calls(account: Account) -> None:
    """429 with its code and reason; nothing tells the client to repeat."""
    await account.http.post("/__sandbox/limits", json={"limits": {"writes per second": 1}})
    await account.post("customers")
    answer = await account.send("POST", "customers")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit")
    assert "stripe-rate-limited-reason" in answer.headers
    assert "stripe-should-retry" not in answer.headers


async def test_idempotency(account: Account) -> None:
    """Same key and parameters: the first answer, for 24 hours; other parameters: an error; refusals leave none."""
    first = await account.send("POST", "customers", {"name": "Ada"}, idempotency_key="k")
    again = await account.send("POST", "customers", {"name": "Ada"}, idempotency_key="k")
    assert again.content == first.content
    assert (again.headers["idempotent-replayed"], again.headers["original-request"]) == (
        "true",
        first.headers["request-id"],
    )
    other = await account.error("POST", "customers", {"name": "Bo"}, idempotency_key="k")
    assert (other["status"], other["type"]) == (400, "idempotency_error")
    assert (await account.error("POST", "customers", {}, idempotency_key="k" * 256))["type"] == "idempotency_error"
    assert (await account.error("POST", "prices", {}, idempotency_key="later"))["code"] == "parameter_missing"
    assert (await account.send("POST", "customers", {}, idempotency_key="later")).is_success
    await account.clock.sleep(DAY)
    late = await account.send("POST", "customers", {"name": "Bo"}, idempotency_key="k")
    assert late.json()["name"] == "Bo"


async def test_a_declined_payment_is_kept_with_its_key(account: Account) -> None:
    """Execution had begun: the attempt stays, and the same key gives the same 402."""
    customer = await account.payer("pm_card_chargeCustomerFail")
    invoice = await account.open_invoice(customer, "700")
    for _ in range(2):
        error = await account.error("POST", f"invoices/{invoice}/pay", {}, idempotency_key="pay")
        assert (error["status"], error["type"], error["code"]) == (402, "card_error", "card_declined")
    assert (await account.get(f"invoices/{invoice}"))["attempt_count"] == 1
    charges = (await account.get("charges"))["data"]
    assert [(charge["status"], charge["failure_code"]) for charge in charges] == [("failed", "card_declined")]
    assert "invoice.payment_failed" in await account.types()


async def test_an_invoice_goes_its_way(account: Account) -> None:
    """Draft, open with a number, paid; void and uncollectible end it; each step is told and no other is allowed."""
    customer = await account.payer()
    paid = await account.open_invoice(customer, "5000")
    done = await account.post(f"invoices/{paid}/pay")
    assert (done["status"], done["amount_paid"], done["amount_remaining"]) == ("paid", 5000, 0)
    assert done["payments"]["data"][0]["payment"]["payment_intent"].startswith("pi_")
    assert (await account.error("POST", f"invoices/{paid}/void"))["code"] == "invoice_not_editable"
    voided = await account.open_invoice(customer, "100")
    assert (await account.post(f"invoices/{voided}/void"))["status"] == "void"
    lost = await account.open_invoice(customer, "100")
    assert (await account.post(f"invoices/{lost}/mark_uncollectible"))["status"] == "uncollectible"
    outside = await account.post(f"invoices/{lost}/pay", paid_out_of_band="true")
    assert (outside["status"], outside["payments"]["data"]) == ("paid", [])
    draft = await account.post("invoices", customer=customer)
    assert (await account.send("DELETE", f"invoices/{draft['id']}")).json()["deleted"] is True
    told = [type_ for type_ in await account.types() if type_.startswith("invoice.")]
    assert told[:4] == ["invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded"]
    assert {"invoice.voided", "invoice.marked_uncollectible", "invoice.deleted"} <= set(told)
    assert told.count("invoice.payment_succeeded") == 1


async def test_credit_notes(account: Account) -> None:
    """Before payment they lower what is asked, to nothing pays it; after payment they tell how the amount goes back."""
    customer = await account.payer()
    opened = await account.open_invoice(customer, "1000")
    await account.post("credit_notes", invoice=opened, amount="400")
    assert (await account.get(f"invoices/{opened}"))["amount_remaining"] == 600
    await account.post("credit_notes", invoice=opened, amount="600")
    assert (await account.get(f"invoices/{opened}"))["status"] == "paid"
    assert (await account.error("POST", "credit_notes", {"invoice": opened, "amount": "1"}))["param"] == "amount"
    paid = await account.open_invoice(customer, "1000")
    await account.post(f"invoices/{paid}/pay")
    assert (await account.error("POST", "credit_notes", {"invoice": paid, "amount": "100"}))["status"] == 400
    note = await account.post("credit_notes", invoice=paid, amount="100", refund_amount="100")
    assert (await account.get(f"refunds/{note['refunds'][0]['refund']}"))["amount"] == 100


@pytest.mark.parametrize(("currency", "amount"), [("usd", 1050), ("jpy", 500), ("kwd", 10500)])
async def test_payments_and_refunds_in_minor_units(account: Account, currency: str, amount: int) -> None:
    """Amounts are whole minor units of any currency; refunds never exceed the charge."""
    form = {"amount": str(amount), "currency": currency, "payment_method": "pm_card_visa", "confirm": "true"}
    intent = await account.post("payment_intents", **form)
    assert (intent["status"], intent["amount_received"]) == ("succeeded", amount)
    await account.post("refunds", payment_intent=intent["id"], amount="100")
    over = await account.error("POST", "refunds", {"charge": intent["latest_charge"], "amount": str(amount)})
    assert over["param"] == "amount"
    await account.post("refunds", charge=intent["latest_charge"])
    charge = await account.get(f"charges/{intent['latest_charge']}")
    assert (charge["amount_refunded"], charge["refunded"]) == (amount, True)
    assert (await account.error("POST", "refunds", {"charge": charge["id"]}))["code"] == "charge_already_refunded"


async def test_subscriptions_live_along_a_test_clock(account: Account) -> None:
    """Each period is billed, on the day it began; a failing card makes it past due; cancellation waits for its time."""
    clock = await account.post("test_helpers/test_clocks", frozen_time="1769817600")  # 2026-01-31
    customer, price = await account.payer(test_clock=clock["id"]), await account.price()
    form = {"customer": customer, "items[0][price]": price, "items[0][quantity]": "2"}
    subscription = await account.post("subscriptions", **form)
    assert (subscription["status"], subscription["items"]["data"][0]["current_period_end"]) == ("active", 1772236800)
    path, advance = f"subscriptions/{subscription['id']}", f"test_helpers/test_clocks/{clock['id']}/advance"
    await account.post(advance, frozen_time=str(1772236800 + DAY))  # February has 28 days
    invoices = (await account.get("invoices", subscription=subscription["id"]))["data"]
    billed = [(invoice["billing_reason"], invoice["status"], invoice["total"]) for invoice in invoices]
    assert billed == [("subscription_cycle", "paid", 2000), ("subscription_create", "paid", 2000)]
    await account.post(
        f"customers/{customer}", **{"invoice_settings[default_payment_method]": "pm_card_chargeDeclined"}
    )
    await account.post(advance, frozen_time=str(1772236800 + 32 * DAY))
    late = await account.get(path)
    assert (late["status"], late["items"]["data"][0]["current_period_start"]) == ("past_due", 1774915200)  # 31 March
    asked = await account.post(path, cancel_at_period_end="true")
    assert (asked["status"], asked["cancel_at"]) == ("past_due", asked["items"]["data"][0]["current_period_end"])
    await account.post(advance, frozen_time=str(asked["cancel_at"]))
    assert (await account.get(path))["status"] == "canceled"
    assert (await account.get("subscriptions"))["data"] == []
    assert (await account.get("subscriptions", status="all"))["data"][0]["ended_at"] == asked["cancel_at"]
    assert "customer.subscription.deleted" in await account.types()


async def test_trials_and_items(account: Account) -> None:
    """A trial has its dates and an empty invoice; items are added, changed and taken away."""
    customer, price, other = await account.payer(), await account.price(), await account.price("500")
    form = {"customer": customer, "items[0][price]": price, "trial_period_days": "14", "expand[]": "latest_invoice"}
    trial = await account.post("subscriptions", **form)
    assert (trial["status"], trial["trial_end"] - trial["trial_start"]) == ("trialing", 14 * DAY)
    assert (trial["latest_invoice"]["total"], trial["latest_invoice"]["status"]) == (0, "paid")
    path, item = f"subscriptions/{trial['id']}", trial["items"]["data"][0]["id"]
    await account.post(path, **{"items[0][price]": other, "items[1][id]": item, "items[1][quantity]": "3"})
    changed = await account.get(path)
    assert sorted((row["price"]["id"] == price, row["quantity"]) for row in changed["items"]["data"]) == [
        (False, 1),
        (True, 3),
    ]
    left = await account.post(path, **{"items[0][id]": item, "items[0][deleted]": "true"})
    assert [row["price"]["id"] for row in left["items"]["data"]] == [other]
    ended = (await account.send("DELETE", path)).json()
    assert (ended["status"], ended["cancellation_details"]["reason"]) == ("canceled", "cancellation_requested")
    declined = await account.payer("pm_card_chargeDeclined")
    started = await account.post("subscriptions", **{"customer": declined, "items[0][price]": price})
    assert started["status"] == "incomplete"


async def test_events_say_what_changed_and_live_for_thirty_days(account: Account) -> None:
    """An update names the former values; lists filter by type and time; after thirty days an event is gone."""
    customer = (await account.post("customers", name="Ada"))["id"]
    await account.clock.sleep(10)
    await account.send("POST", f"customers/{customer}", {"name": "Ada L."}, idempotency_key="k")
    [event] = (await account.get("events", type="customer.updated"))["data"]
    assert event["data"]["previous_attributes"] == {"name": "Ada"}
    assert (event["data"]["object"]["name"], event["api_version"]) == ("Ada L.", VERSION)
    assert (event["request"]["idempotency_key"], event["request"]["id"][:4]) == ("k", "req_")
    since = {"created[gte]": event["created"]}
    assert [row["id"] for row in (await account.get("events", **since))["data"]] == [event["id"]]
    assert len((await account.get("events", **{"types[]": ["customer.created", "customer.updated"]}))["data"]) == 2
    await account.post(f"customers/{customer}", name="Ada L.")
    assert len((await account.get("events"))["data"]) == 2
    await account.clock.sleep(30 * DAY + 1)
    assert (await account.get("events"))["data"] == []
    gone = await account.error("GET", "events", {"ending_before": event["id"]})
    assert gone["code"] == "resource_missing"


async def test_catalogue_and_customers(account: Account) -> None:
    """Deleted customers say so, products with prices stay, metadata is merged key by key, expansion has four levels."""
    customer = await account.post("customers", **{"metadata[a]": "1", "metadata[b]": "2"})
    path = f"customers/{customer['id']}"
    assert (await account.post(path, **{"metadata[a]": "", "metadata[c]": "3"}))["metadata"] == {"b": "2", "c": "3"}
    await account.send("DELETE", path)
    assert await account.get(path) == {"id": customer["id"], "object": "customer", "deleted": True}
    assert (await account.get("customers"))["data"] == []
    price = await account.get(f"prices/{await account.price()}", **{"expand[]": "product"})
    assert price["product"]["name"] == "Plan"
    assert (await account.error("DELETE", f"products/{price['product']['id']}"))["status"] == 400
    assert (await account.error("GET", f"prices/{price['id']}", {"expand[]": "currency"}))["param"] == "expand"
    assert (await account.error("GET", f"prices/{price['id']}", {"expand[]": "a.b.c.d.e"}))["status"] == 400


async def test_deliveries(account: Account) -> None:
    """Signed at sending with the endpoint's secrets; a failed one is repeated aside and does not hold others back."""
    got: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
    statuses = [500]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = {name.lower(): value for name, _, value in (row.partition(": ") for row in head.split("\r\n"))}
        body = await reader.readexactly(int(fields["content-length"]))
        status = statuses.pop() if statuses else 200
        writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        stamp, *signatures = fields["stripe-signature"].split(",")
        signed = f"{stamp[2:]}.".encode() + body
        made = [hmac.new(secret.encode(), signed, sha256).hexdigest() for secret in secrets]
        assert signatures == [f"v1={one}" for one in made]
        got.put_nowait((stamp, json.loads(body)))

    async with receiving(serve) as base:
        url = f"{base}/"
        form = {"url": url, "enabled_events[]": ["customer.created", "customer.deleted"]}
        endpoint = await account.post("webhook_endpoints", **form)
        secrets = [endpoint["secret"]]
        assert "secret" not in await account.get(f"webhook_endpoints/{endpoint['id']}")
        await account.post("customers", name="Ada")
        arrived = [await got.get(), await got.get()]
        assert [event["data"]["object"]["name"] for _, event in arrived] == ["Ada", "Ada"]
        assert arrived[0][0] != arrived[1][0]
        rolled = await account.post(f"webhook_endpoints/{endpoint['id']}/roll_secret", expire_after_hours="1")
        secrets = [rolled["secret"], endpoint["secret"]]
        await account.post("customers", name="Bo")
        await got.get()
        await account.clock.sleep(3600)
        secrets = [rolled["secret"]]
        await account.post("customers", name="Cy")
        assert (await got.get())[1]["data"]["object"]["name"] == "Cy"
        assert got.empty()


async def test_seeds_are_the_same(account: Account) -> None:
    """Same size and seed, same ids and amounts."""
    seen = []
    for _ in range(2):
        await account.http.post("/__sandbox/reset", params={"account": "default"})
        made = (await account.http.post("/__sandbox/seed", json={"size": 8, "seed": 3})).json()["made"]
        assert (made["customer"], made["subscription"]) == (8, 4)
        rows = (await account.get("invoices", limit="100"))["data"]
        seen.append([(row["id"], row["total"], row["status"]) for row in rows])
    assert seen[0] == seen[1]


async def test_a_seed_may_leave_out_bills(account: Account) -> None:
    """A large account of customers alone is made quickly: no invoices, no subscriptions."""
    await account.http.post("/__sandbox/settings", json={"settings": {"seed_bills": False}})
    made = (await account.http.post("/__sandbox/seed", json={"size": 8, "seed": 3})).json()["made"]
    assert (made["customer"], made["subscription"], made["invoice"]) == (8, 0, 0)
    assert len((await account.get("customers", limit="100"))["data"]) == 8
    assert (await account.get("invoices"))["data"] == (await account.get("subscriptions"))["data"] == []
