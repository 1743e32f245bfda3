from decimal import Decimal
from typing import Any

import pytest

from connectors.sandbox.json_text import loads

Books = Any  # the fixture's class lives in conftest, which tests cannot import


def line(amount: str, **detail: Any) -> dict[str, Any]:
    """A line of the item every company has."""
    inner = {"ItemRef": {"value": "1"}, **detail}
    return {"DetailType": "SalesItemLineDetail", "Amount": float(amount), "SalesItemLineDetail": inner}


async def test_sparse_update_keeps_and_full_update_clears(books: Books) -> None:
    """Sparse changes what is sent; full nulls what is not."""
    made = await books.save("Customer", {"DisplayName": "Acme", "Notes": "keep", "CompanyName": "Acme Inc"})
    ref = {"Id": made["Id"], "SyncToken": made["SyncToken"]}
    sparse = await books.save("Customer", {**ref, "sparse": True, "Notes": "new"})
    assert (sparse["Notes"], sparse["CompanyName"], sparse["SyncToken"], sparse["sparse"]) == (
        "new",
        "Acme Inc",
        "1",
        False,
    )
    full = await books.save("Customer", {**ref, "SyncToken": 1, "DisplayName": "Acme", "Notes": ""})
    assert "CompanyName" not in full
    assert "Notes" not in full


async def test_stale_or_missing_sync_token_is_refused(books: Books) -> None:
    """An update, void or delete with an old SyncToken is 5010, without one 2020; nothing changes."""
    made = await books.bill()
    await books.save("Invoice", {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "first"})
    stale = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "second"}
    assert (await books.refused("Invoice", stale))[0] == "5010"
    for operation in ("void", "delete"):
        stale_reference = {"Id": made["Id"], "SyncToken": "0"}
        assert (await books.refused("Invoice", stale_reference, operation=operation))[0] == "5010"
    assert await books.refused("Invoice", {"Id": made["Id"], "sparse": True}) == ("2020", "SyncToken")
    assert (await books.query("select * from Invoice"))["Invoice"][0]["PrivateNote"] == "first"


async def test_lines_are_replaced_whole_and_keep_their_ids(books: Books) -> None:
    """A Line array replaces the old one even in a sparse update; a line sent with its id keeps it."""
    made = await books.bill(line("10"), line("20"))
    kept = {**line("20"), "Id": made["Line"][1]["Id"]}
    body = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Line": [kept, line("5")]}
    changed = await books.save("Invoice", body)
    assert [line.get("Id") for line in changed["Line"]] == ["2", "3", None]
    assert changed["TotalAmt"] == changed["Balance"] == Decimal("25.00")


async def test_discount_tax_and_digits(books: Books) -> None:
    """Percent discounts come off the subtotal, given tax is added, and amounts are written with two digits."""
    percent = {"PercentBased": True, "DiscountPercent": 10}
    discount = {"DetailType": "DiscountLineDetail", "DiscountLineDetail": percent}
    priced = line("99.99", Qty=3, UnitPrice=33.33)
    made = await books.bill(priced, discount, TxnTaxDetail={"TotalTax": 7.2}, TotalAmt=1)
    assert [str(line["Amount"]) for line in made["Line"]] == ["99.99", "99.99", "10.00"]
    assert str(made["TotalAmt"]) == "97.19"


@pytest.mark.parametrize(
    ("properties", "due"),
    [
        ({}, "2026-03-31"),
        ({"SalesTermRef": {"value": "2"}}, "2026-03-16"),
        ({"SalesTermRef": {"value": "1"}, "TxnDate": "2026-02-10"}, "2026-02-10"),
        ({"DueDate": "2026-06-01"}, "2026-06-01"),
    ],
)
async def test_due_date(books: Books, properties: dict[str, Any], due: str) -> None:
    """The due date is the one sent, else the term's, else thirty days on."""
    assert (await books.bill(**properties))["DueDate"] == due


