from collections.abc import Callable
from typing import Any

import httpx
import pytest
from quickbooks import QuickBooks
from quickbooks.batch import batch_create, batch_delete, batch_update
from quickbooks.cdc import change_data_capture
from quickbooks.exceptions import (
    ObjectNotFoundException,
    QuickbooksException,
    ValidationException,
)
from quickbooks.objects import (
    Account,
    Address,
    Class,
    CompanyInfo,
    CreditMemo,
    Customer,
    Department,
    EmailAddress,
    Employee,
    Estimate,
    Invoice,
    Item,
    Payment,
    PaymentLine,
    PaymentMethod,
    Preferences,
    Ref,
    RefundReceipt,
    SalesItemLine,
    SalesItemLineDetail,
    SalesReceipt,
    TaxCode,
    TaxRate,
    Term,
    Vendor,
)


def line(item: Item, quantity: int, price: float) -> SalesItemLine:
    """A priced line."""
    made = SalesItemLine()
    made.Amount = quantity * price
    made.SalesItemLineDetail = SalesItemLineDetail()
    made.SalesItemLineDetail.Qty = quantity
    made.SalesItemLineDetail.UnitPrice = price
    made.SalesItemLineDetail.ItemRef = item.to_ref()
    return made


def customer(qb: QuickBooks, name: str, request_id: str | None = None) -> Customer:
    """A saved customer."""
    made = Customer()
    made.DisplayName = name
    made.CompanyName = name
    made.PrimaryEmailAddr = EmailAddress()
    made.PrimaryEmailAddr.Address = "books@acme.example"
    made.BillAddr = Address()
    made.BillAddr.Line1 = "1 Main St"
    made.BillAddr.City = "Reno"
    return made.save(qb=qb, request_id=request_id)


def item(qb: QuickBooks, name: str) -> Item:
    """A saved service item."""
    made = Item()
    made.Name = name
    made.Type = "Service"
    made.Sku = f"sku-{name}"
    made.UnitPrice = 25
    made.IncomeAccountRef = Account.filter(AccountSubType="ServiceFeeIncome", qb=qb)[0].to_ref()
    return made.save(qb=qb)


def invoice(qb: QuickBooks, buyer: Customer, *lines: SalesItemLine) -> Invoice:
    """A saved invoice."""
    made = Invoice()
    made.CustomerRef = buyer.to_ref()
    made.Line = list(lines)
    return made.save(qb=qb)


def payment(qb: QuickBooks, of: Invoice, amount: float) -> Payment:
    """A saved payment of an invoice."""
    made = Payment()
    made.CustomerRef = of.CustomerRef
    made.TotalAmt = amount
    paid = PaymentLine()
    paid.Amount = amount
    paid.LinkedTxn.append(of.to_linked_txn())
    made.Line.append(paid)
    return made.save(qb=qb)


async def test_customer_to_paid_invoice(session: Callable[..., Any]) -> None:
    """Customer, item, invoice of two lines, part and full payment: totals, balance, links and due date are right."""

    def work(qb: QuickBooks) -> None:
        acme, thing = customer(qb, "Acme"), item(qb, "Thing")
        bill = invoice(qb, acme, line(thing, 2, 10.5), line(thing, 1, 79.0))
        assert (bill.TotalAmt, bill.Balance, bill.DocNumber, bill.SyncToken) == (100, 100, "1001", "0")
        assert [each.DetailType for each in bill.Line] == ["SalesItemLineDetail"] * 2 + ["SubTotalLineDetail"]
        assert bill.BillAddr.Line1 == "1 Main St"
        payment(qb, bill, 40)
        assert Invoice.get(bill.Id, qb=qb).Balance == 60
        rest = payment(qb, bill, 60)
        read = Invoice.get(bill.Id, qb=qb)
        assert (read.Balance, len(read.LinkedTxn), read.SyncToken) == (0, 2, "2")
        assert Customer.get(acme.Id, qb=qb).Balance == 0
        assert rest.UnappliedAmt == 0
        rest.void(qb=qb)
        assert Invoice.get(bill.Id, qb=qb).Balance == 60
        assert Customer.get(acme.Id, qb=qb).Balance == 60

    await session(work)


