"""What QuickBooks computes beyond the plain sale: stock, estimates, refunds, deposits, taxes, currencies, merges."""

from decimal import Decimal
from typing import Any

import pytest

Books = Any  # the fixture's class lives in conftest, which tests cannot import
STOCK = {
    "Type": "Inventory",
    "TrackQtyOnHand": True,
    "QtyOnHand": 10,
    "InvStartDate": "2026-01-01",
    "IncomeAccountRef": {"value": "2"},
    "ExpenseAccountRef": {"value": "6"},
    "AssetAccountRef": {"value": "7"},
}


def line(amount: float, **detail: Any) -> dict[str, Any]:
    """A line, of the item every company has unless said otherwise."""
    inner = {"ItemRef": {"value": "1"}, **detail}
    return {"DetailType": "SalesItemLineDetail", "Amount": amount, "SalesItemLineDetail": inner}


def sold(item: dict[str, Any], quantity: int) -> dict[str, Any]:
    """A line of so many."""
    return line(quantity, ItemRef={"value": item["Id"]}, Qty=quantity, UnitPrice=1)


@pytest.mark.parametrize(
    ("kind", "left"), [("Invoice", 6), ("SalesReceipt", 6), ("CreditMemo", 14), ("RefundReceipt", 14), ("Estimate", 10)]
)
async def test_stock_moves_with_each_kind_of_sale(books: Books, kind: str, left: int) -> None:
    """Sales take, refunds and credits give back, estimates do neither; undone, all is as before."""
    item = await books.save("Item", {"Name": "Bolt", **STOCK})
    made = await books.bill(sold(item, 4), kind=kind)
    assert (await books.read(f"item/{item['Id']}"))["QtyOnHand"] == left
    await books.save(kind, {"Id": made["Id"], "SyncToken": "0"}, operation="delete")
    assert (await books.read(f"item/{item['Id']}"))["QtyOnHand"] == 10


async def test_stock_begins_on_a_day(books: Books) -> None:
    """Nothing is sold before it (6270); an adjustment may name another day, the item keeps its own."""
    item = await books.save("Item", {"Name": "Bolt", **STOCK})
    await books.save("Customer", {"DisplayName": "Acme"})
    early = {"CustomerRef": {"value": "1"}, "Line": [sold(item, 1)], "TxnDate": "2025-12-31"}
    assert await books.refused("Invoice", early) == ("6270", "TxnDate")
    more = {"Id": item["Id"], "SyncToken": "0", "sparse": True, "QtyOnHand": 25, "InvStartDate": "2026-02-01"}
    counted = await books.save("Item", more)
    assert (counted["QtyOnHand"], counted["InvStartDate"]) == (25, "2026-01-01")
    off = {"Id": item["Id"], "SyncToken": "1", "sparse": True, "TrackQtyOnHand": False, "Type": "NonInventory"}
    assert (await books.refused("Item", off))[0] == "6000"


