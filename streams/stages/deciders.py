"""The persons who decided a customer's orders, the latest first: their prospects show the customer's figures."""

from collections.abc import Sequence

from connectors.kafka.records import Entity
from streams.stages.rows import Contacts
from streams.stages.work import Work


def of(work: Work, customer: str) -> Sequence[str]:
    """Return the canonical ids of a customer's."""
    known = work.rows.contacts.get(customer)
    return known.ids if known is not None else ()


def remember(work: Work, order: Entity, former: Entity | None) -> None:
    """Note who decided an order; whom it was sold to before has them no more, unless for another order."""
    customer, contact = work.standing("party", order["customer_id"]), order["contact_id"]
    before = work.standing("party", former["customer_id"] or customer) if former is not None else customer
    if former is not None and before != customer:
        left = {former["contact_id"], contact} - _named(work, before, but=order["id"])
        _keep(work, before, [id_ for id_ in of(work, before) if id_ not in left])
    if contact is not None:
        _keep(work, customer, [contact, *of(work, customer)])


def joined(work: Work, loser: str, survivor: str) -> None:
    """Let the persons of one customer be another's as well."""
    _keep(work, survivor, [*of(work, survivor), *of(work, loser)])


def parted(work: Work, survivor: str, loser: str) -> None:
    """Give each side of a merge that is undone its own: who decided its orders, and whom the loser had before."""
    both, mine = of(work, survivor), _named(work, survivor)
    theirs = {*of(work, loser), *_named(work, loser)}
    _keep(work, survivor, [id_ for id_ in both if id_ in mine or id_ not in theirs])
    _keep(work, loser, [id_ for id_ in both if id_ in theirs])


def _named(work: Work, customer: str, but: str = "") -> set[str]:
    """Return who decided the orders that count for a customer, without one of these."""
    orders = (work.get("order", id_) for (id_,), row in work.rows.documents.scan(customer) if row.is_order)
    return {order["contact_id"] for order in orders if order is not None and order["id"] != but and order["contact_id"]}


def _keep(work: Work, customer: str, ids: Sequence[str]) -> None:
    if ids:
        work.rows.contacts.put(Contacts(list(dict.fromkeys(ids))), customer)
    else:
        work.rows.contacts.drop(customer)
