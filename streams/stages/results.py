"""What vendors answered to our commands: crosswalk first, then the stored object as a record like any other."""

from collections.abc import Mapping
from typing import Any

from connectors.kafka.records import VendorResult
from connectors.wire import iso_micros
from streams.stages import canonicalise, commands, references
from streams.stages.absorb import absorb, parsed, version_in
from streams.stages.identity import new_id
from streams.stages.mapping import Ref
from streams.stages.merge import with_ref
from streams.stages.work import Work


def take(work: Work, result: VendorResult) -> None:
    """Take in one result.

    Raises:
        MappingError: the stored object cannot become what its template promises.
    """
    if result.operation == "FETCH":
        return
    ref = Ref(result.vendor, result.object, result.remote_id)
    commands.delivered(work, result.vendor, result.object_key, result.remote_id)
    if result.operation == "DELETE":
        canonicalise.remove(work, ref, work.linked(ref), iso_micros(result.delivered_at))
        return
    body = parsed(result.body)
    # An answer that states no version has no content either: vendors that return nothing, or only the id.
    version = version_in(work, result.vendor, result.object, body)
    kind, id_, *episode = result.object_key.split("/")
    if kind == "party":
        id_ = work.standing(kind, id_)
    if kind != "order":
        _known(work, kind, id_, ref, version, result.object_key)
        if version and work.get(kind, id_) is not None:
            absorb(work, result.vendor, result.object, body, version, id_)
    elif episode:
        _document(work, result, ref, body, version, id_)


def _known(work: Work, entity: str, id_: str, ref: Ref, version: str, object_key: str) -> None:
    """Give the record its new reference, taking it from another that had it."""
    former = work.linked(ref)
    if former.id is not None and former.id != id_ and former.entity is not None:
        work.unlink(ref, former.entity, former.id)
    record = work.get(entity, id_)
    if record is not None:
        work.save(entity, {**record, "refs": with_ref(record["refs"], ref)})
        work.link(ref, entity, id_, version, object_key)
        references.arrived(work, ref, id_)


def _document(work: Work, result: VendorResult, ref: Ref, body: Mapping[str, Any], version: str, order_id: str) -> None:
    """Take in the invoice or sales receipt that an order became."""
    id_ = work.linked(ref).id or new_id(work.tenant, ref)
    work.link(ref, "invoice", id_, version, result.object_key)
    if version:
        absorb(work, result.vendor, result.object, body, version, id_)
    order = work.get("order", order_id)
    work.set("invoice", id_, order_id=order_id)
    invoice = work.get("invoice", id_)
    if order is not None and invoice is not None and invoice["customer_id"] is None:
        work.set("invoice", id_, customer_id=order["customer_id"])
    if result.operation == "VOID":
        work.set("invoice", id_, status="VOID")
