"""From what a billing platform bills to the accounts, and what is subscribed to in the customer's figures."""

import itertools
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.records import Command, ConnectionChanged
from connectors.kafka.topics import REVIEW
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from tests.unit.stages.kit import ACCOUNT, CONTACT, TENANT, Company, asked, at, body, envelope, version

GOLDEN = Path(__file__).parents[2] / "golden" / "stripe"


def sample(kind: str, **more: Any) -> dict[str, Any]:
    """Return an object as the sandbox answered it, changed."""
    stored: dict[str, Any] = json.loads((GOLDEN / kind / "in.json").read_text())
    return {**stored, **more}


def read(second: int) -> str:
    """Return a version: Stripe's objects have that of the moment at which they were read."""
    return f"2026-03-01T12:00:{second:02d}.000000Z"


def told(company: Company, kind: str, second: int = 1, **more: Any) -> list[Command]:
    """Take in an object."""
    return company.record("stripe", kind, sample(kind, **more), read(second))


UNPAID = {"status": "open", "amount_paid": 0, "payments": {"object": "list", "data": []}}


def connected(company: Company, currency: str = "EUR") -> Company:
    """Connect Stripe and QuickBooks."""
    company.take(ConnectionChanged(TENANT, 1, {"stripe": "acct_1", "quickbooks": "1"}, "Europe/Berlin", currency))
    return company


def test_a_paid_invoice_becomes_customer_item_and_sales_receipt(company: Company) -> None:
    """Once each, parents first, and to the cent: lines without tax, the discount and the tax come to what was paid."""
    connected(company)
    told(company, "product")
    commands = told(company, "invoice", 2)
    assert asked(commands) == [("PUT", "Customer"), ("PUT", "Item"), ("PUT", "SalesReceipt")]
    receipt = body(commands[2])
    assert receipt["CustomerRef"]["value"] == {"$ref": commands[0].object_key}
    sold = [line for line in receipt["Line"] if line["DetailType"] == "SalesItemLineDetail"]
    assert [line["Amount"] for line in sold] == [Decimal("125.88"), Decimal("-20.59")]
    order = company.only("order")
    assert (order["status"], order["grand_total"], order["hold"]) == ("WON", Decimal("107.8"), False)
    assert body(commands[0])["DisplayName"] == "Ada Abel"
    assert told(company, "invoice", 2) == told(company, "invoice", 3) == []


def test_the_customer_s_own_record_joins_the_invoice_s_buyer(company: Company) -> None:
    """Whichever comes first, they are one party, and the record knows better than the invoice."""
    connected(company)
    told(company, "invoice")
    told(company, "customer", 2, name="Ada Abel-Brandt", email="ada@brandt.example", phone=None)
    assert company.only("party")["name"] == "Ada Abel-Brandt"
    told(company, "invoice", 3, description="again")
    assert company.only("party")["name"] == "Ada Abel-Brandt"
    assert company.only("order")["customer_id"] == company.only("party")["id"]


def test_an_invoice_that_is_paid_later_gets_a_payment(company: Company) -> None:
    """Finalised it is an invoice, due as Stripe says; paid, that stays and a payment follows; a repeat adds none."""
    connected(company)
    due = {"due_date": 1775044800}
    commands = told(company, "invoice", 1, **UNPAID | due)
    assert asked(commands)[-1] == ("PUT", "Invoice")
    assert body(commands[-1])["DueDate"] == "2026-04-01"
    commands = told(company, "invoice", 2, **due)
    assert asked(commands) == [("PUT", "Payment")]
    assert body(commands[0])["TotalAmt"] == Decimal("107.8")
    assert asked(told(company, "invoice", 3, **due)) == []


def test_payments_outside_of_stripe_count_too(company: Company) -> None:
    """Stripe lists none of them; the amount that it calls paid is one."""
    connected(company)
    told(company, "invoice", 1, **UNPAID)
    commands = told(company, "invoice", 2, **UNPAID | {"status": "paid", "amount_paid": 10780})
    assert asked(commands) == [("PUT", "Payment")]