async def test_an_estimate_becomes_an_invoice(books: Books) -> None:
    """It owes nothing, has its own numbers, and is closed and linked once invoiced."""
    estimate = await books.bill(kind="Estimate")
    assert (estimate["TxnStatus"], estimate["DocNumber"], "Balance" in estimate) == ("Pending", "1001", False)
    assert (await books.read("customer/1"))["Balance"] == 0
    link = {"TxnId": estimate["Id"], "TxnType": "Estimate"}
    invoice = await books.bill(LinkedTxn=[link])
    assert invoice["LinkedTxn"] == [link]
    closed = await books.read(f"estimate/{estimate['Id']}")
    assert (closed["TxnStatus"], closed["LinkedTxn"]) == ("Closed", [{"TxnId": invoice["Id"], "TxnType": "Invoice"}])
    paid = {"Amount": 100, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
    await books.save("Payment", {"CustomerRef": {"value": "1"}, "TotalAmt": 100, "Line": [paid]})
    assert len((await books.read(f"invoice/{invoice['Id']}"))["LinkedTxn"]) == 2
    wrong = {"CustomerRef": {"value": "1"}, "Line": [line(1)], "TxnStatus": "Dreamt"}
    assert await books.refused("Estimate", wrong) == ("2170", "TxnStatus")


async def test_what_is_deposited_is_frozen(books: Books) -> None:
    """A receipt and a payment in a deposit refuse every change (6540) until the deposit is gone."""
    receipt = await books.bill(kind="SalesReceipt")
    payment = await books.save("Payment", {"CustomerRef": {"value": "1"}, "TotalAmt": 40})
    parts = [("SalesReceipt", receipt["Id"]), ("Payment", payment["Id"])]
    lines = [{"LinkedTxn": [{"TxnId": id_, "TxnType": kind, "TxnLineId": "0"}]} for kind, id_ in parts]
    deposit = await books.save("Deposit", {"DepositToAccountRef": {"value": "8"}, "Line": lines})
    assert deposit["TotalAmt"] == Decimal("140.00")
    for kind, id_ in parts:
        reference = {"Id": id_, "SyncToken": "1"}
        assert (await books.refused(kind, {**reference, "sparse": True, "PrivateNote": "x"}))[0] == "6540"
        assert (await books.refused(kind, reference, operation="delete"))[0] == "6540"
    await books.save("Deposit", {"Id": deposit["Id"], "SyncToken": "0"}, operation="delete")
    for kind, id_ in parts:
        await books.save(kind, {"Id": id_, "SyncToken": "2", "sparse": True, "PrivateNote": "x"})
    assert (await books.refused("Deposit", {"DepositToAccountRef": {"value": "8"}}))[0] == "2020"


@pytest.mark.parametrize(
    ("detail", "extra", "tax"),
    [
        ({"TxnTaxCodeRef": {"value": "2"}}, {}, "8.00"),
        ({"TxnTaxCodeRef": {"value": "2"}, "TotalTax": 0}, {}, "8.00"),
        ({"TxnTaxCodeRef": {"value": "2"}, "TotalTax": 3.21}, {}, "3.21"),
        ({"TotalTax": 7.2}, {}, "7.20"),
        ({"TxnTaxCodeRef": {"value": "2"}}, {"ApplyTaxAfterDiscount": True}, "7.20"),
    ],
)
async def test_sales_tax_is_as_sent_or_as_the_code_says(
    books: Books, detail: dict[str, Any], extra: dict[str, Any], tax: str
) -> None:
    """Only lines marked TAX are taxed; a discount counts before or after."""
    discount = {"DetailType": "DiscountLineDetail", "DiscountLineDetail": {"PercentBased": True, "DiscountPercent": 10}}
    lines = [line(100, TaxCodeRef={"value": "TAX"}), line(50, TaxCodeRef={"value": "NON"}), discount]
    made = await books.bill(*lines, TxnTaxDetail=detail, **extra)
    assert (made["TxnTaxDetail"]["TotalTax"], made["TotalAmt"]) == (Decimal(tax), 135 + Decimal(tax))


async def test_tax_follows_the_lines(books: Books) -> None:
    """A sparse update of the lines alone computes the tax anew; an unknown code is refused."""
    made = await books.bill(line(100, TaxCodeRef={"value": "TAX"}), TxnTaxDetail={"TxnTaxCodeRef": {"value": "2"}})
    body = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Line": [line(50, TaxCodeRef={"value": "TAX"})]}
    assert (await books.save("Invoice", body))["TotalAmt"] == Decimal("54.00")
    assert [code["Id"] for code in (await books.query("select * from TaxCode"))["TaxCode"]] == ["NON", "TAX", "2", "3"]
    assert (await books.query("select * from TaxRate"))["TaxRate"][0]["RateValue"] == 8
    wrong = {"CustomerRef": {"value": "1"}, "Line": [line(1)], "TxnTaxDetail": {"TxnTaxCodeRef": {"value": "99"}}}
    assert await books.refused("Invoice", wrong) == ("2500", "TxnTaxCodeRef")


async def test_one_currency_unless_switched_on(books: Books) -> None:
    """Preferences say so, another currency is 6000, rates are not offered (5030)."""
    assert (await books.read("preferences"))["CurrencyPrefs"]["MultiCurrencyEnabled"] is False
    body = {"DisplayName": "A", "CurrencyRef": {"value": "EUR"}}
    assert await books.refused("Customer", body) == ("6000", "CurrencyRef")
    rate = await books.call("GET", "exchangerate", params={"sourcecurrencycode": "EUR"})
    assert rate.json()["Fault"]["Error"][0]["code"] == "5030"


async def test_several_currencies(books: Books) -> None:
    """A sale is in its customer's currency, at the rate sent or the day's, and says what it is worth at home."""
    await books.set(multi_currency=True)
    assert (await books.read("preferences"))["CurrencyPrefs"]["MultiCurrencyEnabled"] is True
    customer = await books.save("Customer", {"DisplayName": "Acme", "CurrencyRef": {"value": "EUR"}})
    assert customer["CurrencyRef"] == {"value": "EUR", "name": "Euro"}
    for day, rate in (("2026-01-01", 1.1), ("2026-02-15", 1.25)):
        await books.save("ExchangeRate", {"SourceCurrencyCode": "EUR", "AsOfDate": day, "Rate": rate})
    shown = await books.read("exchangerate?sourcecurrencycode=EUR&asofdate=2026-02-01")
    assert (shown["Rate"], shown["TargetCurrencyCode"], "Id" in shown) == (Decimal("1.1"), "USD", False)
    sale = {"CustomerRef": {"value": customer["Id"]}, "Line": [line(100)]}
    assert await books.refused("Invoice", sale) == ("2020", "CurrencyRef")
    assert await books.refused("Invoice", {**sale, "CurrencyRef": {"value": "USD"}}) == ("6000", "CurrencyRef")
    assert await books.refused("Invoice", {**sale, "CurrencyRef": {"value": "XXX"}}) == ("2500", "CurrencyRef")
    euro = {**sale, "CurrencyRef": {"value": "EUR"}}
    made = await books.save("Invoice", euro)
    assert (made["ExchangeRate"], made["HomeTotalAmt"], made["HomeBalance"]) == (Decimal("1.25"), 125, 125)
    agreed = await books.save("Invoice", {**euro, "ExchangeRate": 1.2})
    assert agreed["HomeTotalAmt"] == 120
    paid = {"Amount": 60, "LinkedTxn": [{"TxnId": made["Id"], "TxnType": "Invoice"}]}
    payment = {"CustomerRef": sale["CustomerRef"], "TotalAmt": 60, "Line": [paid]}
    await books.save("Payment", {**payment, "CurrencyRef": {"value": "EUR"}})
    left = await books.read(f"invoice/{made['Id']}")
    assert (left["Balance"], left["HomeBalance"]) == (40, 50)
    change = {"Id": customer["Id"], "SyncToken": "0", "sparse": True, "CurrencyRef": {"value": "GBP"}}
    assert await books.refused("Customer", change) == ("6000", "CurrencyRef")
    assert (await books.save("CompanyCurrency", {"Code": "JPY", "Name": "Yen"}))["Code"] == "JPY"


async def test_a_merge_moves_what_refers_to_the_loser(books: Books) -> None:
    """The loser is gone, its invoices and debt are the winner's; one cannot merge a sale, or an object with itself."""
    invoice = await books.bill()
    winner = await books.save("Customer", {"DisplayName": "Winner"})
    url = f"/app/company/{books.credentials['realm']}/merge"
    body = {"entity": "Customer", "from": "1", "into": winner["Id"]}
    merged = (await books.client.post(url, json=body, headers=books.headers)).json()["Customer"]
    assert (merged["Id"], merged["SyncToken"], merged["Balance"]) == (winner["Id"], "1", 100)
    gone = await books.call("GET", "customer/1")
    assert gone.json()["Fault"]["Error"][0]["code"] == "610"
    assert (await books.read(f"invoice/{invoice['Id']}"))["CustomerRef"] == {"value": winner["Id"], "name": "Winner"}
    for wrong, code in (
        ({"entity": "Invoice", "from": "1", "into": "2"}, "500"),
        ({**body, "from": winner["Id"]}, "6000"),
        (body, "610"),
    ):
        refused = await books.client.post(url, json=wrong, headers=books.headers)
        assert refused.json()["Fault"]["Error"][0]["code"] == code


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("Vendor", {"DisplayName": "Supplier", "Vendor1099": False}),
        ("Employee", {"GivenName": "Eve", "FamilyName": "Lund"}),
        ("Class", {"Name": "North", "ParentRef": {"value": "1"}, "SubClass": True}),
        ("Department", {"Name": "Reno"}),
        ("Term", {"Name": "Net 60", "DueDays": 60}),
        ("Term", {"Name": "The 15th", "DayOfMonthDue": 15}),
        ("PaymentMethod", {"Name": "Wire", "Type": "NON_CREDIT_CARD"}),
        ("Account", {"Name": "Petty cash", "AccountType": "Bank"}),
        ("Item", {"Name": "Thing", "Type": "NonInventory", "ExpenseAccountRef": {"value": "6"}}),
    ],
)
async def test_lists_live_and_are_put_away(books: Books, kind: str, body: dict[str, Any]) -> None:
    """Made, read, hidden from queries once inactive, its name free again, never deleted, and brought back."""
    made = await books.save(kind, body)
    assert await books.read(f"{kind.lower()}/{made['Id']}") == made
    name = "DisplayName" if "DisplayName" in made else "Name"
    away = await books.save(kind, {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Active": False})
    assert away[name] == f"{made[name]} (deleted)"
    ids = [row["Id"] for row in (await books.query(f"select * from {kind}")).get(kind, [])]  # noqa: S608 - not SQL
    assert made["Id"] not in ids
    everything = f"select * from {kind} where Active in (true, false)"  # noqa: S608 - not SQL
    assert made["Id"] in [row["Id"] for row in (await books.query(everything))[kind]]
    assert (await books.refused(kind, {"Id": made["Id"], "SyncToken": "1"}, operation="delete"))[0] == "500"
    back = await books.save(kind, {"Id": made["Id"], "SyncToken": "1", "sparse": True, "Active": True})
    assert back[name] == made[name]


async def test_sub_customers(books: Books) -> None:
    """A job has a parent, its place in the tree shows in its full name, five levels are the most."""
    parent = await books.save("Customer", {"DisplayName": "L0"})
    assert await books.refused("Customer", {"DisplayName": "x", "Job": True}) == ("2020", "ParentRef")
    for level in range(1, 5):
        body = {"DisplayName": f"L{level}", "Job": True, "ParentRef": {"value": parent["Id"]}}
        parent = await books.save("Customer", body)
        assert parent["Level"] == level
    assert parent["FullyQualifiedName"] == "L0:L1:L2:L3:L4"
    body = {"DisplayName": "L5", "Job": True, "ParentRef": {"value": parent["Id"]}}
    assert await books.refused("Customer", body) == ("6000", "ParentRef")


async def test_company_data_is_changed_not_made(books: Books) -> None:
    """CompanyInfo and Preferences exist once; what is sent is stored."""
    info = await books.read(f"companyinfo/{books.credentials['realm']}")
    assert {pair["Name"] for pair in info["NameValue"]} >= {"SubscriptionStatus", "OfferingSku"}
    changed = await books.save("CompanyInfo", {"Id": "1", "SyncToken": "0", "sparse": True, "LegalName": "Acme Ltd"})
    assert (changed["LegalName"], changed["CompanyName"]) == ("Acme Ltd", info["CompanyName"])
    assert (await books.refused("CompanyInfo", {"LegalName": "x"}))[0] == "2020"
    fields = (await books.read("preferences"))["SalesFormsPrefs"]["CustomField"]
    labels = {each["Name"]: each.get("StringValue") for each in fields[1]["CustomField"]}
    assert labels["SalesFormsPrefs.SalesCustomName1"] == "Order"


async def test_custom_fields(books: Books) -> None:
    """Three text fields of 31 characters: defined but unused ones come back without a value."""
    made = await books.bill(CustomField=[{"DefinitionId": "2", "StringValue": "web"}])
    values = {field["DefinitionId"]: field.get("StringValue") for field in made["CustomField"]}
    assert values == {"1": None, "2": "web", "3": None}
    long = {"CustomerRef": {"value": "1"}, "Line": [line(1)]}
    long["CustomField"] = [{"DefinitionId": "1", "StringValue": "x" * 32}]
    assert await books.refused("Invoice", long) == ("2050", "CustomField.StringValue")


@pytest.mark.parametrize("kind", ["Invoice", "Estimate", "SalesReceipt", "CreditMemo", "RefundReceipt"])
async def test_sales_are_sent_and_printed(books: Books, kind: str) -> None:
    """Sending needs an address and marks the sale; forty mails a day; the PDF is one."""
    made = await books.bill(kind=kind)
    path = f"{kind.lower()}/{made['Id']}"
    nowhere = await books.call("POST", f"{path}/send")
    assert nowhere.json()["Fault"]["Error"][0]["code"] == "6000"
    sent = await books.call("POST", f"{path}/send", params={"sendTo": "a@b.example"})
    assert sent.json()[kind]["EmailStatus"] == "EmailSent"
    await books.admin("limits", limits={"e-mails per day": 2})
    assert (await books.call("POST", f"{path}/send")).status_code == 429
    pdf = await books.call("GET", f"{path}/pdf")
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")


@pytest.mark.parametrize(
    ("term", "day", "due"),
    [
        ({"DayOfMonthDue": 15}, "2026-03-01", "2026-03-15"),
        ({"DayOfMonthDue": 15, "DueNextMonthDays": 5}, "2026-03-12", "2026-04-15"),
        ({"DayOfMonthDue": 31}, "2026-02-10", "2026-02-28"),
        ({"DueDays": 10}, "2026-03-01", "2026-03-11"),
    ],
)
async def test_terms_name_days_or_a_day_of_the_month(books: Books, term: dict[str, Any], day: str, due: str) -> None:
    """Too near to its day, an invoice is due the month after."""
    made = await books.save("Term", {"Name": "Ours", **term})
    assert (await books.bill(SalesTermRef={"value": made["Id"]}, TxnDate=day))["DueDate"] == due


async def test_a_credit_memo_pays_an_invoice(books: Books) -> None:
    """A payment of nothing ties the two: the memo has less credit left, the invoice a smaller balance."""
    invoice, memo = await books.bill(), await books.bill(line(30), kind="CreditMemo")
    parts = (("Invoice", invoice), ("CreditMemo", memo))
    ties = [{"Amount": 30, "LinkedTxn": [{"TxnId": sale["Id"], "TxnType": kind}]} for kind, sale in parts]
    made = await books.save("Payment", {"CustomerRef": {"value": "1"}, "TotalAmt": 0, "Line": ties})
    assert made["UnappliedAmt"] == 0
    assert (await books.read(f"invoice/{invoice['Id']}"))["Balance"] == 70
    assert (await books.read(f"creditmemo/{memo['Id']}"))["RemainingCredit"] == 0
    assert (await books.read("customer/1"))["Balance"] == 70


@pytest.mark.parametrize(
    ("sent", "params"),
    [
        ({"SyncToken": 0, "sparse": False, "DocNumber": "", "DueDate": "", "TxnDate": "", "TotalAmt": "",
          "AllowIPNPayment": True, "GlobalTaxCalculation": "TaxExcluded", "LinkedTxn": [], "EInvoiceStatus": None}, {}),
        ({}, {"format": "json", "minorversion": "75"}),
        ({"CurrencyRef": {"value": "USD", "type": "Currency"}}, {"minorversion": "4", "requestid": "r"}),
    ],
)  # fmt: skip
async def test_what_clients_send_is_taken(books: Books, sent: dict[str, Any], params: dict[str, str]) -> None:
    """python-quickbooks' empty texts and integer tokens, node-quickbooks' parameters, old minor versions."""
    await books.save("Customer", {"DisplayName": "Acme", "OpenBalanceDate": "", "PrimaryPhone": {"FreeFormNumber": ""}})
    sale = {"CustomerRef": {"value": "1", "name": "Acme", "type": "Customer"}, "Line": [{**line(5), "LineNum": 0}]}
    made = await books.save("Invoice", {**sale, **sent}, **params)
    assert (made["TotalAmt"], made["DocNumber"], made["SyncToken"], made["sparse"]) == (5, "1001", "0", False)