async def test_request_id_is_answered_with_the_first_answer(session: Callable[..., Any]) -> None:
    """The same request id makes one customer, whatever the second attempt says."""

    def work(qb: QuickBooks) -> None:
        first = customer(qb, "Once", request_id="r-1")
        again = customer(qb, "Once", request_id="r-1")
        assert (again.Id, again.SyncToken) == (first.Id, "0")
        assert Customer.count(qb=qb) == 1

    await session(work)


async def test_void_and_delete(session: Callable[..., Any]) -> None:
    """A voided invoice keeps its number at zero; a deleted receipt is not found any more."""

    def work(qb: QuickBooks) -> None:
        acme, thing = customer(qb, "Acme"), item(qb, "Thing")
        bill = invoice(qb, acme, line(thing, 1, 30))
        bill.void(qb=qb)
        read = Invoice.get(bill.Id, qb=qb)
        assert (read.TotalAmt, read.Balance, read.PrivateNote, read.DocNumber) == (0, 0, "Voided", bill.DocNumber)
        receipt = SalesReceipt()
        receipt.CustomerRef = acme.to_ref()
        receipt.Line = [line(thing, 3, 5)]
        receipt = receipt.save(qb=qb)
        assert (receipt.TotalAmt, receipt.Balance) == (15, 0)
        receipt.delete(qb=qb)
        with pytest.raises(ObjectNotFoundException):
            SalesReceipt.get(receipt.Id, qb=qb)

    await session(work)


async def test_refusals_have_intuits_codes(session: Callable[..., Any]) -> None:
    """Stale token, taken name, wrong product, no line, unknown reference, bad query: each has its code."""

    def work(qb: QuickBooks) -> None:
        acme, thing = customer(qb, "Acme"), item(qb, "Thing")
        acme.Notes = "new"
        acme.save(qb=qb)
        assert code(lambda: acme.save(qb=qb)) == 5010
        assert code(lambda: customer(qb, "ACME")) == 6240
        wrong = line(thing, 2, 10)
        wrong.Amount = 19
        assert code(lambda: invoice(qb, acme, wrong)) == 6070
        with pytest.raises(ValidationException) as missing:
            invoice(qb, acme)
        assert missing.value.error_code == 2020
        stranger = Customer()
        stranger.Id = "999"
        assert code(lambda: invoice(qb, stranger, line(thing, 1, 1))) == 2500
        assert code(lambda: Customer.query("select * from Customer where", qb=qb)) == 4000
        assert code(lambda: Customer.where("Notes = 'x'", qb=qb)) == 4001

    await session(work)


async def test_queries_page_filter_and_hide_inactive(session: Callable[..., Any]) -> None:
    """Filter, LIKE, IN, count, paging and the default filter on active objects."""

    def work(qb: QuickBooks) -> None:
        made = [customer(qb, f"O'Neil {number}") for number in range(5)]
        made[0].Active = False
        made[0].save(qb=qb)
        assert [each.Id for each in Customer.all(qb=qb)] == [each.Id for each in made[1:]]
        assert Customer.filter(DisplayName="O'Neil 3", qb=qb)[0].Id == made[3].Id
        assert Customer.count("DisplayName LIKE 'o\\'neil%' AND Active IN (true, false)", qb=qb) == 5
        chosen = Customer.choose([made[1].Id, made[4].Id], qb=qb)
        assert [each.Id for each in chosen] == [made[1].Id, made[4].Id]
        page = Customer.filter(order_by="DisplayName DESC", start_position=2, max_results=2, qb=qb)
        assert [each.DisplayName for each in page] == ["O'Neil 3", "O'Neil 2"]
        gone = Customer.where("Active = false", qb=qb)
        assert gone[0].DisplayName == "O'Neil 0 (deleted)"
        customer(qb, "O'Neil 0")

    await session(work)