def test_the_rest_may_be_paid_outside_of_stripe(company: Company) -> None:
    """A part came through Stripe and is listed; what is called paid beyond it is a payment of its own."""
    connected(company)
    told(company, "invoice", 1, **UNPAID)
    payments = sample("invoice")["payments"]
    part = {**payments, "data": [{**payments["data"][0], "amount_paid": 5000}]}
    commands = told(company, "invoice", 2, **UNPAID | {"amount_paid": 5000, "payments": part})
    commands += told(company, "invoice", 3, payments=part)
    assert [body(c)["TotalAmt"] for c in commands] == [50, Decimal("57.8")]
    assert told(company, "invoice", 4, payments=part) == []


@pytest.mark.parametrize("status", ["void", "uncollectible"])
def test_what_is_given_up_is_void(company: Company, status: str) -> None:
    """Void or uncollectible, the invoice is voided; what never was an invoice is not."""
    connected(company)
    assert asked(told(company, "invoice", 1, **UNPAID | {"status": "draft"})) == []
    told(company, "invoice", 2, **UNPAID)
    assert asked(told(company, "invoice", 3, **UNPAID | {"status": status})) == [("VOID", "Invoice")]
    assert company.only("order")["status"] == "CANCELLED"


def test_an_invoice_over_nothing_is_not_booked(company: Company) -> None:
    """A trial begins with one."""
    connected(company)
    nothing: dict[str, Any] = {"total": 0, "amount_paid": 0, "payments": {"data": []}, "lines": {"data": []}}
    nothing |= {"total_taxes": [], "total_discount_amounts": []}
    assert asked(told(company, "invoice", 1, **nothing)) == []
    assert company.only("order")["status"] == "OPEN"


@pytest.mark.parametrize(
    ("currency", "minor", "amount"),
    [("jpy", 1500, "1500"), ("kwd", 12345, "12.345"), ("isk", 150000, "1500"), ("usd", 1999, "19.99")],
)
def test_minor_units_are_those_of_the_currency(company: Company, currency: str, minor: int, amount: str) -> None:
    """Currencies without digits, with three, and those that Stripe counts otherwise than ISO 4217."""
    connected(company, currency.upper())
    line = {**sample("invoice")["lines"]["data"][0], "amount": minor, "quantity": 1, "taxes": [], "currency": currency}
    plain = {"lines": {"data": [line]}, "total_taxes": [], "total_discount_amounts": [], "currency": currency}
    commands = told(company, "invoice", 1, **UNPAID | plain | {"total": minor})
    order = company.only("order")
    assert (order["grand_total"], order["total"], order["hold"]) == (Decimal(amount), Decimal(amount), False)
    assert [line["Amount"] for line in body(commands[-1])["Line"]] == [Decimal(amount)]


@pytest.mark.parametrize(
    ("more", "said"),
    [({"total": 10781}, "a difference of 0.01"), ({"total": -500}, "no document below zero")],
)
def test_totals_that_do_not_agree_wait_for_a_person(company: Company, more: dict[str, Any], said: str) -> None:
    """A cent is enough; nothing is booked meanwhile."""
    connected(company)
    assert asked(told(company, "invoice", 1, **UNPAID | more)) == []
    (item,) = [emit.value for emit in company.emits if emit.topic is REVIEW]
    assert said in getattr(item, "reason", "")


def test_a_customer_has_one_currency_in_the_accounts(company: Company) -> None:
    """That of its first order; an order in another waits for a person."""
    connected(company, "USD")
    commands = told(company, "invoice", 1, **UNPAID)
    assert body(commands[0])["CurrencyRef"]["value"] == body(commands[-1])["CurrencyRef"]["value"] == "EUR"
    other = {"id": "in_other", "currency": "usd"}
    assert asked(told(company, "invoice", 2, **UNPAID | other)) == []
    (item,) = [emit.value for emit in company.emits if emit.topic is REVIEW]
    assert "keep this customer in EUR and take no document in USD" in getattr(item, "reason", "")


