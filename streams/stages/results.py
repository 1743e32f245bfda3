"""What vendors answered to our commands: crosswalk first, then the stored object as a record like any other."""

from collections.abc import Mapping
from typing import Any

from connectors.kafka.records import Entity, VendorResult
from connectors.wire import iso_micros
from streams.stages import canonicalise, commands, echoes, overheard, parties, references, totals
from streams.stages.absorb import absorb, parsed, version_in
from streams.stages.bookings import ACCOUNTS
from streams.stages.identity import new_id
from streams.stages.mapping import Ref
from streams.stages.merge import remote_id, with_ref
from streams.stages.rows import Sent
from streams.stages.work import Work

MADE_OF_ORDERS: Mapping[str, str] = {"order": "invoice", "refund": "invoice", "payment": "payment"}
"""Kinds of object keys of what an order becomes, and the entity that it then is."""


def take(work: Work, result: VendorResult) -> None:
    """Take in one result.

    Raises:
        MappingError: the stored object cannot become what its template promises.
    """
    if result.operation == "FETCH":
        return
    ref = Ref(result.vendor, result.object, result.remote_id)
    asked = commands.sent(work, result.vendor, result.object_key)
    if not commands.delivered(work, result.vendor, result.object_key, result.remote_id, result.version):
        return
    if result.operation == "DELETE":
        canonicalise.remove(work, ref, work.linked(ref), iso_micros(result.delivered_at))
        return
    body = parsed(result.body)
    # An answer that states no version has no content either: vendors that return nothing, or only the id.
    version = version_in(work, result.vendor, result.object, body)
    link = work.linked(ref)
    # What is known may be newer than the answer, which then only tells whose the object is.
    older = bool(version) and link.newer_than(version)
    if older and link.deleted:
        commands.close(work, result.vendor, result.object_key)
        return
    kind, id_, *episode = result.object_key.split("/")
    if kind not in MADE_OF_ORDERS:
        _entity(work, result, ref, body, version, asked, older=older)
    elif episode:
        _document(work, result, ref, body, version, older=older)
        if kind != "payment":
            _recount(work, work.get("order", id_))
        # What was asked for since may have another total: its own answer tells.
        if kind == "order" and result.operation == "PUT" and asked is not None and asked.version == result.version:
            totals.compare(work, id_, result.object_key, ref)


def _entity(
    work: Work,
    result: VendorResult,
    ref: Ref,
    body: Mapping[str, Any],
    version: str,
    asked: Sent | None,
    *,
    older: bool,
) -> None:
    """Take in a party or product; `asked` is what it was before the answer."""
    kind, id_, *_ = result.object_key.split("/")
    if kind == "party":
        id_ = work.standing(kind, id_)
    is_known = work.linked(ref).id == id_
    _known(work, kind, id_, ref, version, result.object_key)
    before = echoes.known(work.rows, ref)
    if version and not (older and is_known) and work.get(kind, id_) is not None:
        written = commands.written(asked, result.version) if asked is not None and result.operation == "PUT" else ()
        absorb(work, result.vendor, result.object, body, version, id_, written)
        if older:  # what was newer went to the record that it was until now
            commands.fetch(work, result.vendor, result.object, result.remote_id, None)
    if asked is not None and asked.overheard:
        overheard.settle(work, ref, result, body, version, asked, before)


def _known(work: Work, entity: str, id_: str, ref: Ref, version: str, object_key: str) -> None:
    """Give the record its new reference, taking it from another that had it."""
    former = work.linked(ref)
    if former.id is not None and former.id != id_ and former.entity is not None:
        work.unlink(ref, former.entity, former.id)
    record = work.get(entity, id_)
    if record is not None:
        work.save(entity, {**record, "refs": with_ref(record["refs"], ref)})
        work.link(ref, entity, id_, version, object_key)
        if former.id is not None and former.entity == entity:
            parties.succeed(work, entity, former.id, id_)
        references.arrived(work, ref, id_)


def _document(
    work: Work, result: VendorResult, ref: Ref, body: Mapping[str, Any], version: str, *, older: bool
) -> None:
    """Take in what an order became: an invoice, sales receipt, credit memo, refund receipt or payment."""
    kind, order_id, *_ = result.object_key.split("/")
    entity = MADE_OF_ORDERS[kind]
    id_ = work.linked(ref).id or new_id(work.tenant, ref)
    work.link(ref, entity, id_, version, result.object_key)
    if version and not older:
        absorb(work, result.vendor, result.object, body, version, id_)
    if entity == "invoice":
        work.set(entity, id_, order_id=order_id)
    order, document = work.get("order", order_id), work.get(entity, id_)
    if order is not None and document is not None and document["customer_id"] is None:
        work.set(entity, id_, customer_id=order["customer_id"])
    if result.operation == "VOID" and not older:
        work.set(entity, id_, status="VOID")


def _recount(work: Work, order: Entity | None) -> None:
    """Read anew the items that count stock: a sale moves it without a new version of the item."""
    for product_id in dict.fromkeys(line["product_id"] for line in order["lines"]) if order is not None else ():
        product = work.get("product", product_id)
        item = remote_id(product, ACCOUNTS, "Item") if product is not None else None
        if item is not None and work.linked(Ref(ACCOUNTS, "Item.stock", item)).id is not None:
            commands.fetch(work, ACCOUNTS, "Item", item, None)
