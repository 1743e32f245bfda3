"""What the accounts have of an order: under which names, and how it is taken out of the books again.

All voids begin in `settle`, which compares an order before and after a record: payments and refunds that its source
does not tell of any more, and the document once the order is not agreed any more. What cannot be voided because the
accounts are not connected is owed, and made up for when a person says so (`orders.decide`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.kafka.records import Entity
from streams.stages import commands
from streams.stages.mapping import Ref
from streams.stages.rows import Match
from streams.stages.work import Work

ACCOUNTS = "quickbooks"
AGREED = "WON"
VOID = "void"
"""Kind of match rows: under which names a payment or refund was booked that its source then took back."""
OWED = "owed"
"""Kind of match rows: by order, what was to be voided while the accounts were not connected; none of it: it changed."""


def document_key(order: Entity) -> str:
    """Return our name of the order's document in the accounts."""
    return f"order/{order['id']}/{order['episode']}"


def refund_key(order: Entity, refund: Mapping[str, Any]) -> str:
    """Return our name of what the accounts have for a refund."""
    return f"refund/{order['id']}/{refund['id']}"


def payment_key(order: Entity, payment: Mapping[str, Any]) -> str:
    """Return our name of a payment on the order's document."""
    return f"payment/{order['id']}/{order['episode']}/{payment['id']}"


def booked_as(work: Work, key: str) -> str:
    """Return the name under which a payment or refund is booked: what was taken back and is told anew has another."""
    asked = commands.sent(work, ACCOUNTS, key)
    void = work.rows.matches.get(VOID, key) if asked is not None and asked.closed else None
    return key if void is None else f"{key}/{len(void.ids) + 1}"


def is_received(order: Entity) -> bool:
    """Tell whether any money came for an order."""
    return bool(order["payments"]) or order["payment_status"] in ("PAID", "PARTLY_PAID")


def stands(work: Work, order: Entity) -> bool:
    """Tell whether the episode's document was asked for and is neither void nor deleted."""
    document = commands.sent(work, ACCOUNTS, document_key(order))
    return document is not None and not document.closed


def invoiced(work: Work, key: str) -> Entity | None:
    """Return what the accounts told last of the invoice that they have by our name; None: none that stands."""
    asked = commands.sent(work, ACCOUNTS, key)
    if asked is None or asked.object != "Invoice" or asked.remote_id is None:
        return None
    invoice = work.get("invoice", work.linked(Ref(ACCOUNTS, asked.object, asked.remote_id)).id)
    return invoice if invoice is not None and invoice["status"] != "VOID" else None


def is_sold(work: Work, order: Entity) -> bool:
    """Tell whether an order is agreed and its document, if there is one, not void."""
    document = commands.sent(work, ACCOUNTS, document_key(order))
    return order["status"] == AGREED and not (document is not None and document.closed)


def settle(work: Work) -> None:
    """Take out of the books what the orders that this record changed do not have any more."""
    for before, after in work.touched("order"):
        if before is not None and after is not None:
            _settle(work, before, after)


def _settle(work: Work, before: Entity, after: Entity) -> None:
    lane = _lane(before)
    for name, key in (("payments", payment_key), ("refunds", refund_key)):
        left = {part["id"] for part in after[name]}
        for part in before[name]:
            if part["id"] not in left:
                void(work, before, key(before, part), lane)
    if after["status"] != AGREED and (before["status"] == AGREED or stands(work, after)) and not _is_kept(after):
        gone = [payment_key(before, payment) for payment in before["payments"]]
        gone += [document_key(before), *(refund_key(after, refund) for refund in after["refunds"])]
        for booked in gone:
            void(work, before, booked, lane)


def _lane(order: Entity) -> str:
    return str(order["customer_id"] or order["id"])


def _is_kept(order: Entity) -> bool:
    """Tell whether the document of an order that is not agreed any more stays: money went back, the refunds correct it.

    Else what was paid on it, or credited before any money came, goes with the document.
    """
    return bool(order["refunds"]) and is_received(order)


def void(work: Work, order: Entity, key: str, lane: str) -> bool:
    """Void what an order has in the accounts by a name, and tell whether that was done; told anew it has another name.

    Where the accounts are not connected it is owed.
    """
    booked = booked_as(work, key)
    asked = commands.sent(work, ACCOUNTS, booked)
    if asked is None or asked.closed:
        return False
    if ACCOUNTS not in work.settings.vendors:
        owe(work, order["id"], key)
        return False
    before = work.rows.matches.get(VOID, key)
    work.rows.matches.put(Match([*(before.ids if before is not None else ()), booked]), VOID, key)
    return commands.void(work, ACCOUNTS, booked, lane)


def owe(work: Work, order_id: str, *keys: str) -> None:
    """Remember that the accounts, which are not connected, have an order otherwise than it is, and what is to go."""
    names = dict.fromkeys([*owed(work, order_id), *keys])
    work.rows.matches.put(Match(list(names)), OWED, order_id)


def owed(work: Work, order_id: str) -> Sequence[str]:
    """Return what of an order was to be voided while the accounts were not connected."""
    row = work.rows.matches.get(OWED, order_id)
    return row.ids if row is not None else ()


def owing(work: Work) -> Sequence[str]:
    """Return the orders of which the accounts do not have what they should."""
    return [order_id for (order_id,), _ in work.rows.matches.scan(OWED)]


def make_up(work: Work, order: Entity) -> None:
    """Void what of an order is owed, except for what its source tells of again by now."""
    wanted: set[str] = set()
    if order["status"] == AGREED or _is_kept(order):
        wanted = {document_key(order), *(payment_key(order, payment) for payment in order["payments"])}
        wanted |= {refund_key(order, refund) for refund in order["refunds"]}
    for key in owed(work, order["id"]):
        if key not in wanted:
            void(work, order, key, _lane(order))
    work.rows.matches.drop(OWED, order["id"])
