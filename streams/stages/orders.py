"""What is sold is an order, wherever it was agreed: its customer, its rules, its document and its episodes.

An episode begins when an order is found agreed and ends when it is reopened, lost, cancelled or deleted, which voids
the episode's document (`bookings.py`). What a template must say of an order is in README.md.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.errors import MappingError
from connectors.kafka.records import Decision, Entity, VendorRecord
from streams.stages import amendments, bookings, commands, holds, money, refunds, rules, totals
from streams.stages.absorb import absorb
from streams.stages.bookings import ACCOUNTS, AGREED, document_key, stands
from streams.stages.holds import GONE
from streams.stages.merge import remote_id
from streams.stages.rows import Link
from streams.stages.work import Work

SEND = "send"
"""Verdict of a decision about an order."""
EVERY = ""
"""In place of an order: all that the accounts have otherwise than they are, as they were not connected."""
DOCUMENTS: Mapping[str, str] = {"INVOICE": "Invoice", "SALES_RECEIPT": "SalesReceipt"}


def take(work: Work, record: VendorRecord, link: Link, body: Mapping[str, Any]) -> None:
    """Take in an order whose template tells where it stands.

    Raises:
        MappingError: it cannot become an order; names the field.
    """
    former = work.get("order", link.id)
    id_ = absorb(work, record.vendor, record.object, body, record.source_version)
    refunds.settle(work, id_)
    order = work.get("order", id_)
    if order is None or order["status"] != AGREED:
        return
    if order["customer_id"] is None:
        raise MappingError("customer_id", "is unknown: the order names neither a known customer nor a buyer")
    agree(work, id_, former)


def agree(work: Work, id_: str, former: Entity | None) -> None:
    """Let an order be agreed, have the rules judge it, and let it be sent unless something keeps it.

    Args:
        work: the unit of work.
        id_: of the order.
        former: the order before this record.
    """
    order = work.get("order", id_)
    if order is None:
        return
    begun = former is not None and (former["status"] == AGREED or stands(work, former))
    episode = order["episode"] if begun else order["episode"] + 1
    agreed = {**order, "status": AGREED, "episode": episode, "total": _total(order["lines"])}
    customer, contact = work.get("party", order["customer_id"]), work.get("party", order["contact_id"])
    verdict = judged(work.settings.rules, agreed, customer and _as_kept(work, customer), contact)
    agreed = {**agreed, **verdict.fields}
    agreed = _decided(work, agreed if verdict.skip else _renewed(work, agreed, former))
    agreed = agreed if verdict.skip else amendments.settle(work, agreed, former)
    work.save("order", agreed)
    work.won[id_] = verdict


def decide(work: Work, decision: Decision) -> bool:
    """Let an agreed order be sent of which the accounts know nothing yet; False: the decision is about something else.

    One about every order lets those be as they should that the accounts have but did not hear of any more.

    Raises:
        MappingError: there is no such order, or nowhere to send it.
    """
    if decision.verdict != SEND:
        return False
    order = work.get("order", decision.order)
    if order is None and decision.order != EVERY:
        raise MappingError("order", f"{decision.order!r} is no order of {work.tenant}")
    if ACCOUNTS not in work.settings.vendors:
        raise MappingError("order", f"{decision.order or 'nothing'} cannot be sent: QuickBooks is not connected")
    if order is None:
        for id_ in bookings.owing(work):
            _make_up(work, id_)
    elif order["status"] == AGREED and commands.sent(work, ACCOUNTS, document_key(order)) is None:
        agree(work, order["id"], order)
    return True


def _make_up(work: Work, id_: str) -> None:
    """Let the accounts have of an order what they should, as if they had been connected all the time."""
    order = work.get("order", id_)
    if order is not None and order["status"] == AGREED:
        agree(work, id_, order)
        order = work.get("order", id_)
    if order is not None:
        bookings.make_up(work, order)
        work.won.setdefault(id_, rules.Verdict({}, skip=not stands(work, order)))


def settle(work: Work) -> None:
    """Take what ended out of the books; let the customers of what is sent now have a currency in the accounts."""
    refunds.follow(work)
    bookings.settle(work)
    for before, after in work.touched("order"):
        if before is not None and before["status"] == AGREED and after is not None and after["status"] != AGREED:
            holds.drop(work, before)
    # What is sent may also be what a person accepted.
    for id_, verdict in work.won.items():
        order = work.get("order", id_)
        customer = work.get("party", order["customer_id"]) if order is not None else None
        if order is not None and customer is not None and not (verdict.skip or order["hold"]):
            _keep_currency(work, order, customer)
    # What only fills an order, as a product that became known, is not refused because of the order's customer.
    for _, order in work.touched("order"):
        if order is None or order["id"] in work.won or not amendments.goes_on(order) or not stands(work, order):
            continue
        if work.get("party", order["customer_id"]) is None:
            _wait(work, order, GONE)


def _wait(work: Work, order: Entity, reason: str) -> None:
    """Let an order wait for a person, for one more reason."""
    reasons = holds.ALSO.join(filter(None, [order["hold_reason"], reason]))
    work.save("order", holds.settle(work, {**order, "hold": True, "hold_reason": reasons}, order))


def _keep_currency(work: Work, order: Entity, customer: Entity) -> None:
    """Let a customer that the accounts do not know yet be kept in the currency of its first order.

    While an order waited, another may have been the first.
    """
    reason = _foreign(order, _as_kept(work, customer)) if order["status"] == AGREED else None
    if reason is not None and reason not in (order["hold_reason"] or ""):
        _wait(work, order, reason)
    elif order["currency"] not in ("", work.settings.currency) and not _is_kept(work, customer):
        work.set("party", customer["id"], currency=order["currency"])


def judged(by: rules.Rules, order: Entity, customer: Entity | None, contact: Entity | None) -> rules.Verdict:
    """Return what the rules say of an order, which also waits if its amounts then do not come to its total.

    Raises:
        MappingError: a condition has no answer for this order; names the rule.
    """
    verdict = rules.judge(by, order, customer, contact)
    reasons = [verdict.fields["hold_reason"], _difference({**order, **verdict.fields})]
    reasons.append(GONE if customer is None else _foreign(order, customer))
    reason = holds.ALSO.join(filter(None, reasons)) or None
    return rules.Verdict({**verdict.fields, "hold": reason is not None, "hold_reason": reason}, verdict.skip)


def _decided(work: Work, order: Entity) -> Entity:
    """Return the order with the kind of document that its episode has already; that cannot change any more."""
    former = commands.sent(work, ACCOUNTS, document_key(order))
    kinds = {object_type: kind for kind, object_type in DOCUMENTS.items()}
    return {**order, "document": kinds[former.object]} if former is not None else order


def _renewed(work: Work, order: Entity, former: Entity | None) -> Entity:
    """Return the order, in a new episode if that under way has a receipt although not all is paid any more."""
    key = document_key(order)
    was_paid = former is not None and (former["payment_status"] == "PAID" or key in bookings.owed(work, order["id"]))
    if not was_paid or order["payment_status"] == "PAID":
        return order
    document = commands.sent(work, ACCOUNTS, key)
    if document is None or document.object != DOCUMENTS["SALES_RECEIPT"] or order["document"] != "INVOICE":
        return order
    return {**order, "episode": order["episode"] + bookings.void(work, order, key, order["customer_id"])}


def _total(lines: Sequence[Mapping[str, Any]]) -> Decimal:
    total = Decimal(0)
    for line in lines:
        total = money.CONTEXT.add(total, line["amount"])
    return total


def _difference(order: Entity) -> str | None:
    """Return why the accounts would have an order otherwise than its source; None: they would not."""
    if not order["lines"] and not order["shipping_amount"]:
        return "it has no positions: the accounts have no document without any"
    reckoned = totals.reckoned(order)
    stated = reckoned if order["grand_total"] is None else order["grand_total"]
    if stated < 0:
        return f"the total is {money.text(stated)} {order['currency']}: the accounts have no document below zero"
    if reckoned == stated:
        return None
    difference = money.CONTEXT.subtract(stated, reckoned)
    return (
        f"lines, discount, shipping and tax come to {money.text(reckoned)} {order['currency']}, but the total is "
        f"{money.text(stated)}: a difference of {money.text(difference)}"
    )


def _foreign(order: Entity, customer: Entity) -> str | None:
    """Return why the accounts take no document in the order's currency for its customer; None: they do."""
    kept = customer["currency"]
    if not kept or order["currency"] in ("", kept):
        return None
    return f"the accounts keep this customer in {kept} and take no document in {order['currency']} for it"


def _as_kept(work: Work, customer: Entity) -> Entity:
    """Return a customer with the currency in which the accounts keep it: the home currency if none was asked for."""
    if customer["currency"] is not None or not _is_kept(work, customer):
        return customer
    return {**customer, "currency": work.settings.currency}


def _is_kept(work: Work, customer: Entity) -> bool:
    known = remote_id(customer, ACCOUNTS, "Customer") is not None
    return known or commands.sent(work, ACCOUNTS, f"party/{customer['id']}") is not None


def end(work: Work, id_: str, status: str) -> None:
    """End the episode of an order, if one is under way."""
    order = work.get("order", id_)
    if order is not None and order["status"] in (AGREED, "OPEN"):
        work.set("order", id_, status=status)