@pytest.mark.parametrize(
    ("kind", "body", "code", "element"),
    [
        ("Customer", {"DisplayName": "A", "Colour": "red"}, "2010", "Colour"),
        ("Customer", ["A"], "2010", ""),
        ("Customer", {"CompanyName": "A"}, "6080", "DisplayName"),
        ("Customer", {"DisplayName": "A:B"}, "2040", "DisplayName"),
        ("Customer", {"DisplayName": "A" * 501}, "2050", "DisplayName"),
        ("Customer", {"DisplayName": "A", "PrimaryEmailAddr": {"Address": "nobody"}}, "2210", "PrimaryEmailAddr"),
        ("Customer", {"DisplayName": "A", "WebAddr": {"URI": "x.example"}}, "2200", "WebAddr"),
        ("Customer", {"DisplayName": "A", "CurrencyRef": {"value": "EUR"}}, "6000", "CurrencyRef"),
        ("Customer", {"Id": "77", "SyncToken": "0"}, "610", ""),
        ("Customer", {"Id": "1.5", "SyncToken": "0"}, "2030", "Id"),
        ("Vendor", {"DisplayName": "Acme"}, "6240", ""),
        ("Item", {"Type": "Service"}, "2020", "Name"),
        ("Item", {"Name": "x", "Type": "Service"}, "2020", "IncomeAccountRef"),
        ("Item", {"Name": "services", "IncomeAccountRef": {"value": "1"}}, "6240", ""),
        ("Item", {"Name": "x", "IncomeAccountRef": {"value": "88"}}, "2500", "IncomeAccountRef"),
        ("Item", {"Name": "x", "Type": "Gadget", "IncomeAccountRef": {"value": "1"}}, "2170", "Type"),
        ("Invoice", {"Line": [{}]}, "2020", "CustomerRef"),
        ("Invoice", {"CustomerRef": {"value": "1"}}, "2020", "Line"),
        (
            "Invoice",
            {"CustomerRef": {"value": "1"}, "Line": [line("9", Qty=2, UnitPrice=5)]},
            "6070",
            "Line.Amount",
        ),
        (
            "Invoice",
            {"CustomerRef": {"value": "1"}, "Line": [line("9", TaxCodeRef={"value": "7"})]},
            "6100",
            "Line.TaxCodeRef",
        ),
        (
            "Invoice",
            {"CustomerRef": {"value": "1"}, "Line": [line("9")], "PrivateNote": "x" * 4001},
            "2050",
            "PrivateNote",
        ),
        (
            "Invoice",
            {"CustomerRef": {"value": "1"}, "Line": [line("9")], "CustomField": [{"DefinitionId": "4"}]},
            "3000",
            "CustomField",
        ),
        ("Payment", {"CustomerRef": {"value": "1"}}, "6000", "TotalAmt"),
        ("Payment", {"TotalAmt": 5}, "2020", "CustomerRef"),
        ("TaxCode", {"Name": "x"}, "500", ""),
        ("Nonsense", {}, "500", ""),
        ("Customer", {"DisplayName": "A", "PrimaryEmailAddr": "a@b.example"}, "2010", "PrimaryEmailAddr"),
        ("Invoice", {"CustomerRef": {"value": "1"}, "Line": {"Amount": 1}}, "2010", "Line"),
        ("Invoice", {"CustomerRef": {"value": "1"}, "Line": [line("1", ItemRef="1")]}, "2010", "ItemRef"),
        ("batch", {"BatchItemRequest": [1]}, "2010", "BatchItemRequest"),
    ],
)
async def test_refusals(books: Books, kind: str, body: Any, code: str, element: str) -> None:
    """Each bad request has Intuit's code, names the property, and leaves nothing behind."""
    await books.save("Customer", {"DisplayName": "Acme"})
    assert await books.refused(kind, body) == (code, element)
    meter = (await books.client.get("/__sandbox/meter")).json()
    assert meter["writes"] == {"Customer": 1}


