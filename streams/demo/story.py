"""The story the demo tells and checks: prospect, deal, customer, invoice, payment, customer 360."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from streams.demo.company import Company
from streams.demo.people import Bookkeeper, Marketer, Salesperson, money

LOOK_SECONDS = 0.5
"""People share the vendors' rate limits with Sluiceway."""
LINES = {"EDGE-GW": 2, "SVC-ONB": 1}
PRICES = {"EDGE-GW": Decimal("1200.00"), "SVC-ONB": Decimal("1500.00")}
GROSS = sum((PRICES[code] * quantity for code, quantity in LINES.items()), Decimal(0))
DISCOUNT = (GROSS * Decimal("0.10")).quantize(Decimal("0.01"))
TOTAL = GROSS - DISCOUNT

T = TypeVar("T")


class DemoError(Exception):
    """Something did not come, or is not as it must be."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who buys."""

    first: str
    last: str
    email: str
    company: str


@dataclass(slots=True)
class Story:
    """One company's run through the whole path.

    Attributes:
        company: whose.
        buyer: who buys.
        say: told each step with its latency.
        patience: seconds to wait for each thing.
        differences: what was not as expected, in sentences.
    """

    company: Company
    buyer: Person
    say: Callable[[str], None]
    patience: float = 60.0
    differences: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Tell the story.

        Raises:
            DemoError: something did not come in time.
        """
        with ExitStack() as done:
            people = Marketer(self.company), Salesperson(self.company), Bookkeeper(self.company)
            for person in people:
                done.callback(person.close)
            self._tell(*people)

    def _tell(self, marketer: Marketer, salesperson: Salesperson, bookkeeper: Bookkeeper) -> None:
        buyer = self.buyer
        prospect = marketer.sign_up(buyer.email, buyer.first, buyer.last)
        self.say(f"Pardot       {buyer.email} signs up on a web form: prospect {prospect}")
        deal = salesperson.open_deal(buyer.company, buyer.email, buyer.first, buyer.last, LINES)
        self.say(f"Salesforce   account, contact and opportunity with {len(LINES)} lines, {GROSS} USD")
        salesperson.win(deal)
        self.say("Salesforce   the opportunity closes Won")
        began = time.monotonic()
        invoice = self._invoiced(bookkeeper, began)
        self._written_back(salesperson, deal, invoice, began)
        payment = bookkeeper.take_payment(invoice)
        self.say(f"QuickBooks   payment {payment.Id} over {money(payment.TotalAmt)} USD is taken")
        self._paid(salesperson, marketer, deal, prospect)

    def _invoiced(self, bookkeeper: Bookkeeper, began: float) -> Any:
        name = self.buyer.company
        customers = self._until(lambda: bookkeeper.customers(name), f"the customer {name} in QuickBooks")
        self._check("customers of that name", len(customers), 1)
        self.say(f"QuickBooks   customer {customers[0].Id} {name!r}                      {_since(began)}")
        invoices = self._until(lambda: bookkeeper.invoices(customers[0]), "the invoice in QuickBooks")
        self._check("invoices of the customer", len(invoices), 1)
        invoice = bookkeeper.invoice(invoices[0].Id)
        self.say(
            f"QuickBooks   invoice {invoice.DocNumber} over {money(invoice.TotalAmt)} USD          {_since(began)}"
        )
        self._check("invoice total", money(invoice.TotalAmt), TOTAL)
        self._check("invoice balance", money(invoice.Balance), TOTAL)
        sold = [line for line in invoice.Line if line.DetailType == "SalesItemLineDetail"]
        self._check(
            "invoice line amounts",
            sorted(money(line.Amount) for line in sold),
            sorted(PRICES[code] * quantity for code, quantity in LINES.items()),
        )
        off = [money(line.Amount) for line in invoice.Line if line.DetailType == "DiscountLineDetail"]
        self._check("discount by the rule on amounts", off, [DISCOUNT])
        classes = {
            getattr(
                line.SalesItemLineDetail["ClassRef"]
                if isinstance(line.SalesItemLineDetail, dict)
                else line.SalesItemLineDetail.ClassRef,
                "name",
                None,
            )
            for line in sold
        }
        self._check("class by the rule on the lead source", classes, {"Web"})
        return invoice

    def _written_back(self, salesperson: Salesperson, deal: Any, invoice: Any, began: float) -> None:
        seen = self._until(
            lambda: _having(salesperson.opportunity(deal), "Sluiceway_Invoice_Number__c"),
            "the invoice number on the opportunity",
        )
        self.say(
            f"Salesforce   the opportunity shows invoice {seen['Sluiceway_Invoice_Number__c']}          {_since(began)}"
        )
        self._check("invoice number in Salesforce", seen["Sluiceway_Invoice_Number__c"], invoice.DocNumber)
        self._check("invoice id in Salesforce", seen["Sluiceway_Invoice_Id__c"], invoice.Id)
        self._check("invoice total in Salesforce", money(seen["Sluiceway_Invoice_Total__c"]), TOTAL)

    def _paid(self, salesperson: Salesperson, marketer: Marketer, deal: Any, prospect: int) -> None:
        began = time.monotonic()
        seen = self._until(
            lambda: _where(salesperson.opportunity(deal), Sluiceway_Invoice_Status__c="Paid"),
            "the status Paid on the opportunity",
        )
        self.say(f"Salesforce   the opportunity is Paid                          {_since(began)}")
        self._check("open balance on the opportunity", money(seen["Sluiceway_Invoice_Balance__c"]), Decimal("0.00"))
        account = self._until(
            lambda: _having(salesperson.account(deal), "Sluiceway_Lifetime_Value__c"), "the account's lifetime value"
        )
        self._check("lifetime value of the account", money(account["Sluiceway_Lifetime_Value__c"]), TOTAL)
        found = self._until(
            lambda: [p for p in marketer.look_up(self.buyer.email) if money(p["Lifetime_Value__c"] or 0) == TOTAL],
            "the prospect's lifetime value",
        )
        self.say(
            f"Pardot       the prospect is worth {money(found[0]['Lifetime_Value__c'])} USD, "
            f"last payment {money(found[0]['Last_Payment_Amount__c'])}   {_since(began)}"
        )
        self._check("prospects with that address", [p["id"] for p in marketer.look_up(self.buyer.email)], [prospect])
        self._check("last payment of the prospect", money(found[0]["Last_Payment_Amount__c"]), TOTAL)
        self._check("a date of the last payment", bool(found[0]["Last_Payment_On__c"]), True)

    def _check(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            self.differences.append(f"{what}: expected {expected}, found {found}")

    def _until(self, look: Callable[[], T | None], what: str) -> T:
        deadline = time.monotonic() + self.patience
        while not (found := look()):
            if time.monotonic() > deadline:
                raise DemoError(f"{what} did not come within {self.patience:.0f} s")
            time.sleep(LOOK_SECONDS)
        return found


def _having(record: dict[str, Any], name: str) -> dict[str, Any] | None:
    return record if record.get(name) else None


def _where(record: dict[str, Any], **wanted: object) -> dict[str, Any] | None:
    return record if all(record.get(name) == value for name, value in wanted.items()) else None


def _since(began: float) -> str:
    return f"+{time.monotonic() - began:.2f} s"