async def test_company_data_lists_and_memo(session: Callable[..., Any], credentials: dict[str, Any]) -> None:
    """A new company has preferences, terms, classes, accounts and an item; a credit memo lowers the customer's debt."""

    def work(qb: QuickBooks) -> None:
        assert CompanyInfo.get(credentials["realm"], qb=qb).CompanyName == "Sandbox Company default"
        assert Preferences.get(qb=qb).CurrencyPrefs.HomeCurrency.value == "USD"
        assert [term.Name for term in Term.all(qb=qb)] == ["Due on receipt", "Net 15", "Net 30"]
        assert {each.Name for each in Class.all(qb=qb)} == {"Web", "Partner"}
        assert Item.all(qb=qb)[0].Name == "Services"
        acme = customer(qb, "Acme")
        memo = CreditMemo()
        memo.CustomerRef = acme.to_ref()
        memo.Line = [line(Item.all(qb=qb)[0], 1, 12.5)]
        assert memo.save(qb=qb).RemainingCredit == 12.5
        assert Customer.get(acme.Id, qb=qb).Balance == -12.5

    await session(work)


async def test_batch_and_change_data_capture(session: Callable[..., Any]) -> None:
    """A batch reports each item's own outcome; capture shows what changed and what was deleted."""

    def work(qb: QuickBooks) -> None:
        acme, thing = customer(qb, "Acme"), item(qb, "Thing")
        invoice(qb, acme, line(thing, 1, 10))
        invoice(qb, acme, line(thing, 1, 11)).delete(qb=qb)
        names = ["Bolt", "Acme", "Cogs"]
        drafts = []
        for name in names:
            draft = Customer()
            draft.DisplayName = name
            drafts.append(draft)
        done = batch_create(drafts, qb=qb)
        assert [each.DisplayName for each in done.successes] == ["Bolt", "Cogs"]
        assert [fault.Error[0].code for fault in done.faults] == ["6240"]
        since = acme.MetaData["CreateTime"] if isinstance(acme.MetaData, dict) else acme.MetaData.CreateTime
        seen = change_data_capture([Invoice, Customer], since, qb=qb)
        assert [getattr(each, "status", "live") for each in seen.Invoice] == ["live", "Deleted"]
        assert [each.DisplayName for each in seen.Customer] == ["Acme", "Bolt", "Cogs"]

    await session(work)


def code(work: Callable[[], Any]) -> int:
    """The error code a call of the client fails with."""
    with pytest.raises(QuickbooksException) as failed:
        work()
    return int(failed.value.error_code)


async def test_from_estimate_to_refund(session: Callable[..., Any]) -> None:
    """An estimate, the invoice made of it, its PDF and mail, the refund in the end."""

    def work(qb: QuickBooks) -> None:
        acme, thing = customer(qb, "Acme"), item(qb, "Thing")
        estimate = Estimate()
        estimate.CustomerRef = acme.to_ref()
        estimate.Line = [line(thing, 4, 25)]
        estimate = estimate.save(qb=qb)
        assert (estimate.TxnStatus, estimate.TotalAmt, Customer.get(acme.Id, qb=qb).Balance) == ("Pending", 100, 0)
        bill = Invoice()
        bill.CustomerRef = acme.to_ref()
        bill.Line = [line(thing, 4, 25)]
        bill.LinkedTxn = [estimate.to_linked_txn()]
        bill = bill.save(qb=qb)
        assert Estimate.get(estimate.Id, qb=qb).TxnStatus == "Closed"
        assert bill.download_pdf(qb=qb)[:5] == b"%PDF-"
        bill.send(qb=qb, send_to="books@acme.example")
        assert Invoice.get(bill.Id, qb=qb).EmailStatus == "EmailSent"
        refund = RefundReceipt()
        refund.CustomerRef = acme.to_ref()
        refund.Line = [line(thing, 1, 25)]
        refund.DepositToAccountRef = Account.filter(AccountType="Bank", qb=qb)[0].to_ref()
        refund = refund.save(qb=qb)
        assert (refund.TotalAmt, refund.Balance) == (25, 0)
        refund.delete(qb=qb)
        assert RefundReceipt.count(qb=qb) == 0

    await session(work)


