"""Orders that wait for a person: the question, and what the answer does.

A question is one order, one episode and one reason; an order that waits for another reason is a new question. Once it
is accepted the order goes on, also when its source tells of it again.
"""

from uuid import uuid5

from connectors.kafka.records import Decision, Entity
from streams.stages import reviews
from streams.stages.bookings import document_key
from streams.stages.identity import NAMESPACE
from streams.stages.rows import Hold
from streams.stages.rules import Verdict
from streams.stages.work import Work

OPEN, ACCEPTED, REJECTED, DROPPED = "open", "accepted", "rejected", "dropped"
GONE = "its customer was deleted; give it another at its source"
"""Why an order waits of which the accounts could not say whose it is."""
AMENDMENT = "something was paid on its invoice"
"""How the reason begins why an order waits that would change such an invoice; it is the last of several."""
ALSO = "; "
"""Between the reasons of an order that waits for several."""
AMENDED = "amended"
"""Kind of match rows: what an order's document comes to by its name, while the order, which changed since, waits."""


def settle(work: Work, order: Entity, former: Entity | None) -> Entity:
    """Return the order as it may go on: not held if a person has accepted the reason; else the question is put.

    Args:
        work: the unit of work.
        order: with `hold` and `hold_reason` as rules and amounts have it.
        former: the order before this record; a question that no longer arises is closed.
    """
    if former is not None and former["hold_reason"] and _review(former) != _review(order):
        drop(work, former)
    if not order["hold"]:
        return order
    known = work.rows.holds.get(_review(order))
    if known is not None and known.state == ACCEPTED:
        return {**order, "hold": False}
    if known is None or known.state == DROPPED:
        ask(work, order, order["hold_reason"])
    return order


def ask(work: Work, order: Entity, reason: str) -> None:
    """Put a question about an order to a person, unless it is open already."""
    review = _review({**order, "hold_reason": reason})
    known = work.rows.holds.get(review)
    if known is None or known.state == DROPPED:
        work.rows.holds.put(Hold(order["id"], reason), review)
        assigned = f" (for {order['assigned_to']})" if order["assigned_to"] else ""
        _tell(work, review, order, f"{reason}{assigned}", still=True)


def drop(work: Work, order: Entity) -> None:
    """Close the question about an order, if it is open: it no longer arises."""
    review = _review(order)
    known = work.rows.holds.get(review)
    if known is not None and known.state == OPEN:
        work.rows.holds.put(Hold(known.order, known.reason, DROPPED), review)
        _tell(work, review, order, "no longer in question", still=False)


def decide(work: Work, decision: Decision) -> bool:
    """Do what a person decided about an order that waits; False: the decision is about something else.

    Raises:
        MappingError: the verdict is none that an order can have.
    """
    hold = work.rows.holds.get(decision.review) if decision.review else None
    if hold is None:
        return False
    accepted = reviews.is_accepted(decision)
    order = work.get("order", hold.order)
    if hold.state != OPEN or order is None:
        return True
    work.rows.holds.put(Hold(hold.order, hold.reason, ACCEPTED if accepted else REJECTED), decision.review)
    # Once the invoice has followed, the order waits for the others alone, which are answered as well.
    others, _, amendment = hold.reason.partition(f"{ALSO}{AMENDMENT}")
    if accepted and amendment:
        work.rows.holds.put(Hold(hold.order, others, ACCEPTED), _review({**order, "hold_reason": others}))
    _tell(work, decision.review, order, f"{decision.verdict}ed", still=False)
    if accepted and order["hold"] and _review(order) == decision.review:
        work.set("order", order["id"], hold=False)
        work.rows.matches.drop(AMENDED, document_key(order))
        work.won[order["id"]] = Verdict({}, skip=False)
    return True


def _review(order: Entity) -> str:
    about = (order["tenant"], "hold", order["id"], str(order["episode"]), order["hold_reason"] or "")
    return str(uuid5(NAMESPACE, "\x1f".join(about)))


def _tell(work: Work, review: str, order: Entity, reason: str, *, still: bool) -> None:
    reviews.tell(work, review, "hold", document_key(order), reason, still=still)
