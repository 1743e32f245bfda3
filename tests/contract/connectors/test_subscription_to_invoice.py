"""Subscription to invoice on the sandboxes: what Stripe bills is in the books, to the cent, once."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.ports import Raw
from tests.contract.connectors.kit.company import Company, Connect
from tests.contract.connectors.kit.flow import Flow

GOLDEN = Path(__file__).parents[2] / "golden" / "stripe" / "invoice" / "in.json"
DAY = 86_400
TEAM, UNITS = 4900, 3
PERIOD = Decimal(TEAM * UNITS) / 100


class Merchant:
    """Works on a Stripe account through its API."""

    def __init__(self, company: Company) -> None:
        headers = {"Authorization": f"Bearer {company.credentials['api_key']}"}
        self._http = httpx.AsyncClient(base_url=company.admin.base_url, headers=headers, trust_env=False, timeout=60)

    async def do(self, path: str, **form: str) -> dict[str, Any]:
        """Post a form."""
        answer = await self._http.post(f"/v1/{path}", data=form)
        assert answer.is_success, answer.text
        return dict(answer.json())

    async def newest(self, path: str) -> dict[str, Any]:
        """Return the newest object of a list."""
        return dict((await self._http.get(f"/v1/{path}", params={"limit": 1})).json()["data"][0])

    async def customer(self, **more: str) -> str:
        """Make a customer whose card pays."""
        about = {"name": "Ada Abel", "email": "ada@abel.example", "payment_method": "pm_card_visa"}
        return str((await self.do("customers", **about, **more))["id"])

    async def subscribe(self, customer: str, currency: str = "usd", **more: str) -> dict[str, Any]:
        """Subscribe a customer to three units of a plan, month by month."""
        product = (await self.do("products", name="Team", **{"metadata[sku]": "TEAM"}))["id"]
        terms = {"product": product, "currency": currency, "unit_amount": str(TEAM), "recurring[interval]": "month"}
        price = (await self.do("prices", **terms))["id"]
        item = {"items[0][price]": price, "items[0][quantity]": str(UNITS)}
        return await self.do("subscriptions", customer=customer, **item, **more)

    async def cancel(self, subscription: str) -> None:
        """End a subscription at once."""
        assert (await self._http.delete(f"/v1/subscriptions/{subscription}")).is_success

    async def aclose(self) -> None:
        """End the session."""
        await self._http.aclose()


@pytest.fixture
async def books(connect: Connect) -> Company:
    """A company in QuickBooks."""
    return await connect("quickbooks")


@pytest.fixture
async def billing(connect: Connect) -> AsyncIterator[tuple[Company, Merchant]]:
    """An account at Stripe, read by our connector and worked on by its merchant."""
    company = await connect("stripe", overlap_seconds="0")
    async with aclosing(Merchant(company)) as merchant:
        yield company, merchant


async def stored(books: Company, kind: str, field: str = "TotalAmt") -> list[Decimal]:
    """Return one amount of every object in the books."""
    return [Decimal(str(row[field])) for row in await books.records(kind)]


def figures(flow: Flow) -> dict[str, Any]:
    """Return the figures of the one customer."""
    [party] = flow.of("party")
    return dict(party["finance"])


async def test_a_subscription_that_is_charged_is_a_sales_receipt(
    books: Company, billing: tuple[Company, Merchant]
) -> None:
    """One customer, one item, one receipt of what was charged; read again, nothing more; the figures show the plan."""
    company, merchant = billing
    flow = Flow(company, books)
    await merchant.subscribe(await merchant.customer())
    for _ in range(2):
        await flow.sweep("stripe")
        assert await stored(books, "SalesReceipt") == [PERIOD]
    assert [customer["DisplayName"] for customer in await books.records("Customer")] == ["Ada Abel"]
    assert "TEAM" in {item.get("Sku") for item in await books.records("Item")}
    found = figures(flow)
    assert (found["subscription_status"], found["subscription_plan"]) == ("ACTIVE", "Team")
    assert (found["monthly_recurring"], found["lifetime_value"], found["order_count"]) == (PERIOD, PERIOD, 1)


async def test_a_subscription_by_invoice_is_invoiced_then_paid(
    books: Company, billing: tuple[Company, Merchant]
) -> None:
    """The invoice is due when Stripe says so; paid outside of Stripe, a payment settles it."""
    company, merchant = billing
    flow = Flow(company, books)
    sent = {"collection_method": "send_invoice", "days_until_due": "14"}
    subscription = await merchant.subscribe(await merchant.customer(), **sent)
    await flow.sweep("stripe")
    assert await stored(books, "Invoice", "Balance") == [PERIOD]
    assert figures(flow)["open_balance"] == PERIOD
    await merchant.do(f"invoices/{subscription['latest_invoice']}/pay", paid_out_of_band="true")
    for _ in range(2):
        await flow.sweep("stripe")
        assert await stored(books, "Payment") == [PERIOD]
    assert await stored(books, "Invoice", "Balance") == [0]
    assert (figures(flow)["open_balance"], figures(flow)["lifetime_value"]) == (0, PERIOD)


async def test_what_is_given_up_is_void_in_the_books(books: Company, billing: tuple[Company, Merchant]) -> None:
    """A void invoice comes to nothing, and so does what the customer owes."""
    company, merchant = billing
    flow = Flow(company, books)
    sent = {"collection_method": "send_invoice", "days_until_due": "14"}
    subscription = await merchant.subscribe(await merchant.customer(), **sent)
    await flow.sweep("stripe")
    await merchant.do(f"invoices/{subscription['latest_invoice']}/void")
    await flow.sweep("stripe")
    assert await stored(books, "Invoice") == [0]
    assert figures(flow)["open_balance"] == 0
    assert [order["status"] for order in flow.of("order")] == ["CANCELLED"]


async def test_refunds_and_credit_notes_are_booked_once(books: Company, billing: tuple[Company, Merchant]) -> None:
    """Money back is a refund receipt, credit a credit memo; a credit note that refunds is not counted twice."""
    company, merchant = billing
    flow = Flow(company, books)
    subscription = await merchant.subscribe(await merchant.customer())
    await flow.sweep("stripe")
    intent = (await merchant.newest("charges"))["payment_intent"]
    await merchant.do("refunds", payment_intent=intent, amount="1000")
    given = {"amount": "2000", "refund_amount": "1200", "credit_amount": "800"}
    await merchant.do("credit_notes", invoice=subscription["latest_invoice"], **given)
    for _ in range(2):
        await flow.sweep("stripe")
        assert sorted(await stored(books, "RefundReceipt")) == [10, 12]
        assert await stored(books, "CreditMemo") == [8]
    found = figures(flow)
    assert (found["refunded"], found["lifetime_value"]) == (22, PERIOD - 22)
    assert found["credit_balance"] == 8


async def test_a_subscriber_in_another_currency_is_kept_in_it(
    books: Company, billing: tuple[Company, Merchant]
) -> None:
    """Customer and documents are in the subscription's currency, figures in the home currency by the books' rate."""
    company, merchant = billing
    await books.put("settings", {"settings": {"multi_currency": True}})
    rate = {"SourceCurrencyCode": "EUR", "AsOfDate": "2026-01-01", "Rate": 1.0843}
    headers = {"Authorization": f"Bearer {books.credentials['access_token']}"}
    url = f"/v3/company/{books.credentials['realm']}/exchangerate"
    assert (await books.admin.post(url, json=rate, headers=headers)).is_success
    flow = Flow(company, books)
    await merchant.subscribe(await merchant.customer(), "eur")
    for _ in range(2):
        await flow.sweep("stripe")
        assert await stored(books, "SalesReceipt") == [PERIOD]
    assert [row["CurrencyRef"]["value"] for row in await books.records("SalesReceipt")] == ["EUR"]
    [customer] = await books.records("Customer")
    assert customer["CurrencyRef"]["value"] == "EUR"
    assert (figures(flow)["currency"], figures(flow)["lifetime_value"]) == ("USD", Decimal("159.39"))


@pytest.mark.parametrize("paid", [True, False], ids=["paid", "open"])
async def test_tax_discount_and_proration_come_to_the_cent(
    books: Company, billing: tuple[Company, Merchant], paid: bool
) -> None:
    """Prices that include tax, a coupon, a credit for unused time: the books' total is Stripe's; nobody is asked."""
    company, _ = billing
    await books.put("settings", {"settings": {"multi_currency": True}})
    invoice = json.loads(GOLDEN.read_text())
    if not paid:
        invoice |= {"status": "open", "amount_paid": 0, "payments": {"data": []}}
    flow = Flow(company, books)
    flow.receive("stripe", [Raw("invoice", invoice["id"], "2026-03-01T12:00:00.000000Z", json.dumps(invoice).encode())])
    await flow.settle()
    kind = "SalesReceipt" if paid else "Invoice"
    assert await stored(books, kind) == [Decimal("107.80")]
    [document] = await books.records(kind)
    assert Decimal(str(document["TxnTaxDetail"]["TotalTax"])) == Decimal("17.21")
    assert list(flow.reviews) == []


async def test_a_trial_bills_nothing_and_renewals_bill_each_period_once(
    books: Company, billing: tuple[Company, Merchant]
) -> None:
    """Along a test clock: a trial, two periods, the end."""
    company, merchant = billing
    flow = Flow(company, books)
    start = 1_772_323_200
    clock = (await merchant.do("test_helpers/test_clocks", frozen_time=str(start)))["id"]
    customer = await merchant.customer(test_clock=clock)
    subscription = await merchant.subscribe(customer, trial_period_days="14")
    await flow.sweep("stripe")
    assert await stored(books, "SalesReceipt") == []
    # It has a subscription, and figures for it, but is no customer of the books yet.
    assert figures(flow)["subscription_status"] == "TRIALING"
    assert await books.records("Customer") == []
    for days, receipts in ((15, 1), (46, 2)):
        to = str(start + days * DAY)
        await merchant.do(f"test_helpers/test_clocks/{clock}/advance", frozen_time=to)
        await flow.sweep("stripe")
        assert await stored(books, "SalesReceipt") == [PERIOD] * receipts
    await merchant.cancel(subscription["id"])
    await flow.sweep("stripe")
    assert (figures(flow)["subscription_status"], figures(flow)["monthly_recurring"]) == ("CANCELLED", 0)
    assert figures(flow)["lifetime_value"] == 2 * PERIOD
