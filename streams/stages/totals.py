"""Documents whose total is another than their order's: the accounts reckoned in their own way, and a person is asked.

The answer to a write puts the question; it is closed when the totals agree, and when the document is void or gone.
Orders for which more was given back than they came to are asked about likewise.
"""

from decimal import Decimal

from connectors.kafka.records import Entity
from streams.stages import holds, money
from streams.stages.mapping import Ref
from streams.stages.rows import Match
from streams.stages.work import Work

TOTAL = "total"
"""Kind of match rows: the order and the reason of the open question about a document, by its object key."""
GIVEN = "given"
"""In place of the kind in the object key of a document: what was given back for the order in all."""
HUNDRED = Decimal(100)


def reckoned(order: Entity) -> Decimal:
    """Return what the positions of an order's document come to; it has a line for a discount, none for a surcharge."""
    sum_: Decimal = order["total"]
    discount = max(order["discount_amount"] or Decimal(0), Decimal(0))
    for amount, sign in ((discount, -1), (order["shipping_amount"], 1), (order["tax_amount"], 1)):
        sum_ = money.CONTEXT.fma(amount or 0, sign, sum_)
    if order["discount_percent"] is not None:
        part = money.CONTEXT.divide(money.times(order["total"], order["discount_percent"]), HUNDRED)
        sum_ = money.CONTEXT.subtract(sum_, money.rounded(part, order["currency"]))
    return sum_


def compare(work: Work, order_id: str, object_key: str, ref: Ref) -> None:
    """Ask a person about a document that was just stored if its total is another than its order's.

    Args:
        work: the unit of work.
        order_id: of the order.
        object_key: our name of the document.
        ref: the vendor's.
    """
    order, document = work.get("order", order_id), work.get("invoice", work.linked(ref).id)
    if order is None or document is None:
        return
    reason = None if order["hold"] else _difference(order, document, ref.object)
    open_ = work.rows.matches.get(TOTAL, object_key)
    if open_ is not None and open_.ids[1] != reason:
        _close(work, object_key, open_)
    if reason is not None:
        holds.ask(work, order, reason)
        work.rows.matches.put(Match([order_id, reason]), TOTAL, object_key)


def settle(work: Work) -> None:
    """Put the questions about what was given back; close those that what changed in the accounts has answered."""
    _given(work)
    for before, after in work.touched("invoice"):
        if before is None or (after is not None and _said(after) == _said(before)):
            continue
        for ref in before["refs"]:
            object_key = work.linked(Ref(ref["vendor"], ref["object"], ref["id"])).object_key
            open_ = work.rows.matches.get(TOTAL, object_key) if object_key is not None else None
            if object_key is not None and open_ is not None and _is_settled(work, open_, after):
                _close(work, object_key, open_)


def _given(work: Work) -> None:
    """Ask a person about orders for which more was given back than they came to, until that is so no more."""
    for before, order in work.touched("order"):
        if order is None or order["grand_total"] is None:
            continue
        object_key, reason = _given_key(order), _excess(order)
        for key in dict.fromkeys((_given_key(before or order), object_key)):
            open_ = work.rows.matches.get(TOTAL, key)
            if open_ is not None and (key != object_key or open_.ids[1] != reason):
                _close(work, key, open_)
        if reason is not None and order["episode"]:
            holds.ask(work, order, reason)
            work.rows.matches.put(Match([order["id"], reason]), TOTAL, object_key)


def _given_key(order: Entity) -> str:
    return f"{GIVEN}/{order['id']}/{order['episode']}"


def _excess(order: Entity) -> str | None:
    given = Decimal(0)
    for refund in order["refunds"]:
        given = money.CONTEXT.add(given, refund["amount"])
    excess = money.CONTEXT.subtract(given, order["grand_total"])
    if not given or excess <= 0:
        return None
    currency = order["currency"]
    return f"{money.text(given)} {currency} was given back, by {money.text(excess)} more than the order came to"


def _said(document: Entity) -> tuple[object, object]:
    return document["total"], document["status"]


def _is_settled(work: Work, open_: Match, document: Entity | None) -> bool:
    order = work.get("order", open_.ids[0])
    return document is None or document["status"] == "VOID" or order is None or not _off(order, document)


def _off(order: Entity, document: Entity) -> Decimal:
    """Return by how much a document differs from its order's total, if that has one."""
    stated = order["grand_total"]
    return Decimal(0) if stated is None else money.CONTEXT.subtract(document["total"] or 0, stated)


def _difference(order: Entity, document: Entity, object_type: str) -> str | None:
    off = _off(order, document)
    if not off:
        return None
    total = f"{money.text(order['grand_total'])} {order['currency']}"
    return f"the {object_type} is by {money.text(off)} off the order's total of {total}; correct it there"


def _close(work: Work, object_key: str, open_: Match) -> None:
    """The order may be in a later episode than the document that the question was about."""
    order_id, reason = open_.ids
    order, episode = work.get("order", order_id), int(object_key.rpartition("/")[2])
    if order is not None:
        holds.drop(work, {**order, "episode": episode, "hold_reason": reason})
    work.rows.matches.drop(TOTAL, object_key)
