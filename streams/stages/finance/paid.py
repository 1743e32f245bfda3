"""On which day an invoice was paid: payments tell, which may come before or after it."""

from collections.abc import Iterable
from datetime import date

from connectors.kafka.records import Entity
from streams.stages.rows import Allocation
from streams.stages.work import Work

VENDOR, INVOICE = "quickbooks", "Invoice"


def settle(work: Work) -> None:
    """Keep the allotted parts of the payments that were touched, and the paid dates of the invoices concerned."""
    invoices: dict[str, None] = {}
    for before, after in work.touched("payment"):
        invoices |= dict.fromkeys(_allot(work, before, after))
    for _, after in work.touched("invoice"):
        if after is not None:
            invoices[after["id"]] = None
    for id_ in invoices:
        _date_paid(work, id_)


def _allot(work: Work, before: Entity | None, after: Entity | None) -> Iterable[str]:
    """Keep the allocation rows of a payment, if they changed; return the canonical ids of the invoices concerned."""
    old, new = _allocations(before), _allocations(after)
    if before and after and old == new and before["received_on"] == after["received_on"]:
        return ()
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
    return {part["remote_id"]: part["invoice_id"] for part in payment["allocations"] if part["object"] == INVOICE}


def _date_paid(work: Work, id_: str) -> None:
    """An invoice was paid on the day of its latest payment."""
    invoice = work.get("invoice", id_)
    if invoice is not None and invoice["kind"] == "INVOICE":
        work.set("invoice", id_, paid_on=_last_day(work, invoice) if invoice["status"] == "PAID" else None)


def _last_day(work: Work, invoice: Entity) -> date | None:
    days = [
        row.received_on
        for ref in invoice["refs"]
        for _, row in work.rows.allocations.scan(ref["vendor"], ref["object"], ref["id"])
        if row.received_on is not None
    ]
    return max(days, default=None)