def test_refunds_and_credit_notes_become_receipts_and_memos_once(company: Company) -> None:
    """Money that went back is a refund receipt, credit is a credit memo; a credit note's own refund counts once."""
    connected(company)
    told(company, "invoice")
    assert asked(told(company, "refund", 2)) == [("PUT", "RefundReceipt")]
    assert asked(told(company, "credit_note", 3)) == [("PUT", "CreditMemo")]
    assert [refund["amount"] for refund in company.only("order")["refunds"]] == [8, 12]
    assert asked(told(company, "refund", 4) + told(company, "credit_note", 4) + told(company, "invoice", 5)) == []
    assert asked(told(company, "refund", 6, status="failed")) == [("VOID", "RefundReceipt")]
    assert [refund["amount"] for refund in company.only("order")["refunds"]] == [8]


def test_a_credit_note_on_an_open_invoice_goes_with_it(company: Company) -> None:
    """Credited before any money came it is a credit memo; when the invoice is void, so is that."""
    connected(company)
    told(company, "invoice", 1, **UNPAID)
    assert asked(told(company, "credit_note", 2, refunds=[])) == [("PUT", "CreditMemo")]
    void = told(company, "invoice", 3, **UNPAID | {"status": "void"})
    assert asked(void) == [("VOID", "Invoice"), ("VOID", "CreditMemo")]


ARRIVALS: Sequence[tuple[str, int, dict[str, Any]]] = [
    ("invoice", 1, UNPAID),
    ("invoice", 4, {}),
    ("refund", 5, {}),
    ("credit_note", 6, {}),
    ("customer", 2, {}),
    ("product", 2, {}),
    ("subscription", 3, {"status": "trialing"}),
    ("subscription", 6, {}),
]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_of_arrival_books_the_same(templates: Templates, data: st.DataObject) -> None:
    """One customer, one document, each refund once, and one subscription in the figures, whatever came first."""
    order = data.draw(st.permutations(range(len(ARRIVALS))))
    repeated = data.draw(st.lists(st.sampled_from(range(len(ARRIVALS))), max_size=4))
    company = connected(Company(Pipeline(Codec(LocalIds()), templates)))
    keys: set[str] = set()
    for index in (*order, *repeated):
        kind, second, more = ARRIVALS[index]
        keys |= {c.object_key.partition("/")[0] for c in told(company, kind, second, **more) if c.operation == "PUT"}
    sold, party = company.only("order"), company.only("party")
    assert (sold["payment_status"], [refund["amount"] for refund in sold["refunds"]]) == ("PAID", [8, 12])
    assert sold["customer_id"] == party["id"]
    assert {"party", "order", "refund"} <= keys
    finance = party["finance"]
    assert (finance["subscription_status"], finance["monthly_recurring"]) == ("ACTIVE", 147)
    assert (finance["order_count"], finance["subscription_plan"]) == (1, "Team")


@pytest.mark.parametrize(
    ("interval", "count", "monthly"),
    [("month", 1, "147"), ("month", 3, "49"), ("year", 1, "12.25"), ("week", 2, "318.5"), ("day", 30, "149.04")],
)
def test_monthly_recurring_revenue(company: Company, interval: str, count: int, monthly: str) -> None:
    """Every length of a period comes to an amount a month, rounded once."""
    connected(company)
    told(company, "customer")
    item = sample("subscription")["items"]["data"][0]
    item["price"]["recurring"] |= {"interval": interval, "interval_count": count}
    told(company, "subscription", 2, items={"data": [item]})
    assert company.only("party")["finance"]["monthly_recurring"] == Decimal(monthly)


