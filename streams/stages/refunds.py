"""What is given back where its source tells of that on its own, apart from the order.

A template with entity `order` that has `same_as` reads such an object: its `refunds` are what is given back, none if it
was taken back itself, and `same_as` names the order's own object, or as `payment` the reference of one of its payments.
Either may come first. An order's refunds are all that name it.
"""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import asdict, replace

from connectors.errors import MappingError
from connectors.kafka.records import Entity, VendorRecord
from streams.stages import bookings
from streams.stages.mapping import Ref
from streams.stages.mapping.inbound import draft
from streams.stages.rows import Link, Match, Refund
from streams.stages.work import Work

PAYMENT = "payment"
"""Stands for the reference of a payment where another object's id would."""
PAID = "paid"
"""Kind of match rows: whose payment a reference is, in order of id."""
OF = "refund"
"""Kind of match rows: what an object is given back for, as type and id, so that it is found when the object is gone."""


def is_one(work: Work, ref: Ref) -> bool:
    """Tell whether an object is read as what was given back for some order."""
    template = work.settings.templates.inbound(ref.vendor, ref.object)
    return template is not None and template.entity == "order" and bool(template.same_as)


def take(work: Work, record: VendorRecord, link: Link, body: Mapping[str, Any]) -> None:
    """Take in one such object.

    Raises:
        MappingError: it does not say what was given back, or for what.
    """
    template = work.settings.templates.inbound(record.vendor, record.object)
    if template is None:
        return
    found = draft(template, body, work.settings.values)
    if not found.same_as:
        raise MappingError("same_as", "names no order: the record does not say what is given back for")
    of = found.same_as[0]
    refunds = found.fields.get("refunds") or []
    former = work.rows.matches.get(OF, record.vendor, record.object, record.remote_id)
    if former is not None and (list(former.ids) != [of.object, of.id] or not refunds):
        remove(work, Ref(record.vendor, record.object, record.remote_id))
    if refunds:
        work.rows.matches.put(Match([of.object, of.id]), OF, record.vendor, record.object, record.remote_id)
        work.rows.refunds.put(Refund(**refunds[0]), of.vendor, of.object, of.id, record.object, record.remote_id)
    work.rows.links.put(
        replace(link, source_version=record.source_version), record.vendor, record.object, record.remote_id
    )
    _recount(work, _order_of(work, of))


def remove(work: Work, ref: Ref) -> None:
    """Take back what an object, which is gone, gave back."""
    match = work.rows.matches.get(OF, ref.vendor, ref.object, ref.id)
    if match is not None:
        of = Ref(ref.vendor, *match.ids)
        work.rows.matches.drop(OF, ref.vendor, ref.object, ref.id)
        work.rows.refunds.drop(of.vendor, of.object, of.id, ref.object, ref.id)
        _recount(work, _order_of(work, of))


def _recount(work: Work, id_: str | None) -> None:
    order = work.get("order", id_)
    if order is not None:
        work.set("order", order["id"], refunds=_collected(work, order))


def follow(work: Work) -> None:
    """Let refunds of a payment that paid several orders be booked on one that is sold, where one of them just ended."""
    for before, after in work.touched("order"):
        if before is not None and after is not None and _stage(before) != _stage(after):
            settle(work, after["id"])


def _stage(order: Entity) -> tuple[str, int]:
    return order["status"], order["episode"]


def settle(work: Work, id_: str) -> None:
    """Give an order, just taken in, what was told of it before, and let its payments lead to it."""
    order = work.get("order", id_)
    if order is None:
        return
    others: dict[str, None] = {}
    for vendor, reference in _payments(work, order):
        known = work.rows.matches.get(PAID, vendor, reference)
        ids = sorted({id_, *(known.ids if known is not None else ())})
        work.rows.matches.put(Match(ids), PAID, vendor, reference)
        others |= dict.fromkeys(other for other in ids if other != id_)
    refunds = _collected(work, order)
    if refunds or others:
        work.set("order", id_, refunds=refunds)
    for other in others:
        _recount(work, other)


def _order_of(work: Work, of: Ref) -> str | None:
    if of.object != PAYMENT:
        link = work.linked(of)
        return link.id if link.entity == "order" else None
    match = work.rows.matches.get(PAID, of.vendor, of.id)
    return _bearer(work, match) if match is not None else None


def _bearer(work: Work, paid: Match) -> str:
    """Return on which of the orders that a payment paid its refunds are booked: the first that is sold, if one is."""
    orders = (work.get("order", id_) for id_ in paid.ids)
    sold = next((order["id"] for order in orders if order is not None and bookings.is_sold(work, order)), None)
    return str(sold or paid.ids[0])


def _collected(work: Work, order: Entity) -> list[dict[str, Any]]:
    """Return all that names the order, in order of day and id."""
    named = [(ref["vendor"], ref["object"], ref["id"]) for ref in order["refs"]]
    for vendor, reference in _payments(work, order):
        paid = work.rows.matches.get(PAID, vendor, reference)
        if paid is not None and _bearer(work, paid) == order["id"]:
            named.append((vendor, PAYMENT, reference))
    found = [asdict(row) for key in named for _, row in work.rows.refunds.scan(*key)]
    return sorted(found, key=lambda refund: (str(refund["refunded_on"]), refund["id"]))


def _payments(work: Work, order: Entity) -> Iterable[tuple[str, str]]:
    """Return the vendors and references of an order's payments, where refunds name these."""
    vendors = dict.fromkeys(ref["vendor"] for ref in order["refs"])
    named = [vendor for vendor in vendors if work.settings.templates.is_same_as(vendor, PAYMENT)]
    references = dict.fromkeys(p["reference"] for p in order["payments"] if p["reference"] is not None)
    return itertools.product(named, references)
