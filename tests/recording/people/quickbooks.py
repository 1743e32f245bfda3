"""A bookkeeper: a customer with an item, an invoice that is paid, a receipt, a credit and money given back."""

from collections.abc import AsyncIterator
from typing import Any

from tests.recording.buyers import Buyer
from tests.recording.company import Site

STOCKED = {
    "Type": "Inventory",
    "TrackQtyOnHand": True,
    "QtyOnHand": 100,
    "InvStartDate": "2026-01-01",
    "ExpenseAccountRef": {"value": "6"},
    "AssetAccountRef": {"value": "7"},
}


async def act(site: Site, buyer: Buyer) -> AsyncIterator[None]:
    """Do one thing after the other."""
    address = {
        "Line1": buyer.street,
        "City": buyer.town,
        "CountrySubDivisionCode": buyer.state,
        "PostalCode": buyer.zip,
    }
    customer = await _save(
        site,
        "Customer",
        DisplayName=buyer.company,
        CompanyName=buyer.company,
        GivenName=buyer.given,
        FamilyName=buyer.family,
        BillAddr={**address, "Line2": "Suite 5", "Country": "USA"},
        PrimaryPhone={"FreeFormNumber": buyer.phone},
        PrimaryEmailAddr={"Address": buyer.email},
    )
    item = await _save(
        site,
        "Item",
        Name=f"Panel {buyer.number}",
        Sku=f"PANEL-{buyer.number}",
        UnitPrice=float(buyer.cents(20, 90)),
        IncomeAccountRef={"value": "2"},
        **(STOCKED if buyer.number % 2 else {"Type": "Service"}),
    )
    whose = {"CustomerRef": {"value": customer["Id"]}, "TxnDate": "2026-03-01"}
    yield
    invoice = await _save(site, "Invoice", **whose, Line=[_line(item, buyer.cents(100, 900))], DueDate="2026-03-31")
    yield
    invoice = await _save(site, "Invoice", **_of(invoice), PrivateNote=f"Order of {buyer.name}")
    yield
    owed = invoice["TotalAmt"]
    link = {"Amount": owed, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
    payment = await _save(site, "Payment", **whose, TotalAmt=owed, Line=[link], PaymentRefNum=f"T{buyer.number}")
    yield
    await _save(site, "Payment", **_of(payment), PrivateNote="By transfer")
    receipt = await _save(site, "SalesReceipt", **whose, Line=[_line(item, buyer.cents(10, 90))])
    yield
    await _save(site, "SalesReceipt", **_of(receipt), PrivateNote="Over the counter")
    await _save(site, "CreditMemo", **whose, Line=[_line(item, buyer.cents(1, 9))])
    yield
    back = {"DepositToAccountRef": {"value": "3"}}
    await _save(site, "RefundReceipt", **whose, Line=[_line(item, buyer.cents(2, 9))], **back)
    yield
    await _save(site, "Customer", **_of(customer), Notes="Pays by transfer", WebAddr={"URI": f"http://{buyer.domain}"})
    await _save(site, "Item", **_of(item), Description="To be fixed to a wall")


def _line(item: dict[str, Any], amount: str) -> dict[str, Any]:
    detail = {"ItemRef": {"value": item["Id"]}, "Qty": 1, "UnitPrice": float(amount)}
    return {"DetailType": "SalesItemLineDetail", "Amount": float(amount), "SalesItemLineDetail": detail}


def _of(entity: dict[str, Any]) -> dict[str, Any]:
    """Name a stored object in an update that changes only what it says."""
    kept = {name: entity[name] for name in ("CustomerRef",) if name in entity}
    return {"Id": entity["Id"], "SyncToken": entity["SyncToken"], "sparse": True, **kept}


async def _save(site: Site, kind: str, **body: Any) -> dict[str, Any]:
    answer = await site.call("POST", f"/v3/company/{site.credentials['realm']}/{kind.lower()}", json=body)
    return dict(answer[kind])