@pytest.mark.parametrize(
    ("status", "shown", "recurring"),
    [("trialing", "TRIALING", 0), ("past_due", "PAST_DUE", 147), ("canceled", "CANCELLED", 0), ("paused", "PAUSED", 0)],
)
def test_the_state_of_a_subscription_is_a_figure(company: Company, status: str, shown: str, recurring: int) -> None:
    """Only what is to be paid recurs; a second, better subscription decides what is shown."""
    connected(company)
    told(company, "customer")
    told(company, "subscription", 2, status=status)
    finance = company.only("party")["finance"]
    assert (finance["subscription_status"], finance["monthly_recurring"]) == (shown, recurring)
    told(company, "subscription", 3, id="sub_other")
    finance = company.only("party")["finance"]
    assert (finance["subscription_status"], finance["monthly_recurring"]) == ("ACTIVE", recurring + 147)


def test_the_plan_is_told_in_the_field_that_the_connection_names(company: Company) -> None:
    """The account at Salesforce that the subscriber is gets plan and state as soon as they are known."""
    vendors = dict.fromkeys(("stripe", "salesforce", "quickbooks"), "1")
    fields = {"subscription_plan": "Subscription_Plan__c", "subscription_status": "Subscription_Status__c"}
    company.take(ConnectionChanged(TENANT, 1, vendors, "UTC", "EUR", figures={"salesforce": fields}))
    company.record("salesforce", "Account", ACCOUNT, at(0))
    told(company, "product")
    told(company, "customer", 1, business_name="Acme, Inc.")
    (account,) = (c for c in told(company, "subscription", 2) if c.vendor == "salesforce")
    assert (account.object, account.remote_id) == ("Account", ACCOUNT["Id"])
    assert (body(account)["Subscription_Plan__c"], body(account)["Subscription_Status__c"]) == ("Team", "ACTIVE")


def test_a_contact_s_own_subscription_is_told_to_its_prospect_once(company: Company) -> None:
    """The prospect shows the contact's company and, as long as that has no figures, the contact's own."""
    vendors = dict.fromkeys(("stripe", "salesforce", "pardot"), "1")
    fields = {"pardot": {"subscription_plan": "Plan__c"}}
    company.take(ConnectionChanged(TENANT, 1, vendors, "UTC", "EUR", figures=fields))
    company.record("salesforce", "Account", ACCOUNT, at(0))
    company.record("salesforce", "Contact", CONTACT, at(0))
    told(company, "product")
    told(company, "customer", 1, name="Ann Lee", email="ann@acme.example", phone=None, address=None)
    (prospect,) = (c for c in told(company, "subscription", 2) if c.vendor == "pardot")
    assert (body(prospect)["Plan__c"], body(prospect)["company"]) == ("Team", "Acme, Inc.")
    assert told(company, "subscription", 3, description="no news") == []


def test_another_currency_recurs_in_none(company: Company) -> None:
    """There is no rate for what was not booked."""
    connected(company, "USD")
    told(company, "customer")
    told(company, "subscription", 2)
    assert company.only("party")["finance"]["monthly_recurring"] == 0


def test_a_failed_payment_is_void_before_its_successor_is_booked(company: Company) -> None:
    """A debit that bounces leaves the list of the paid ones; both at once would be more than the invoice takes."""
    connected(company)
    told(company, "invoice", 1, **UNPAID)
    told(company, "invoice", 2)
    first = sample("invoice")["payments"]["data"][0]
    second = {**first, "id": "inpay_2", "payment": {"type": "payment_intent", "payment_intent": "pi_2"}}
    both = {"object": "list", "data": [{**first, "status": "canceled"}, second]}
    commands = told(company, "invoice", 3, payments=both)
    assert asked(commands) == [("VOID", "Payment"), ("PUT", "Payment")]
    assert [c.object_key.rpartition("/")[2] for c in commands] == [first["id"], "inpay_2"]