async def test_inactive_reference_is_610(books: Books) -> None:
    """An invoice for a deactivated customer is refused as Intuit does, not as an unknown one."""
    made = await books.save("Customer", {"DisplayName": "Acme"})
    await books.save("Customer", {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Active": False})
    body = {"CustomerRef": {"value": made["Id"]}, "Line": [line("1")]}
    assert await books.refused("Invoice", body) == ("610", "CustomerRef")


async def test_doc_numbers(books: Books) -> None:
    """Server's numbers by default; own ones with the switch on, unique unless the caller insists."""
    assert (await books.bill())["DocNumber"] == "1001"
    assert (await books.bill(DocNumber="SO-7"))["DocNumber"] == "SO-7"
    assert (await books.bill(DocNumber="SO-7"))["DocNumber"] == "SO-7"
    assert (await books.bill())["DocNumber"] == "1002"
    await books.admin("settings", settings={"custom_txn_numbers": True})
    assert "DocNumber" not in await books.bill()
    body = {"CustomerRef": {"value": "1"}, "Line": [line("1")], "DocNumber": "SO-7"}
    assert await books.refused("Invoice", body) == ("6140", "DocNumber")
    assert (await books.save("Invoice", body, include="allowduplicatedocnum"))["DocNumber"] == "SO-7"


async def test_payment_cannot_take_more_than_is_open(books: Books) -> None:
    """Over-application, another customer's invoice and a missing invoice are refused; deleting the payment reopens."""
    made = await books.bill()
    other = await books.save("Customer", {"DisplayName": "Other"})

    def pay(amount: float, total: float, target: str = made["Id"], by: str = "1") -> dict[str, Any]:
        line = {"Amount": amount, "LinkedTxn": [{"TxnId": target, "TxnType": "Invoice"}]}
        return {"CustomerRef": {"value": by}, "TotalAmt": total, "Line": [line]}

    assert await books.refused("Payment", pay(101, 200)) == ("6000", "Line.Amount")
    assert await books.refused("Payment", pay(50, 40)) == ("6000", "TotalAmt")
    assert (await books.refused("Payment", pay(50, 50, by=other["Id"])))[0] == "620"
    assert (await books.refused("Payment", pay(50, 50, target="999")))[0] == "610"
    paid = await books.save("Payment", pay(100, 130))
    assert paid["UnappliedAmt"] == Decimal("30.00")
    assert await books.refused("Invoice", {"Id": made["Id"], "SyncToken": "1"}, operation="delete") == ("800", "")
    gone = await books.save("Payment", {"Id": paid["Id"], "SyncToken": "0"}, operation="delete")
    assert gone == {"domain": "QBO", "status": "Deleted", "Id": paid["Id"]}
    read = (await books.call("GET", f"invoice/{made['Id']}")).json()["Invoice"]
    assert (read["Balance"], read["LinkedTxn"], read["SyncToken"]) == (100, [], "2")


async def test_voided_invoice_frees_its_payment(books: Books) -> None:
    """After the void the payment is the customer's credit."""
    made = await books.bill(PrivateNote="ref-1")
    line = {"Amount": 100, "LinkedTxn": [{"TxnId": made["Id"], "TxnType": "Invoice"}]}
    paid = await books.save("Payment", {"CustomerRef": {"value": "1"}, "TotalAmt": 100, "Line": [line]})
    void = await books.save("Invoice", {"Id": made["Id"], "SyncToken": "1"}, operation="void")
    assert (void["TotalAmt"], void["Balance"], void["PrivateNote"], void["LinkedTxn"]) == (0, 0, "Voided - ref-1", [])
    after = loads((await books.call("GET", f"payment/{paid['Id']}")).content)["Payment"]
    assert (after["UnappliedAmt"], after["Line"]) == (Decimal("100.00"), [])
    customer = (await books.call("GET", "customer/1")).json()["Customer"]
    assert customer["Balance"] == -100


async def test_stock_follows_sales(books: Books) -> None:
    """A sale lowers the quantity on hand without a new version of the item; deleting it gives it back."""
    accounts = {"IncomeAccountRef": "2", "ExpenseAccountRef": "6", "AssetAccountRef": "7"}
    stock = {"TrackQtyOnHand": True, "QtyOnHand": 10, "InvStartDate": "2026-01-01"}
    refs = {name: {"value": value} for name, value in accounts.items()}
    assert (await books.refused("Item", {"Name": "Bolt", "Type": "Inventory", **refs}))[1] == "TrackQtyOnHand"
    item = await books.save("Item", {"Name": "Bolt", "Type": "Inventory", **stock, **refs})
    made = await books.bill(line("8", ItemRef={"value": item["Id"]}, Qty=4, UnitPrice=2))
    read = (await books.call("GET", f"item/{item['Id']}")).json()["Item"]
    assert (read["QtyOnHand"], read["SyncToken"]) == (6, "0")
    await books.save("Invoice", {"Id": made["Id"], "SyncToken": "0"}, operation="delete")
    assert (await books.call("GET", f"item/{item['Id']}")).json()["Item"]["QtyOnHand"] == 10


async def test_closed_books_refuse(books: Books) -> None:
    """Nothing dated in a closed period is made or changed, and preferences show the date."""
    made = await books.bill(TxnDate="2026-01-15")
    await books.admin("settings", settings={"book_close_date": "2026-01-31"})
    body = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "x"}
    assert await books.refused("Invoice", body) == ("6210", "TxnDate")
    preferences = (await books.call("GET", "preferences")).json()["Preferences"]
    assert preferences["AccountingInfoPrefs"]["BookCloseDate"] == "2026-01-31"
