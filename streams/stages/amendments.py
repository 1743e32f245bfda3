"""Orders that change under an invoice on which something was paid: a person says whether the invoice follows.

Compared is what the invoice comes to, not its words: positions by their source's ids, discount, shipping, tax and
currency. While the order waits, what is paid or given back for it is booked all the same.
"""

from decimal import Decimal
from hashlib import sha256
from typing import Any

from connectors.kafka.records import Entity
from streams.stages import holds, money, totals
from streams.stages.bookings import AGREED, document_key, invoiced, stands
from streams.stages.holds import ALSO, AMENDED, AMENDMENT, GONE
from streams.stages.rows import Match
from streams.stages.work import Work

TAKEN = ("discount_amount", "discount_percent", "shipping_amount")


def settle(work: Work, order: Entity, former: Entity | None) -> Entity:
    """Return the order as `holds.settle` does; it also waits if it would change an invoice on which something was paid.

    Args:
        work: the unit of work.
        order: with `hold` and `hold_reason` as rules and amounts have it.
        former: the order before this record.
    """
    if former is None or former["episode"] != order["episode"] or not stands(work, order):
        return holds.settle(work, order, former)
    key = document_key(order)
    kept = work.rows.matches.get(AMENDED, key)
    if kept is None and _compared(order) == _compared(former):
        return holds.settle(work, order, former)
    now = _said(order)
    booked = kept.ids if kept is not None else _said(former)
    is_other = booked[0] != now[0]
    if is_other and _is_paid(work, key):
        change = sha256("\x1f".join((booked[0], now[0])).encode()).hexdigest()[:8]
        reason = f"{AMENDMENT}, which would come to {now[1]} instead of {booked[1]} (change {change})"
        reason = ALSO.join(filter(None, [order["hold_reason"], reason]))
        order = {**order, "hold": True, "hold_reason": reason}
    order = holds.settle(work, order, former)
    if order["hold"] and is_other:
        work.rows.matches.put(Match(list(booked)), AMENDED, key)
    elif kept is not None:
        work.rows.matches.drop(AMENDED, key)
    return order


def goes_on(order: Entity) -> bool:
    """Tell whether anything is asked of the accounts for an order, be it only what was paid or given back."""
    reason = order["hold_reason"] or ""
    if not order["hold"]:
        return True
    if order["status"] != AGREED:  # its document follows nothing any more, whatever it waited for
        return GONE not in reason
    return reason.startswith(AMENDMENT) and ALSO not in reason


def _said(order: Entity) -> list[str]:
    """Return what the invoice of an order comes to, in short, and its total."""
    lines, tax, currency, *taken = _compared(order)
    texts = [(id_, money.text(quantity), money.text(amount)) for id_, quantity, amount in lines]
    said = (texts, None if tax is None else money.text(tax), currency, *map(money.text, taken))
    return [sha256(repr(said).encode()).hexdigest(), f"{money.text(totals.reckoned(order))} {currency}"]


def _compared(order: Entity) -> tuple[Any, ...]:
    """Return the positions of an order, its tax, its currency and what else is taken off or added."""
    lines = sorted((line["id"], line["quantity"], line["amount"]) for line in order["lines"])
    # Without a tax the accounts reckon one; without the others there are none.
    return lines, order["tax_amount"], order["currency"], *(order[name] or Decimal(0) for name in TAKEN)


def _is_paid(work: Work, key: str) -> bool:
    """Tell whether the accounts have an invoice by our name on which less is open than it comes to."""
    invoice = invoiced(work, key)
    return invoice is not None and (invoice["balance"] or 0) < (invoice["total"] or 0)
