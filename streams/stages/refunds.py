"""What is given back where its source tells of that on its own, apart from the order.

A template with entity `order` that has `same_as` reads such an object: its `refunds` are what is given back, none if it
was taken back itself, and `same_as` names the order's own object, or as `payment` the reference of one of its payments.
Either may come first. An order's refunds are all that name it.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from connectors.errors import MappingError
from connectors.kafka.records import Entity, VendorRecord
from streams.stages.mapping import Ref
from streams.stages.mapping.inbound import draft
from streams.stages.rows import Link, Match, Refund
from streams.stages.work import Work

PAYMENT = "payment"
"""Stands for the reference of a payment where another object's id would."""
PAID = "paid"
"""Kind of match rows: whose payment a reference is."""
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
    if refunds:
        work.rows.matches.put(Match([of.object, of.id]), OF, record.vendor, record.object, record.remote_id)
        work.rows.refunds.put(Refund(**refunds[0]), of.vendor, of.object, of.id, record.object, record.remote_id)
    else:
        work.rows.refunds.drop(of.vendor, of.object, of.id, record.object, record.remote_id)
    work.rows.links.put(
        replace(link, source_version=record.source_version), record.vendor, record.object, record.remote_id
    )
    _recount(work, of)


def remove(work: Work, ref: Ref) -> None:
    """Take back what an object, which is gone, gave back."""
    match = work.rows.matches.get(OF, ref.vendor, ref.object, ref.id)
    if match is not None:
        of = Ref(ref.vendor, *match.ids)
        work.rows.matches.drop(OF, ref.vendor, ref.object, ref.id)
        work.rows.refunds.drop(of.vendor, of.object, of.id, ref.object, ref.id)
        _recount(work, of)


def _recount(work: Work, of: Ref) -> None:
    order = work.get("order", _order_of(work, of))
    if order is not None:
        work.set("order", order["id"], refunds=_collected(work, order))


def settle(work: Work, id_: str) -> None:
    """Give an order, just taken in, what was told of it before, and let its payments lead to it."""
    order = work.get("order", id_)
    if order is None:
        return
    for payment in order["payments"]:
        if payment["reference"] is not None:
            for vendor in _vendors(order):
                work.rows.matches.put(Match([id_]), PAID, vendor, payment["reference"])
    refunds = _collected(work, order)
    if refunds:
        work.set("order", id_, refunds=refunds)


def _order_of(work: Work, of: Ref) -> str | None:
    if of.object != PAYMENT:
        link = work.linked(of)
        return link.id if link.entity == "order" else None
    match = work.rows.matches.get(PAID, of.vendor, of.id)
    return match.ids[0] if match is not None else None


def _collected(work: Work, order: Entity) -> list[dict[str, Any]]:
    """Return all that names the order, in order of day and id."""
    named = [(ref["vendor"], ref["object"], ref["id"]) for ref in order["refs"]]
    references = dict.fromkeys(p["reference"] for p in order["payments"] if p["reference"] is not None)
    named += [(vendor, PAYMENT, reference) for vendor in _vendors(order) for reference in references]
    found = [asdict(row) for key in named for _, row in work.rows.refunds.scan(*key)]
    return sorted(found, key=lambda refund: (str(refund["refunded_on"]), refund["id"]))


def _vendors(order: Entity) -> list[str]:
    return list(dict.fromkeys(ref["vendor"] for ref in order["refs"]))
