"""A vendor's record into canonical records."""

from msgspec.structs import replace

from connectors.kafka.records import VendorRecord
from streams.stages import commands, created, display, opportunities, orders, parties, refunds
from streams.stages.absorb import absorb_no, absorb_once, leave, parsed
from streams.stages.mapping import Ref
from streams.stages.merge import siblings
from streams.stages.rows import Link
from streams.stages.work import Work


def take(work: Work, record: VendorRecord) -> None:
    """Take in one record; older versions than known are passed over.

    Raises:
        MappingError: it cannot become what its template promises.
    """
    ref = Ref(record.vendor, opportunities.object_of(record), record.remote_id)
    link = work.linked(ref)
    # Vendors count in seconds: an object may be deleted and be back in one and the same version.
    is_back = record.undeleted and record.source_version == link.source_version
    older = link.newer_than(record.source_version) and not is_back
    if record.deleted and record.merged_into and (link.deleted or not older):
        into = Ref(ref.vendor, ref.object, record.merged_into)
        parties.follow(work, ref, into)
        if not older:
            remove(work, ref, work.linked(ref), record.source_version)
        parties.followed(work, ref, into)
    elif older:
        absorb_no(work, ref, record)
    elif record.deleted:
        remove(work, ref, link, record.source_version)
    elif record.hint:
        _hint(work, record, link)
    elif opportunities.is_one(ref):
        opportunities.take(work, record, link, parsed(record.body))
    elif refunds.is_one(work, ref):
        refunds.take(work, record, link, parsed(record.body))
    elif _is_order(work, ref):
        orders.take(work, record, link, parsed(record.body))
    else:
        body = parsed(record.body)
        if link.id is None:
            created.recognise(work, ref, body)
        absorb_once(work, ref, body, record.source_version, ours=record.ours)
        display.follow(work, ref, body)


def remove(work: Work, ref: Ref, link: Link, version: str) -> None:
    """Take in that a vendor's object is gone: only its reference goes, the last one takes the record with it."""
    order = work.get("order", link.id) if link.entity == "order" else None
    if order is not None and order["episode"]:
        # An order that was won is business done: it stays, cancelled, with its reference and its episodes.
        orders.end(work, order["id"], "CANCELLED")
        work.rows.links.put(replace(link, source_version=version), ref.vendor, ref.object, ref.id)
        return
    if refunds.is_one(work, ref):
        refunds.remove(work, ref)
    if link.object_key is not None:
        heir, asked = _heir(work, ref, link), commands.sent(work, ref.vendor, link.object_key)
        if heir is not None:
            commands.move(work, ref.vendor, link.object_key, heir)
        elif asked is not None and asked.remote_id == ref.id:
            commands.close(work, ref.vendor, link.object_key)
    display.follow(work, ref, {})
    leave(work, ref, link, version)


def _heir(work: Work, ref: Ref, link: Link) -> str | None:
    """Return the vendor's other object that what is gone was as well: what we have to say is said there from now on."""
    record = work.get(link.entity, link.id) if link.entity is not None else None
    if record is None or not f"{link.object_key}/".startswith(f"{link.entity}/{record['id']}/"):
        return None
    return next((other.id for other in siblings(record, ref)), None)


def _hint(work: Work, record: VendorRecord, link: Link) -> None:
    wanted = opportunities.fetched_as(record.vendor, record.object)
    if record.source_version > link.source_version:
        commands.fetch(work, record.vendor, wanted, record.remote_id, record.source_version)


def _is_order(work: Work, ref: Ref) -> bool:
    template = work.settings.templates.inbound(ref.vendor, ref.object)
    return template is not None and template.entity == "order"
