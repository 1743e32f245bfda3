"""A customer's figures from what each of its documents adds: absolute values, so that a replay changes nothing.

Only documents in the company's home currency count; amounts of different currencies do not add up.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.kafka.records import Entity
from streams.stages import money
from streams.stages.rows import Allocation, Document
from streams.stages.work import Work

ZERO = Decimal(0)
VENDOR, INVOICE = "quickbooks", "Invoice"
DIGITS = 20


def settle(work: Work) -> None:
    """Bring paid dates and customers' figures in step with the invoices and payments that this record touched."""
    customers = dict(work.moved)
    invoices: dict[str, None] = {}
    for before, after in work.touched("payment"):
        invoices |= dict.fromkeys(_allot(work, before, after))
        customers |= dict.fromkeys(_file(work, before, after, _payment))
    for before, after in work.touched("invoice"):
        customers |= dict.fromkeys(_file(work, before, after, _invoice))
        if after is not None:
            invoices[after["id"]] = None
    for id_ in invoices:
        _date_paid(work, id_)
    for id_ in customers:
        _reckon(work, id_)


def _allot(work: Work, before: Entity | None, after: Entity | None) -> Iterable[str]:
    """Keep the allocation rows of a payment; return the canonical ids of the invoices concerned."""
    old, new = _allocations(before), _allocations(after)
    payment = (after or before or {}).get("id", "")
    for remote_id in old:
        if remote_id not in new:
            work.rows.allocations.drop(VENDOR, INVOICE, remote_id, payment)
    for remote_id in new:
        row = Allocation(after["received_on"] if after else None)
        work.rows.allocations.put(row, VENDOR, INVOICE, remote_id, payment)
    return [id_ for id_ in (old | new).values() if id_ is not None]


def _allocations(payment: Entity | None) -> dict[str, str | None]:
    """Return the canonical ids of the invoices that a payment pays, by the vendor's id."""
    if payment is None or payment["status"] != "RECEIVED":
        return {}
    return {part["remote_id"]: part["invoice_id"] for part in payment["allocations"]}


def _date_paid(work: Work, id_: str) -> None:
    """An invoice was paid on the day of its latest payment."""
    invoice = work.get("invoice", id_)
    if invoice is None or invoice["kind"] != "INVOICE":
        return
    days = [
        row.received_on
        for ref in invoice["refs"]
        for _, row in work.rows.allocations.scan(ref["vendor"], ref["object"], ref["id"])
        if row.received_on is not None
    ]
    work.set("invoice", id_, paid_on=max(days) if days and invoice["status"] == "PAID" else None)


def _file(work: Work, before: Entity | None, after: Entity | None, row_of: Any) -> Iterable[str]:
    """Keep the document row of an invoice or payment; return the customers concerned."""
    old = _customer(work, before)
    new = _customer(work, after)
    row = row_of(after, work.settings.currency) if after else None
    id_ = (after or before or {}).get("id", "")
    if old is not None and (old != new or row is None):
        work.rows.documents.drop(old, id_)
    if new is not None and row is not None:
        work.rows.documents.put(row, new, id_)
    return [customer for customer in (old, new) if customer is not None]


def _customer(work: Work, document: Entity | None) -> str | None:
    """Return whom a document counts for: the survivor, where its customer was merged."""
    id_ = document["customer_id"] if document else None
    return None if id_ is None else work.standing("party", id_)


def _payment(payment: Entity, currency: str) -> Document | None:
    if payment["status"] != "RECEIVED" or payment["currency"] != currency:
        return None
    amount = payment["amount"] or ZERO
    return Document(None, payment["received_on"], _sequence(payment), amount, ZERO, True, False)


def _invoice(invoice: Entity, currency: str) -> Document | None:
    if invoice["status"] == "VOID" or invoice["currency"] != currency:
        return None
    receipt = invoice["kind"] == "SALES_RECEIPT"
    received = (invoice["total"] or ZERO) if receipt else ZERO
    owed = ZERO if receipt else invoice["balance"] or ZERO
    return Document(invoice["number"], invoice["issued_on"], _sequence(invoice), received, owed, receipt, True)


def _sequence(record: Entity) -> str:
    return max((ref["id"].rjust(DIGITS, "0") for ref in record["refs"]), default="")


def _reckon(work: Work, id_: str) -> None:
    rows = [row for _, row in work.rows.documents.scan(id_)]
    party = work.get("party", id_)
    if party is None or (not rows and party["finance"] is None):
        return
    payments = sorted((row for row in rows if row.is_payment), key=_place)
    invoices = sorted((row for row in rows if row.is_invoice), key=_place)
    figures = {
        "currency": work.settings.currency,
        "lifetime_value": _sum(row.received for row in rows),
        "open_balance": _sum(row.owed for row in rows),
        "invoice_count": len(invoices),
        "last_payment_on": _last(payments, "on"),
        "last_payment_amount": _last(payments, "received"),
        "last_invoice_number": _last(invoices, "number"),
    }
    work.set("party", id_, finance=figures)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for amount in amounts:
        total = money.CONTEXT.add(total, amount)
    return total


def _place(row: Document) -> tuple[date, str]:
    return row.on or date.min, row.sequence


def _last(rows: Sequence[Document], name: str) -> Any:
    return getattr(rows[-1], name) if rows else None