def test_what_was_paid_before_an_invoice_was_given_up_stays(company: Company) -> None:
    """The money came: invoice and payment stand, the rest of it stays open for the accountant, who may write it off."""
    connected(company)
    payments = sample("invoice")["payments"]
    part = {"amount_paid": 5000, "payments": {**payments, "data": [{**payments["data"][0], "amount_paid": 5000}]}}
    told(company, "invoice", 1, **UNPAID | part)
    assert asked(told(company, "invoice", 2, **UNPAID | part | {"status": "uncollectible"})) == []
    order = company.only("order")
    assert (order["status"], order["payment_status"]) == ("WON", "PARTLY_PAID")
    assert [body(c)["TotalAmt"] for c in told(company, "invoice", 3)] == [Decimal("107.8")]


@pytest.mark.parametrize("arrival", list(itertools.permutations(("in_1", "in_2", "refund"))))
def test_a_payment_of_two_invoices_is_given_back_once(company: Company, arrival: Sequence[str]) -> None:
    """Whichever comes first, the refund is that of one of them, always the same."""
    connected(company)
    asked_for: dict[str, str] = {}
    for kind in arrival:
        commands = told(company, "refund") if kind == "refund" else told(company, "invoice", 1, id=kind)
        asked_for |= {c.object_key: c.operation for c in commands if c.object == "RefundReceipt"}
    given = {order["refs"][0]["id"]: len(order["refunds"]) for order in company.latest("order").values()}
    assert given == {"in_1": 0, "in_2": 1}
    assert list(asked_for.values()).count("PUT") == 1


@pytest.mark.parametrize("first", ["in_1", "in_2"])
@pytest.mark.parametrize("arrival", list(itertools.permutations(("in_1", "in_2", "void", "refund"))))
def test_the_refund_of_a_payment_of_two_invoices_is_booked_on_the_one_that_stands(
    company: Company, first: str, arrival: Sequence[str]
) -> None:
    """Whichever comes first, and whichever of the two is void: once, on the other."""
    connected(company)
    asked_for: list[str] = []
    for step in arrival:
        if step == "refund":
            commands = told(company, "refund")
        elif step == "void":
            commands = told(company, "invoice", 2, id=first, status="void")
        else:
            commands = told(company, "invoice", 1, id=step)
        asked_for += [c.operation for c in commands if c.object == "RefundReceipt"]
    given = {order["refs"][0]["id"]: len(order["refunds"]) for order in company.latest("order").values()}
    assert given == {"in_1": int(first == "in_2"), "in_2": int(first == "in_1")}
    assert asked_for.count("PUT") - asked_for.count("VOID") == 1


def test_the_refund_goes_to_the_other_invoice_if_a_person_voided_the_document_of_the_first(company: Company) -> None:
    """The sale is out of the books already; the payment was for two."""
    connected(company)
    receipts = {id_: told(company, "invoice", 1, id=id_)[-1] for id_ in ("in_1", "in_2")}
    about = {"TotalAmt": 0, "TxnDate": "2026-02-28", "Balance": 0, "CurrencyRef": {"value": "EUR"}}
    for place, command in enumerate(receipts.values()):
        company.result(command, str(place), {**envelope(str(place), 0), **about, "TotalAmt": 107.8})
    company.record("quickbooks", "SalesReceipt", {**envelope("1", 3), **about, "PrivateNote": "Voided"}, version(3))
    [given] = [c for c in told(company, "refund", 2) if c.vendor == "quickbooks"]
    assert given.object_key.split("/")[1] == receipts["in_1"].object_key.split("/")[1]


@pytest.mark.parametrize("subtotal", [1200, 1000])
def test_shipping_whose_price_includes_tax_is_without_it(company: Company, subtotal: int) -> None:
    """Whatever Stripe calls the subtotal, the total less the tax is what is shipped for."""
    connected(company)
    shipping = {"amount_subtotal": subtotal, "amount_tax": 200, "amount_total": 1200}
    taxes = [*sample("invoice")["total_taxes"], {"amount": 200, "tax_behavior": "inclusive"}]
    told(company, "invoice", 1, **UNPAID | {"shipping_cost": shipping, "total_taxes": taxes, "total": 11980})
    order = company.only("order")
    assert (order["shipping_amount"], order["hold"]) == (10, False)
