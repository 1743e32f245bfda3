"""A bookkeeper: a customer with an item, an invoice that is paid, a receipt, a credit and money given back."""

from collections.abc import AsyncIterator
from typing import Any

from connectors.ports import Raw
from connectors.quickbooks.webhook import QuickBooksWebhook
from connectors.wire import dumps, iso_micros
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


async def tidy(site: Site, buyer: Buyer, other: Buyer, told: list[Raw]) -> AsyncIterator[None]:
    """Merge the buyer's customer with one of the same company, delete and void documents, shut customers and items.

    `told` gets what only webhooks tell: who lost the merge to whom.
    """
    copy = await _save(site, "Customer", DisplayName=f"{buyer.company} (old)", CompanyName=f"{buyer.company}, Inc.")
    closed = await _save(site, "Customer", DisplayName=other.company, CompanyName=other.company)
    item = await _save(site, "Item", Name=f"Shelf {buyer.number}", Type="Service", IncomeAccountRef={"value": "2"})
    whose = {"CustomerRef": {"value": copy["Id"]}, "TxnDate": "2026-03-01"}
    due = {"DueDate": "2026-03-20"}
    yield
    open_, paid, void, gone = [
        await _save(site, "Invoice", **whose, Line=[_line(item, buyer.cents(100 * n, 900 * n))], **due)
        for n in range(1, 5)
    ]
    receipt = await _save(site, "SalesReceipt", **whose, Line=[_line(item, buyer.cents(10, 80))])
    credit = await _save(site, "CreditMemo", **whose, Line=[_line(item, buyer.cents(1, 8))])
    yield
    payments = [await _save(site, "Payment", **whose, **_paying(invoice)) for invoice in (paid, void)]
    await _save(site, "Customer", **_of(closed), Active=False)
    yield
    await _end(site, "Payment", payments[1], "delete")
    await _end(site, "SalesReceipt", receipt, "delete")
    yield
    await _end(site, "Invoice", await _read(site, "Invoice", void), "void")
    await _end(site, "Invoice", gone, "delete")
    await _end(site, "CreditMemo", credit, "delete")
    yield
    await _save(site, "Customer", **_of(await _read(site, "Customer", closed)), Active=True)
    await _save(site, "Invoice", **_of(open_), PrivateNote="Ask again")
    for _ in range(4):
        yield  # until nobody edits the buyer's customer any more
    [main] = await _query(site, "Customer", f"DisplayName = '{buyer.company}'")
    merge = {"entity": "Customer", "from": copy["Id"], "into": main["Id"]}
    await site.call("POST", f"/app/company/{site.credentials['realm']}/merge", json=merge)
    told += _webhook(site, main["Id"], copy["Id"])
    yield
    await _save(site, "Customer", **_of(await _read(site, "Customer", main)), Notes="Was there twice")
    await _end(site, "Payment", await _read(site, "Payment", payments[0]), "update", include="void")
    yield
    await _save(site, "Item", **_of(item), Active=False)


def _webhook(site: Site, winner: str, loser: str) -> list[Raw]:
    """Return what our connector reads in the webhook of a merge."""
    about = {"id": f"merge-{loser}", "type": "qbo.customer.merged.v1", "time": iso_micros(site.clock.now())}
    event = {**about, "intuitentityid": winner, "intuitaccountid": site.credentials["realm"]}
    [raws] = QuickBooksWebhook().parse({}, dumps([{**event, "data": {"deletedid": loser}}])).values()
    return list(raws)


def _paying(invoice: dict[str, Any]) -> dict[str, Any]:
    link = {"Amount": invoice["TotalAmt"], "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
    return {"TotalAmt": invoice["TotalAmt"], "Line": [link]}


async def _end(site: Site, kind: str, entity: dict[str, Any], operation: str, **params: str) -> None:
    body = {"Id": entity["Id"], "SyncToken": entity["SyncToken"], **({"sparse": True} if params else {})}
    path = f"/v3/company/{site.credentials['realm']}/{kind.lower()}"
    await site.call("POST", path, params={"operation": operation, **params}, json=body)


async def _read(site: Site, kind: str, entity: dict[str, Any]) -> dict[str, Any]:
    [found] = await _query(site, kind, f"Id = '{entity['Id']}'")
    return found


async def _query(site: Site, kind: str, where: str) -> list[dict[str, Any]]:
    active = " and Active in (true, false)" if kind == "Customer" else ""
    query = f"select * from {kind} where {where}{active}"  # noqa: S608  names of the story
    answer = await site.call("GET", f"/v3/company/{site.credentials['realm']}/query", params={"query": query})
    return list(answer["QueryResponse"].get(kind, []))


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