async def test_every_list_is_kept(session: Callable[..., Any]) -> None:
    """Vendors, employees, departments, methods, classes and terms are made, found and put away; taxes are read."""

    def work(qb: QuickBooks) -> None:
        made = []
        for kind, name in ((Vendor, "DisplayName"), (Employee, "GivenName"), (Department, "Name"), (Class, "Name")):
            new = kind()
            setattr(new, name, f"New {kind.__name__}")
            made.append(new.save(qb=qb))
        method, term = PaymentMethod(), Term()
        method.Name, method.Type = "Wire", "NON_CREDIT_CARD"
        term.Name, term.DueDays = "Net 60", 60
        made += [method.save(qb=qb), term.save(qb=qb)]
        for each in made:
            assert type(each).get(each.Id, qb=qb).SyncToken == "0"
            each.Active = False
            each.save(qb=qb)
            assert each.Id not in [other.Id for other in type(each).all(qb=qb)]
        assert {code.Id for code in TaxCode.all(qb=qb)} == {"TAX", "NON", "2", "3"}
        assert [rate.RateValue for rate in TaxRate.all(qb=qb)] == [8, 5.6]

    await session(work)


async def test_pages_and_batches_of_many(session: Callable[..., Any]) -> None:
    """Two batches make thirty-five customers; pages of ten bring each once; a batch changes and deletes."""

    def work(qb: QuickBooks) -> None:
        drafts = []
        for number in range(35):
            draft = Customer()
            draft.DisplayName = f"C{number:02}"
            drafts.append(draft)
        assert len(batch_create(drafts, qb=qb).successes) == 35
        assert Customer.count(qb=qb) == 35
        names = [
            each.DisplayName
            for start in (1, 11, 21, 31)
            for each in Customer.all(start_position=start, max_results=10, qb=qb)
        ]
        assert names == [f"C{number:02}" for number in range(35)]
        found = Customer.all(max_results=2, qb=qb)
        for each in found:
            each.Notes = "changed"
        assert len(batch_update(found, qb=qb).successes) == 2
        thing = item(qb, "Thing")
        bills = [invoice(qb, found[0], line(thing, 1, 5)) for _ in range(2)]
        assert len(batch_delete(bills, qb=qb).successes) == 2
        assert Invoice.count(qb=qb) == 0

    await session(work)


async def test_money_of_two_countries(session: Callable[..., Any], credentials: dict[str, Any]) -> None:
    """With several currencies on, a euro customer is billed in euros at the day's rate."""
    async with httpx.AsyncClient(base_url=credentials["base_url"], trust_env=False) as admin:
        await admin.post("/__sandbox/settings", json={"settings": {"multi_currency": True}})

    def work(qb: QuickBooks) -> None:
        euro = Ref()
        euro.value = "EUR"
        acme = Customer()
        acme.DisplayName, acme.CurrencyRef = "Acme", euro
        acme = acme.save(qb=qb)
        bill = Invoice()
        bill.CustomerRef, bill.CurrencyRef, bill.ExchangeRate = acme.to_ref(), euro, 1.25
        bill.Line = [line(Item.all(qb=qb)[0], 2, 50)]
        bill = bill.save(qb=qb)
        assert (bill.CurrencyRef.name, bill.TotalAmt, bill.HomeTotalAmt) == ("Euro", 100, 125)
        assert Preferences.get(qb=qb).CurrencyPrefs.MultiCurrencyEnabled

    await session(work)
