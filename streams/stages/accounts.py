"""What the accounts are asked for: customers, items, and of an order its document, payments and refunds."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.errors import MappingError
from connectors.kafka.records import Entity
from streams.stages import bookings, commands, deciders, display, money, totals
from streams.stages.bookings import (
    ACCOUNTS,
    AGREED,
    booked_as,
    document_key,
    is_received,
    payment_key,
    refund_key,
    stands,
)
from streams.stages.merge import remote_id
from streams.stages.work import Work

ITEMS = "items"
"""Lane of what many customers share."""
DOCUMENTS: Mapping[str, str] = {"INVOICE": "quickbooks/to_invoice", "SALES_RECEIPT": "quickbooks/to_sales_receipt"}
RETURNS: Mapping[str, str] = {
    "RefundReceipt": "quickbooks/to_refund_receipt",
    "CreditMemo": "quickbooks/to_credit_memo",
}


def ask_order(work: Work, order: Entity, former: Entity | None = None) -> None:
    """Ask for everything that an order needs, parents first; of what the accounts have of it already, once they can.

    What the accounts have of one that waits stays as it is.

    Args:
        work: the unit of work.
        order: as it stands.
        former: what it was before this record, if that changed it.

    Raises:
        MappingError: an outbound template cannot be filled.
    """
    customer, contact = work.get("party", order["customer_id"]), work.get("party", order["contact_id"])
    if customer is None:
        raise MappingError("customer_id", "the order's customer was deleted; give the order another at its source")
    if ACCOUNTS not in work.settings.vendors:
        if stands(work, order):
            bookings.owe(work, order["id"])
        return
    products = {id_: work.get("product", id_) for id_ in dict.fromkeys(line["product_id"] for line in order["lines"])}
    # Whatever the order calls its customer and products: what is asked for refers to the records that stand.
    sold = {**order, "customer_id": customer["id"], "lines": _lines(work, order, products)}
    records = {"order": sold, "customer": customer, "contact": contact}
    is_agreed = order["status"] == AGREED
    # What is given back names them as well, some of which became known only after the order had ended.
    if is_agreed or order["refunds"]:
        ask_customer(work, customer)
        for product in products.values():
            if product is not None:
                ask_item(work, product)
    if is_agreed and not order["hold"]:
        if order["payments"] and _is_less(work, order, former):
            # The accounts refuse an invoice below what is applied to it.
            _payments(work, records)
        commands.put(work, DOCUMENTS[order["document"]], document_key(order), customer["id"], records)
    if stands(work, order):
        _payments(work, records)
        _refunds(work, records)


def _lines(work: Work, order: Entity, products: Mapping[str | None, Entity | None]) -> list[Mapping[str, Any]]:
    """Return an order's positions with the products that have an item."""
    names = {id_: _sold_as(work, id_, product) for id_, product in products.items()}
    return [{**line, "product_id": names[line["product_id"]]} for line in order["lines"]]


def _sold_as(work: Work, id_: str | None, product: Entity | None) -> str | None:
    """Return the product whose item stands for one; None: it is gone, and there is no item, or none any more."""
    if product is not None:
        return str(product["id"])
    asked = commands.sent(work, ACCOUNTS, f"product/{id_}") if id_ is not None else None
    return id_ if asked is not None and not asked.closed else None


def _is_less(work: Work, order: Entity, former: Entity | None) -> bool:
    """Tell whether an order comes to less than its invoice: as the accounts have it, or will once they answer."""
    total, (told, is_last) = _invoice_total(order), _told(work, order)
    if former is not None and not is_last and _invoice_total(former) != total:
        told = _invoice_total(former)
    return total is not None and told is not None and total < told


def _invoice_total(order: Entity) -> Decimal | None:
    """Return what an order makes its invoice come to; None: neither it nor its source says, the accounts reckon tax."""
    total: Decimal | None = order["grand_total"] if order["tax_amount"] is None else totals.reckoned(order)
    return total


def _told(work: Work, order: Entity) -> tuple[Decimal | None, bool]:
    """Return what the accounts said last that an order's invoice comes to, and whether nothing else was asked since."""
    key = document_key(order)
    asked, invoice = commands.sent(work, ACCOUNTS, key), bookings.invoiced(work, key)
    return invoice["total"] if invoice is not None else None, asked is None or not asked.waits


def _payable(work: Work, order: Entity) -> Decimal | None:
    """Return what an order's invoice comes to: no more can be applied to it; None: nobody says."""
    told, is_last = _told(work, order)
    if order["hold"] and told is not None:
        return told
    known = (_invoice_total(order), told if is_last else None)
    return min((total for total in known if total is not None), default=None)


def _payments(work: Work, records: Mapping[str, Entity | None]) -> None:
    """Ask for what was paid on an invoice, each on what those before left open; a receipt is paid as it is."""
    order = records["order"] or {}
    open_ = _payable(work, order) if order["payments"] else None
    for payment in order["payments"] if order["document"] == "INVOICE" else ():
        rest = {"open_amount": None if open_ is None else money.text(open_)}
        own = {**records, "order": {**order, "payments": [payment]}, "settings": rest}
        open_ = None if open_ is None else max(money.CONTEXT.subtract(open_, payment["amount"]), Decimal(0))
        key = booked_as(work, payment_key(order, payment))
        if not order["hold"] or commands.sent(work, ACCOUNTS, key) is None:
            commands.put(work, "quickbooks/to_payment", key, order["customer_id"], own)


def _refunds(work: Work, records: Mapping[str, Entity | None]) -> None:
    """Ask for what was given back: money where some was received, else credit; that is decided once for each."""
    order = records["order"] or {}
    for refund in order["refunds"]:
        key = booked_as(work, refund_key(order, refund))
        former = commands.sent(work, ACCOUNTS, key)
        is_money = is_received(order) and not refund["is_credit"]
        kind = former.object if former is not None else "RefundReceipt" if is_money else "CreditMemo"
        own = {**records, "order": {**order, "refunds": [refund]}}
        if not order["hold"] or former is None:
            commands.put(work, RETURNS[kind], key, order["customer_id"], own)


def ask_customer(work: Work, party: Entity, asked: str = "") -> None:
    """Ask for a customer; `asked` is the request that waits for it."""
    persons = deciders.of(work, party["id"])
    records = {
        "customer": party,
        "contact": work.get("party", persons[0]) if persons else None,
        "settings": {"display_name": display.name_for(work, party)},
    }
    known = remote_id(party, ACCOUNTS, "Customer")
    commands.put(work, "quickbooks/to_customer", f"party/{party['id']}", party["id"], records, known, asked)


def ask_item(work: Work, product: Entity) -> None:
    """Ask for an item."""
    known = remote_id(product, ACCOUNTS, "Item")
    commands.put(work, "quickbooks/to_item", f"product/{product['id']}", ITEMS, {"product": product}, known)
